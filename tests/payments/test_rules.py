"""States and the card guard: pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel.card_guard import holds_card_number, luhn, mask_card_numbers
from payments.models import PaymentState
from payments.rules.state import TRANSITIONS, may_follow

PREFIXES = ["4", "51", "55", "2221", "2720", "34", "37", "6011", "65", "36", "3528", "50", "67", "62"]


def card(prefix: str, filler: str, length: int) -> str:
    """A made-up number with a right check digit."""
    body = (prefix + filler)[: length - 1]
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


cards = st.builds(
    card,
    st.sampled_from(PREFIXES),
    st.text("0123456789", min_size=19, max_size=19),
    st.sampled_from([14, 15, 16, 19]),
)


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(PaymentState.values)


def test_nothing_follows_a_capture() -> None:
    assert not any(may_follow("captured", state) for state in PaymentState.values)


@pytest.mark.parametrize("state", ["failed", "cancelled", "unknown", "created"])
def test_money_that_comes_late_is_taken(state: str) -> None:
    assert may_follow(state, "captured")


@given(cards)
def test_a_card_number_is_seen_however_it_is_written(number: str) -> None:
    spaced = " ".join(number[index : index + 4] for index in range(0, len(number), 4))
    for text in (number, f"card {spaced} exp 12/30", number[:4] + "-" + number[4:]):
        assert holds_card_number(text)
        masked = mask_card_numbers(text)
        assert not holds_card_number(masked)
        assert f"[card ending {number[-4:]}]" in masked


@pytest.mark.parametrize(
    "text",
    ["INV-2026-000365", "DE89 3704 0044 0532 0130 00", "1366563", "4111111111111112", "2026-03-01 12:00:00", ""],
)
def test_what_is_no_card_number_passes(text: str) -> None:
    assert not holds_card_number(text)
    assert mask_card_numbers(text) == text
