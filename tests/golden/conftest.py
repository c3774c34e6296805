"""Fixtures of these tests."""

from tests.invoicing.quiet import nothing_is_drawn

__all__ = ["nothing_is_drawn"]
