"""What the database refuses to change in this app."""

from evbilling.kernel.protection import Protection, protect

_PRICED = (
    "OLD.superseded_at IS NULL AND EXISTS (SELECT 1 FROM charging_sessionprice p WHERE p.session_id = OLD.id) AND ("
    "OLD.energy_wh <> NEW.energy_wh OR OLD.started_at <> NEW.started_at OR OLD.ended_at <> NEW.ended_at "
    "OR OLD.contract_id <> NEW.contract_id OR OLD.site_id <> NEW.site_id OR OLD.provider_ref <> NEW.provider_ref)"
)


def register() -> None:
    """Prices and charges are made or removed whole, never edited; priced sessions and superseded revisions stay."""
    protect(
        Protection("charging.SessionPrice", "frozen", "A price is never edited; rate the session again.", ("UPDATE",)),
        Protection(
            "charging.SessionCharge", "frozen", "A session charge is never edited; draft it again.", ("UPDATE",)
        ),
        Protection(
            "charging.ChargingSession",
            "priced",
            "A priced session keeps what its price follows from; its source sends a changed copy.",
            ("UPDATE",),
            _PRICED,
        ),
        Protection(
            "charging.ChargingSession",
            "superseded",
            "A superseded revision is kept as it was.",
            when="ROW.superseded_at IS NOT NULL",
        ),
    )
