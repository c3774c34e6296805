"""Invoicing in the workspace."""

from invoicing.admin import deliveries, invoices, ledger, runs

__all__ = ["deliveries", "invoices", "ledger", "runs"]
