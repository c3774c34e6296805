"""Invoicing in the workspace."""

from invoicing.admin import (
    accounts,
    corrections,
    deliveries,
    dunning,
    dunning_waits,
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
    "dunning_waits",
    "invoices",
    "ledger",
    "letters",
    "penalties",
    "rates",
    "runs",
]
