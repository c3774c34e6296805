"""What `check_books` proves about invoicing; imported when the app is ready."""

from invoicing.checks import documents, money, numbers, runs

__all__ = ["documents", "money", "numbers", "runs"]
