"""Invoicing in the workspace."""

from invoicing.admin import accounts, deliveries, dunning, invoices, ledger, letters, penalties, rates, runs

__all__ = ["accounts", "deliveries", "dunning", "invoices", "ledger", "letters", "penalties", "rates", "runs"]
