"""The lifecycle of a payment attempt as one visible table."""

from types import MappingProxyType

CREATED, REQUIRES_ACTION, PROCESSING, AUTHORISED = "created", "requires_action", "processing", "authorised"
CAPTURED, FAILED, CANCELLED, UNKNOWN = "captured", "failed", "cancelled", "unknown"

_MOVES = {
    CREATED: {REQUIRES_ACTION, PROCESSING, AUTHORISED, CAPTURED, FAILED, CANCELLED, UNKNOWN},
    REQUIRES_ACTION: {PROCESSING, AUTHORISED, CAPTURED, FAILED, CANCELLED, UNKNOWN},
    PROCESSING: {REQUIRES_ACTION, AUTHORISED, CAPTURED, FAILED, CANCELLED, UNKNOWN},
    AUTHORISED: {CAPTURED, FAILED, CANCELLED, UNKNOWN},
    UNKNOWN: {REQUIRES_ACTION, PROCESSING, AUTHORISED, CAPTURED, FAILED, CANCELLED},
    # Money that came in although the attempt had been given up is money: it is taken, never ignored.
    FAILED: {CAPTURED},
    CANCELLED: {CAPTURED},
    CAPTURED: set(),
}
TRANSITIONS = MappingProxyType({state: frozenset(targets) for state, targets in _MOVES.items()})
"""From each state to the states that may follow. Nothing undoes a capture: a late `failed` changes nothing (I13)."""


def may_follow(current: str, following: str) -> bool:
    """Whether a payment may move from one state to another."""
    return following in TRANSITIONS[current]
