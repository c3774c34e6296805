"""Invoicing in the workspace."""

from invoicing.admin import deliveries, invoices, ledger, penalties, runs

__all__ = ["deliveries", "invoices", "ledger", "penalties", "runs"]
