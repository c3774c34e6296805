"""Reads of sessions for screens, reports and the documents above: no side effects."""

from sessions.queries.billable import billable_of, billable_sessions, unrated_of, unrated_sessions
from sessions.queries.completeness import Completeness, Tally, completeness
from sessions.queries.own_part import OwnPart
from sessions.queries.pricing import ExplainedLine, LivePrice, Pricer, Quote, explain, price_now
from sessions.queries.sponsors import SponsorBook, Sponsored
from sessions.queries.status import (
    SessionStatus,
    charging_now,
    current_sessions,
    of_status,
    status_of,
    with_status,
)
from sessions.queries.whose import without_payer

__all__ = [
    "Completeness",
    "ExplainedLine",
    "LivePrice",
    "OwnPart",
    "Pricer",
    "Quote",
    "SessionStatus",
    "SponsorBook",
    "Sponsored",
    "Tally",
    "billable_of",
    "billable_sessions",
    "charging_now",
    "completeness",
    "current_sessions",
    "explain",
    "of_status",
    "status_of",
    "price_now",
    "unrated_of",
    "unrated_sessions",
    "with_status",
    "without_payer",
]
