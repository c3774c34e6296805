"""Invoicing in the workspace."""

from invoicing.admin import (
    accounts,
    corrections,
    deliveries,
    dunning,
    invoices,
    ledger,
    letters,
    penalties,
    rates,
    runs,
)

__all__ = [
    "accounts",
    "corrections",
    "deliveries",
    "dunning",
    "invoices",
    "ledger",
    "letters",
    "penalties",
    "rates",
    "runs",
]
