"""One JSON reader and writer: decimals stay decimals."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel.strict_json import BadJson, dumps, loads


def test_numbers_are_read_as_decimals() -> None:
    assert loads('{"price": 0.10, "count": 3}') == {"price": Decimal("0.10"), "count": 3}


def test_decimals_and_dates_are_written_as_strings() -> None:
    assert dumps([Decimal("1.50"), dt.date(2026, 1, 31), Decimal("1E+2")]) == '["1.50", "2026-01-31", "100"]'


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', "NaN", "[Infinity]", "{", "[" * 100_000, b"\xff\xfe\xfa", "1" * 5000]
)
def test_what_cannot_be_trusted_is_refused(text: str | bytes) -> None:
    with pytest.raises(BadJson):
        loads(text)


def test_a_float_never_leaves() -> None:
    with pytest.raises(TypeError, match="float"):
        dumps({"amount": [1.5]})


@given(st.text(max_size=200))
def test_what_is_written_is_read_back(text: str) -> None:
    assert loads(dumps({"text": text})) == {"text": text}
