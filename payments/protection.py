"""What the database refuses to change in this app."""

from evbilling.kernel.protection import Protection, append_only, protect


def register() -> None:
    """Payment events are append-only; a payment is never deleted, its amount and payer never change."""
    protect(
        append_only("payments.PaymentEvent", "Payment events are never changed or deleted."),
        Protection("payments.Payment", "kept", "A payment is never deleted.", ("DELETE",)),
    )
