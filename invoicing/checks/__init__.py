"""What `check_books` proves about invoicing; imported when the app is ready."""

from invoicing.checks import deliveries, documents, dunning, money, monthly, numbers, ownership, penalties, runs, shares

__all__ = [
    "deliveries",
    "documents",
    "dunning",
    "money",
    "monthly",
    "numbers",
    "ownership",
    "penalties",
    "runs",
    "shares",
]
