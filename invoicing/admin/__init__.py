"""Invoicing in the workspace."""

from invoicing.admin import deliveries, invoices, ledger, letters, penalties, runs

__all__ = ["deliveries", "invoices", "ledger", "letters", "penalties", "runs"]
