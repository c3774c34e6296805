"""Given a document that is late, when interest accrues, then no day counts twice and roundings never add up (I14)."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rules.terms import LatePayment
from evbilling.kernel.money import quantise
from invoicing.rules.penalties import (
    Debt,
    MissingReferenceRate,
    accrue,
    accrued,
    late_fee,
    late_interest,
    penalty_sentence,
    yearly_rates,
)
from invoicing.rules.penalties.late import applies

DUE = dt.date(2026, 9, 30)
OWN = LatePayment(Decimal("7.3"), False, Decimal(5))
EU = LatePayment(None, True, None)
NOTHING = Decimal(0)
REFERENCES = [(dt.date(2025, 6, 11), Decimal("2.15")), (dt.date(2026, 3, 1), Decimal("1.95"))]


def day(month: int, number: int, year: int = 2026) -> dt.date:
    return dt.date(year, month, number)


def interest(debt: Debt, end: dt.date, booked: str = "0", term: LatePayment = OWN) -> Decimal:
    rates = yearly_rates(term, REFERENCES, debt.late_from, end)
    return late_interest(debt, rates, end, Decimal(booked), "EUR").amount


def test_interest_begins_on_the_day_after_due() -> None:
    debt = Debt(Decimal(1000), DUE)
    assert interest(debt, DUE) == NOTHING
    assert interest(debt, day(10, 1)) == NOTHING
    assert interest(debt, day(10, 2)) == Decimal("0.20")  # 1,000 x 7.3 % / 365 = 0.20 a day
    assert interest(debt, day(11, 1)) == Decimal("6.20")  # 31 days


def test_money_lowers_the_open_amount_on_its_day() -> None:
    debt = Debt(Decimal(1000), DUE, ((day(10, 11), Decimal(600)),))
    assert interest(debt, day(11, 1)) == Decimal("3.68")  # 10 days on 1,000 = 2.00, 21 days on 400 = 1.68
    assert interest(Debt(Decimal(1000), DUE, ((day(10, 1), Decimal(1000)),)), day(11, 1)) == NOTHING
    assert interest(Debt(Decimal(1000), DUE, ((day(9, 12), Decimal(1000)),)), day(11, 1)) == NOTHING


def test_an_undone_payment_leaves_the_amount_open_again() -> None:
    settled = ((day(10, 1), Decimal(1000)), (day(10, 21), Decimal(-1000)))
    assert interest(Debt(Decimal(1000), DUE, settled), day(11, 1)) == Decimal("2.20")  # 21 to 31 October


def test_what_was_booked_is_taken_off_so_that_roundings_do_not_add_up() -> None:
    debt = Debt(Decimal("10.30"), DUE)  # 0.00206 a day
    booked = NOTHING
    for offset in range(1, 366):
        booked += interest(debt, DUE + dt.timedelta(days=offset + 1), str(booked))
    assert booked == Decimal("0.75")  # 365 days: 7.3 % of 10.30 = 0.7519


def test_money_known_late_books_nothing_below_zero() -> None:
    debt = Debt(Decimal(1000), DUE, ((day(10, 1), Decimal(1000)),))
    assert interest(debt, day(11, 1), "6.20") == NOTHING


def test_a_leap_year_has_365_parts_too() -> None:
    debt = Debt(Decimal(1000), dt.date(2023, 12, 31))
    assert interest(debt, dt.date(2025, 1, 1)) == Decimal("73.20")  # 366 days of 0.20


def test_the_statutory_rate_is_that_of_the_first_day_of_the_half_year() -> None:
    rates = yearly_rates(EU, REFERENCES, day(5, 1), day(8, 1))
    assert rates == [(day(5, 1), Decimal("10.15")), (day(7, 1), Decimal("9.95"))]


def test_a_half_year_without_a_reference_rate_is_refused() -> None:
    with pytest.raises(MissingReferenceRate, match="1 Jan 2025"):
        yearly_rates(EU, REFERENCES, day(5, 1, 2025), day(8, 1))


def test_the_statutory_default_does_not_bind_a_consumer() -> None:
    assert applies(EU, business=True)
    assert not applies(EU, business=False)
    assert applies(OWN, business=False)


def test_the_flat_fee_is_due_when_something_was_open_at_the_end_of_the_due_date() -> None:
    assert late_fee(OWN, Debt(Decimal(10), DUE), "EUR").amount == Decimal("5.00")
    assert late_fee(OWN, Debt(Decimal(10), DUE, ((DUE, Decimal("9.99")),)), "EUR").amount == Decimal("5.00")
    assert late_fee(OWN, Debt(Decimal(10), DUE, ((DUE, Decimal(10)),)), "EUR").amount == NOTHING
    assert late_fee(OWN, Debt(Decimal(10), DUE, ((day(10, 1), Decimal(10)),)), "EUR").amount == Decimal("5.00")


def test_the_statutory_flat_fee_is_40_euros_and_unknown_elsewhere() -> None:
    assert late_fee(EU, Debt(Decimal(10), DUE), "EUR").amount == Decimal("40.00")
    assert late_fee(EU, Debt(Decimal(10), DUE), "USD").amount == NOTHING
    assert late_fee(LatePayment(Decimal(5), False, None), Debt(Decimal(10), DUE), "EUR").amount == NOTHING


def test_interest_says_its_stretches() -> None:
    debt = Debt(Decimal(1000), DUE, ((day(10, 11), Decimal(600)),))
    fee = late_interest(debt, [(day(10, 1), Decimal("7.3"))], day(11, 1), Decimal("1.00"), "EUR")
    assert penalty_sentence("interest", fee.because, "EUR") == (
        "Interest on €1,000.00 due on 30 Sept 2026: €1,000.00 for 10 days at 7.3 % a year + €400.00 for 21 days at "
        "7.3 % a year (actual/365), together €3.68, less €1.00 booked before."
    )


amounts = st.decimals(min_value=0, max_value=10_000, places=2)
offsets = st.integers(min_value=-40, max_value=900)
payments = st.lists(st.tuples(offsets, st.decimals(min_value=-500, max_value=500, places=2)), max_size=6)


@given(amounts, payments, st.lists(st.integers(min_value=0, max_value=800), min_size=3, max_size=3), st.booleans())
def test_parts_of_a_time_accrue_what_the_whole_does(
    gross: Decimal, paid: list[tuple[int, Decimal]], ends: list[int], statutory: bool
) -> None:
    settled = tuple((DUE + dt.timedelta(days=offset), amount) for offset, amount in paid)
    debt, term = Debt(gross, DUE, settled), EU if statutory else OWN
    a, b, c = (debt.late_from + dt.timedelta(days=number) for number in sorted(ends))
    rates = yearly_rates(term, REFERENCES, debt.late_from, debt.late_from + dt.timedelta(days=801))

    def over(start: dt.date, end: dt.date) -> Fraction:
        return accrued(accrue(debt, rates, start, end))

    assert over(a, b) + over(b, c) == over(a, c)
    day_by_day = sum((over(day, day + dt.timedelta(days=1)) for day in _days(a, b)), Fraction(0))
    assert day_by_day == over(a, b)


@given(amounts, st.lists(st.integers(min_value=1, max_value=60), min_size=1, max_size=12))
def test_notes_of_any_length_add_up_to_the_accrual_rounded_once(gross: Decimal, steps: list[int]) -> None:
    debt, end, booked = Debt(gross, DUE), DUE + dt.timedelta(days=1), NOTHING
    for step in steps:
        end += dt.timedelta(days=step)
        booked += interest(debt, end, str(booked))
    rates = yearly_rates(OWN, (), debt.late_from, end)
    assert booked == quantise(accrued(accrue(debt, rates, debt.late_from, end)), "EUR")


def _days(start: dt.date, end: dt.date) -> list[dt.date]:
    return [start + dt.timedelta(days=number) for number in range((end - start).days)]
