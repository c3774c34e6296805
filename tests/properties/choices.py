"""What the rules of the machine choose from."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from invoicing.operations.reissuing import Then

NUMBERS = st.integers(0, 40)
PERCENT = st.sampled_from([1, 33, 50, 100, 120])
CHOICES: dict[str, tuple[str, ...]] = {
    "a_held_session_is_decided": ("release", "reject"),
    "a_draft_is_decided": ("issue", "discard"),
    "a_document_is_credited": ("whole", "line", "rate", "session", "rerated", "free"),
    "a_document_is_issued_again": tuple(Then),
    "a_correction_is_decided": ("approve", "refuse"),
    "a_dispute_is_answered": ("accept", "part", "refuse", "withdraw"),
    "a_refund_goes_on": ("approve", "decline", "confirm"),
    "a_deposit_moves": ("hold", "free"),
    "a_closed_period_is_to_be_opened": ("ask", "decline", "open"),
}
"""By rule, the ways of doing it that are told apart; the other rules have one."""


def ways_of(rule: str) -> SearchStrategy[str]:
    """One of the ways of a rule."""
    return st.sampled_from(CHOICES[rule])
