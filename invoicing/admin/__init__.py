"""Invoicing in the workspace."""

from invoicing.admin import accounts, deliveries, invoices, ledger, letters, penalties, runs

__all__ = ["accounts", "deliveries", "invoices", "ledger", "letters", "penalties", "runs"]
