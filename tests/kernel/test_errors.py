"""What a clerk reads in a refusal: the value as it was typed, never as Python writes it."""

import datetime as dt
from decimal import Decimal

import pytest

from evbilling.kernel.errors import BadInput
from sessions.models import SessionState


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("0.00"), "0.00"),
        (Decimal("1E+5"), "100000"),
        (dt.date(2026, 2, 28), "2026-02-28"),
        (None, "''"),
        ("", "''"),
        ("XX", "'XX'"),
        (SessionState.COMPLETED, "'completed'"),
        (7, "7"),
    ],
)
def test_a_refused_value_reads_as_it_was_typed(value: object, shown: str) -> None:
    assert BadInput("amount", value, "Ask for more.").message == f"amount: {shown} cannot be used. Ask for more."
