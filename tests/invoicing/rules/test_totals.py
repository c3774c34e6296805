"""Tax once per rate on the summed net; credits by difference."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel.errors import MoneyError
from invoicing.rules.tax import Category, Ground, Tax
from invoicing.rules.totals import CreditTooHigh, TaxRow, credit_totals, totals_of

D = Decimal
S19 = Tax(Category.STANDARD, D(19))
S7 = Tax(Category.STANDARD, D(7))
cents = st.integers(0, 10_000_000).map(lambda units: D(units).scaleb(-2))
taxes = st.sampled_from([S19, S7, Tax(Category.STANDARD, D("8.875")), Tax(Category.EXEMPT, D(0), Ground.EXEMPT)])


def test_given_three_lines_of_ten_cents_when_summed_then_tax_is_rounded_on_the_sum_and_not_per_line() -> None:
    totals = totals_of([(S19, D("0.10"))] * 3, "EUR")
    assert (totals.net, totals.tax, totals.gross) == (D("0.30"), D("0.06"), D("0.36"))  # per line: 3 x 0.02 = 0.06
    totals = totals_of([(S19, D("0.13"))] * 3, "EUR")
    assert totals.tax == D("0.07")  # per line it would be 3 x 0.02 = 0.06


def test_given_two_rates_when_summed_then_each_has_its_row_highest_rate_first() -> None:
    totals = totals_of([(S7, D("10.00")), (S19, D("99.99")), (S7, D("0.05"))], "EUR")
    assert totals.rows == (
        TaxRow(Category.STANDARD, D(19), D("99.99"), D("19.00")),
        TaxRow(Category.STANDARD, D(7), D("10.05"), D("0.70")),
    )
    assert totals.gross == D("129.74")


def test_given_yen_when_summed_then_tax_has_no_decimals() -> None:
    assert totals_of([(Tax(Category.STANDARD, D(10)), D(1005))], "JPY").tax == D(101)


def test_given_a_fraction_of_a_cent_when_summed_then_it_is_refused() -> None:
    with pytest.raises(MoneyError):
        totals_of([(S19, D("1.005"))], "EUR")


def test_given_no_lines_when_summed_then_all_is_zero() -> None:
    totals = totals_of([], "EUR")
    assert (totals.net, totals.tax, totals.gross) == (0, 0, 0)


@given(st.lists(st.tuples(taxes, cents), max_size=30))
def test_totals_do_not_depend_on_the_order_of_lines(lines: list[tuple[Tax, Decimal]]) -> None:
    assert totals_of(lines, "EUR") == totals_of(list(reversed(lines)), "EUR")


@given(st.lists(st.tuples(taxes, cents), max_size=30))
def test_total_is_net_and_tax_and_each_tax_is_within_half_a_cent(lines: list[tuple[Tax, Decimal]]) -> None:
    totals = totals_of(lines, "EUR")
    assert totals.net == sum((net for _tax, net in lines), D(0))
    assert totals.gross == totals.net + totals.tax
    for row in totals.rows:
        assert abs(row.tax - row.net * row.percent / 100) <= D("0.005")


@given(st.lists(st.tuples(taxes, cents), min_size=1, max_size=10))
def test_a_full_credit_leaves_exactly_zero(lines: list[tuple[Tax, Decimal]]) -> None:
    original = totals_of(lines, "EUR")
    credit = credit_totals(original.rows, (), None, "EUR")
    assert original.gross - credit.gross == D(0)
    assert [(row.key, row.net, row.tax) for row in credit.rows] == [(r.key, r.net, r.tax) for r in original.rows]


@given(st.lists(cents, min_size=1, max_size=12))
def test_credits_in_any_parts_leave_exactly_zero_and_never_more_than_the_tax(parts: list[Decimal]) -> None:
    original = totals_of([(S19, sum(parts, D(0)))], "EUR")
    key = (Category.STANDARD, D(19))
    credited: list[TaxRow] = []
    for part in parts:
        credited += credit_totals(original.rows, credited, {key: part}, "EUR").rows
        assert sum(row.tax for row in credited) <= original.tax
    assert sum(row.net for row in credited) == original.net
    assert sum(row.tax for row in credited) == original.tax


def test_given_a_tax_not_at_the_rounded_value_when_the_rest_is_credited_then_the_rest_of_the_tax_goes_with_it() -> None:
    original = [TaxRow(Category.STANDARD, D(19), D("10.00"), D("1.91"))]
    first = credit_totals(original, (), {(Category.STANDARD, D(19)): D("3.33")}, "EUR").rows
    last = credit_totals(original, first, None, "EUR").rows
    assert (first[0].tax, last[0].net, last[0].tax) == (D("0.63"), D("6.67"), D("1.28"))


def test_given_a_document_when_more_than_it_charges_is_credited_then_it_is_refused() -> None:
    original = totals_of([(S19, D("10.00"))], "EUR").rows
    before = credit_totals(original, (), {(Category.STANDARD, D(19)): D("4.00")}, "EUR").rows
    with pytest.raises(CreditTooHigh, match="only 6.00 EUR of the document is left"):
        credit_totals(original, before, {(Category.STANDARD, D(19)): D("6.01")}, "EUR")
    with pytest.raises(CreditTooHigh):
        credit_totals(original, (), {(Category.STANDARD, D(7)): D("0.01")}, "EUR")
