"""Documents whose prices include tax: totals by division once per rate, nets of the lines by largest remainder."""

from decimal import Decimal as D
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel.errors import MoneyError
from evbilling.kernel.money import add, minor_digits, quantum, split_gross, vat_of
from invoicing.rules.basis import Charged, billed_amount
from invoicing.rules.tax import Category, Ground, Tax
from invoicing.rules.totals import gross_totals_of

NINETEEN, SEVEN, ZERO = Tax(Category.STANDARD, D(19)), Tax(Category.STANDARD, D(7)), Tax(Category.ZERO, D(0))
REVERSE = Tax(Category.REVERSE_CHARGE, D(0), Ground.REVERSE_CHARGE)


def test_the_net_is_divided_once_and_the_tax_is_the_rest() -> None:
    totals, nets = gross_totals_of([(NINETEEN, D("14.30")), (NINETEEN, D("5.27"))], "EUR")
    assert [(row.net, row.tax) for row in totals.rows] == [(D("16.45"), D("3.12"))]  # 19.57 / 1.19 = 16.4453...
    assert (totals.net, totals.tax, totals.gross) == (D("16.45"), D("3.12"), D("19.57"))
    assert nets == [D("12.02"), D("4.43")]  # 12.0168... and 4.4285...: cut to 12.01 and 4.42, two cents left over


def test_a_total_may_differ_by_a_cent_from_rate_times_net() -> None:
    """0.16 with tax: net 0.13 (0.1344...), tax 0.03; 19 % of 0.13 would be 0.02 (0.0247)."""
    totals, _nets = gross_totals_of([(NINETEEN, D("0.16"))], "EUR")
    assert (totals.net, totals.tax) == (D("0.13"), D("0.03"))
    assert vat_of(totals.net, D(19), "EUR") == D("0.02")


def test_sixteen_in_a_hundred_totals_at_nineteen_percent_differ_by_a_cent() -> None:
    """Over one period of the division, 119 x 100 cents, each gross amount once."""
    amounts = [D(cents) / 100 for cents in range(11_900)]
    differ = [
        each for each in amounts if (split := split_gross(each, D(19), "EUR"))[1] != vat_of(split[0], D(19), "EUR")
    ]
    assert round(100 * len(differ) / len(amounts)) == 16
    assert all(
        abs(split_gross(each, D(19), "EUR")[1] - vat_of(split_gross(each, D(19), "EUR")[0], D(19), "EUR")) == D("0.01")
        for each in differ[:50]
    )


def test_each_rate_is_divided_by_itself_highest_rate_first() -> None:
    totals, nets = gross_totals_of([(SEVEN, D("1.07")), (NINETEEN, D("1.19")), (REVERSE, D("2.00"))], "EUR")
    assert [(row.category, row.percent, row.net, row.tax) for row in totals.rows] == [
        ("S", D(19), D("1.00"), D("0.19")),
        ("S", D(7), D("1.00"), D("0.07")),
        ("AE", D(0), D("2.00"), D(0)),
    ]
    assert nets == [D("1.00"), D("1.00"), D("2.00")]


def test_an_allowance_lowers_the_gross_and_keeps_its_sign() -> None:
    totals, nets = gross_totals_of([(NINETEEN, D("100.00")), (NINETEEN, D("-10.00"))], "EUR")
    assert (totals.net, totals.gross) == (D("75.63"), D("90.00"))
    assert nets == [D("84.03"), D("-8.40")]


@pytest.mark.parametrize(
    ("currency", "gross", "net"), [("JPY", "110", "100"), ("JPY", "115", "105"), ("BHD", "1.155", "1.050")]
)
def test_currencies_without_and_with_three_decimals(currency: str, gross: str, net: str) -> None:
    totals, nets = gross_totals_of([(Tax(Category.STANDARD, D(10)), D(gross))], currency)
    assert (totals.net, nets) == (D(net), [D(net)])
    assert -totals.net.as_tuple().exponent == minor_digits(currency)  # type: ignore[operator]


def test_a_gross_with_a_fraction_of_a_cent_is_refused() -> None:
    with pytest.raises(MoneyError, match="fraction of the smallest unit"):
        gross_totals_of([(NINETEEN, D("1.005"))], "EUR")


rates = st.sampled_from([D(0), D("2.1"), D(7), D(19), D("25.5"), D(27)])
lines = st.lists(st.tuples(rates, st.integers(-5_000, 100_000)), min_size=1, max_size=12)


@given(lines=lines, currency=st.sampled_from(["EUR", "JPY", "BHD"]), data=st.data())
def test_documents_add_up_per_rate_and_in_total_in_any_order(
    lines: list[tuple[D, int]], currency: str, data: st.DataObject
) -> None:
    unit = quantum(currency)
    priced = [(Tax(Category.STANDARD if rate else Category.ZERO, rate), units * unit) for rate, units in lines]
    totals, nets = gross_totals_of(priced, currency)
    assert totals.gross == add(gross for _tax, gross in priced)
    for row in totals.rows:
        own = [(gross, net) for (tax, gross), net in zip(priced, nets, strict=True) if tax.percent == row.percent]
        assert row.net + row.tax == add(gross for gross, _net in own)
        assert row.net == add(net for _gross, net in own)
        assert all(
            abs(Fraction(net) - Fraction(gross) / (1 + Fraction(row.percent) / 100)) < Fraction(unit)
            for gross, net in own
        )
    order = data.draw(st.permutations(range(len(priced))))
    again, _nets = gross_totals_of([priced[place] for place in order], currency)
    assert again == totals


def test_what_a_document_bills_of_a_charge_is_in_its_own_basis() -> None:
    with_tax, without = Charged(D("12.02"), D("14.30"), D(19)), Charged(D("12.00"), None, D(19))
    assert billed_amount(with_tax, NINETEEN, "EUR", with_tax=True) == D("14.30")
    assert billed_amount(with_tax, NINETEEN, "EUR", with_tax=False) == D("12.02")
    assert billed_amount(with_tax, REVERSE, "EUR", with_tax=True) == D("12.02")
    assert billed_amount(without, NINETEEN, "EUR", with_tax=True) == D("14.28")
    assert billed_amount(without, SEVEN, "EUR", with_tax=False) == D("12.00")
