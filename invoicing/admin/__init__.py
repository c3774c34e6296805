"""Invoicing in the workspace."""

from invoicing.admin import (
    accounts,
    advances,
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
    "advances",
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
