"""What `check_books` proves about invoicing; imported when the app is ready."""

from invoicing.checks import (
    advances,
    corrections,
    deliveries,
    documents,
    dunning,
    ledger,
    money,
    monthly,
    numbers,
    ownership,
    penalties,
    runs,
    shares,
)

__all__ = [
    "advances",
    "corrections",
    "deliveries",
    "documents",
    "dunning",
    "ledger",
    "money",
    "monthly",
    "numbers",
    "ownership",
    "penalties",
    "runs",
    "shares",
]
