"""Payments in the workspace; one file per subject."""

from payments.admin import payments, refunds

__all__ = ["payments", "refunds"]
