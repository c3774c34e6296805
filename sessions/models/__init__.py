"""Tables of charging sessions; one file per aggregate."""

from sessions.models.hold import Hold, HoldKind, HoldState
from sessions.models.intake import ImportBatch, ImportProfile, RefusedRow
from sessions.models.price import ChargeRole, SessionCharge, SessionPrice
from sessions.models.session import ChargingSession, SessionSource, SessionState

__all__ = [
    "ChargeRole",
    "ChargingSession",
    "Hold",
    "HoldKind",
    "HoldState",
    "ImportBatch",
    "ImportProfile",
    "RefusedRow",
    "SessionCharge",
    "SessionPrice",
    "SessionSource",
    "SessionState",
]
