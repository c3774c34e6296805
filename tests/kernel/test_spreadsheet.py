"""Text in files that people open in a spreadsheet is never taken for a formula, and is read back as it was."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel.spreadsheet import guard, unguard


@given(text=st.text() | st.text(alphabet="'=+-@\t\r\nab1", max_size=6))
def test_a_guarded_cell_is_no_formula_and_is_read_back(text: str) -> None:
    cell = guard(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell.endswith(text)
    assert unguard(cell) == text


def test_a_number_stays_a_number() -> None:
    assert guard(Decimal("-1.50")) == "-1.50"
