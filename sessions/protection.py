"""What the database refuses to change in this app."""

from evbilling.kernel.protection import Protection, protect


def register() -> None:
    """Prices and charges are made or removed whole, never edited; superseded revisions stay as they were."""
    protect(
        Protection("charging.SessionPrice", "frozen", "A price is never edited; rate the session again.", ("UPDATE",)),
        Protection(
            "charging.SessionCharge", "frozen", "A session charge is never edited; draft it again.", ("UPDATE",)
        ),
        Protection(
            "charging.ChargingSession",
            "superseded",
            "A superseded revision is kept as it was.",
            when="ROW.superseded_at IS NOT NULL",
        ),
    )
