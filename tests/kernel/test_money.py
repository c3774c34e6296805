"""Money: exact, never a float, splits that add up."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel import money
from evbilling.kernel.errors import BadInput, MoneyError

cents = st.integers(min_value=-10_000_000, max_value=10_000_000)


@pytest.mark.parametrize(
    ("value", "rounded"), [("5.625", "5.63"), ("-5.625", "-5.63"), ("0.005", "0.01"), ("2.674999", "2.67")]
)
def test_amounts_round_half_away_from_zero(value: str, rounded: str) -> None:
    assert money.quantise(Decimal(value), "EUR") == Decimal(rounded)


def test_a_fraction_rounds_like_the_decimal_it_stands_for() -> None:
    assert money.quantise(Fraction(1, 3), "EUR") == Decimal("0.33")
    assert money.quantise(Fraction(-1125, 200), "EUR") == Decimal("-5.63")


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3)])
def test_the_minor_unit_follows_the_currency(currency: str, digits: int) -> None:
    assert money.minor_digits(currency) == digits


def test_an_unknown_currency_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="currency: 'XQX'"):
        money.minor_digits("XQX")


@pytest.mark.parametrize("value", [1.5, float("nan"), True, None, Decimal("NaN"), Decimal("Infinity"), "1,5"])
def test_what_is_not_an_exact_number_is_refused(value: object) -> None:
    with pytest.raises(MoneyError):
        money.quantise(value, "EUR")  # type: ignore[arg-type]


def test_an_amount_with_a_fraction_of_a_cent_is_no_booked_amount() -> None:
    with pytest.raises(MoneyError, match="smallest unit of EUR"):
        money.require_minor(Decimal("1.005"), "EUR")
    assert money.require_minor(Decimal("1.5"), "EUR") == Decimal("1.50")


@given(cents, st.lists(st.integers(min_value=0, max_value=1000), min_size=1, max_size=12))
def test_a_split_adds_up_and_no_part_is_off_by_a_cent_or_more(units: int, weights: list[int]) -> None:
    total = money.from_minor(units, "EUR")
    if not sum(weights):
        weights[0] = 1
    parts = money.split_largest_remainder(total, weights, "EUR")
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(part) - Fraction(total) * weight / sum(weights)) < Fraction(1, 100)


def test_the_earlier_part_wins_a_tie() -> None:
    assert money.split_largest_remainder(Decimal("0.01"), [1, 1], "EUR") == [Decimal("0.01"), Decimal("0.00")]


def test_nothing_can_be_split_over_no_weight() -> None:
    with pytest.raises(MoneyError, match="no part has a weight"):
        money.split_largest_remainder(Decimal("1.00"), [0, 0], "EUR")


def test_vat_is_rounded_once_on_the_sum() -> None:
    assert money.vat_of(Decimal("10.03"), Decimal("19"), "EUR") == Decimal("1.91")


@given(st.integers(min_value=0, max_value=10_000_000), st.sampled_from(["0", "7", "19", "5.2", "25.5"]))
def test_net_and_vat_of_a_gross_sum_add_up_to_it(units: int, rate: str) -> None:
    gross = money.from_minor(units, "EUR")
    net, vat = money.split_gross(gross, Decimal(rate), "EUR")
    assert net + vat == gross
    assert abs(Fraction(net) * (1 + Fraction(rate) / 100) - Fraction(gross)) <= Fraction(1, 100)
