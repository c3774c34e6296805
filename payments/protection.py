"""What the database refuses to change in this app."""

from evbilling.kernel.protection import Protection, append_only, protect

_FIXED = (
    "OLD.amount <> NEW.amount OR OLD.currency <> NEW.currency OR OLD.public_id <> NEW.public_id "
    "OR OLD.party_id <> NEW.party_id OR OLD.operator_id <> NEW.operator_id "
    "OR COALESCE(OLD.invoice_id, 0) <> COALESCE(NEW.invoice_id, 0)"
)


def register() -> None:
    """Payment events are append-only; a payment is never deleted, its amount and payer never change."""
    protect(
        append_only("payments.PaymentEvent", "Payment events are never changed or deleted."),
        Protection("payments.Refund", "kept", "A refund is never deleted.", ("DELETE",)),
        Protection(
            "payments.Refund",
            "fixed",
            "A refund's amount never changes, and one that is done stays so.",
            ("UPDATE",),
            "OLD.amount <> NEW.amount OR OLD.payment_id <> NEW.payment_id OR OLD.state IN ('done', 'declined')",
        ),
        Protection("payments.Payment", "kept", "A payment is never deleted.", ("DELETE",)),
        Protection("payments.Payment", "fixed", "A payment's amount and payer never change.", ("UPDATE",), _FIXED),
    )
