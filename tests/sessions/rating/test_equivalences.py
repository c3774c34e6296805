"""Two ways to say the same thing have one price: versions, tariffs by another name, tax in or out, reservations."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sessions.rules.rating import Period, RatingInput, RatingResult, rate, session_charges
from sessions.rules.rating.numbers import HOUR, MINUTE
from tests.sessions.rating.build import component, element, tariff
from tests.sessions.rating.strategies import PRICES, compiled, sessions, tariffs


def money(result: RatingResult) -> tuple[Fraction | None, Fraction | None, object]:
    return result.exact_excl_vat, result.exact_incl_vat, session_charges(result, 2)


@given(tariffs(kinds=("FLAT", "ENERGY", "TIME")), sessions())
def test_given_no_idle_price_when_the_ocpi_version_differs_then_the_price_does_not(
    document: dict[str, Any], session: RatingInput
) -> None:
    prices = [
        money(rate(session, compiled(document, version), ocpi_version=version)) for version in ("2.2", "2.2.1", "2.3.0")
    ]

    assert prices[0] == prices[1] == prices[2]


@given(tariffs(), sessions(), st.lists(st.booleans(), min_size=5, max_size=5))
def test_given_two_tariffs_that_say_the_same_when_periods_name_either_then_the_price_is_as_under_one(
    document: dict[str, Any], session: RatingInput, other: list[bool]
) -> None:
    one, two = compiled(document), compiled(document | {"id": "TWIN"})
    named = tuple(
        replace(period, tariff_id="TWIN" if other[index] else "T") for index, period in enumerate(session.periods)
    )

    both = rate(replace(session, periods=named), [one, two], ocpi_version="2.2.1")

    assert both.ok
    assert money(both) == money(rate(session, one, ocpi_version="2.2.1"))


@given(tariffs(), sessions())
def test_given_prices_that_include_tax_when_rated_then_the_total_with_tax_is_that_of_the_same_prices_without(
    document: dict[str, Any], session: RatingInput
) -> None:
    plain = rate(session, compiled(document, "2.3.0"), ocpi_version="2.3.0")
    taxed = rate(session, compiled(document | {"tax_included": "YES"}, "2.3.0"), ocpi_version="2.3.0")

    nets = plain.net_by_vat_rate
    assert taxed.exact_incl_vat == plain.exact_excl_vat
    assert taxed.net_by_vat_rate == {
        vat: net if net is None or vat is None else net / (1 + Fraction(vat) / 100) for vat, net in nets.items()
    }


@given(tariffs(), sessions(), st.integers(1, 90))
def test_given_a_reservation_that_nothing_prices_when_rated_then_the_session_costs_the_same(
    document: dict[str, Any], session: RatingInput, minutes: int
) -> None:
    span = minutes * MINUTE
    reserved = Period(session.start - span, session.start, reservation=span, number=-1)

    held = rate(replace(session, periods=(reserved, *session.periods)), compiled(document), ocpi_version="2.2.1")

    assert money(held) == money(rate(session, compiled(document), ocpi_version="2.2.1"))


@given(tariffs(), sessions(), PRICES)
def test_given_prices_of_reservations_when_there_is_none_then_they_never_count(
    document: dict[str, Any], session: RatingInput, price: str
) -> None:
    parts = [component("FLAT", price, vat="19"), component("TIME", price, vat="19", step=60)]
    more = tariff(
        element(*parts, reservation="RESERVATION"),
        element(*parts, reservation="RESERVATION_EXPIRES"),
        *document["elements"],
    )

    assert money(rate(session, compiled(more), ocpi_version="2.2.1")) == money(
        rate(session, compiled(document), ocpi_version="2.2.1")
    )


@given(PRICES, PRICES, st.integers(1, 300), st.sampled_from([0, 60, 300, 900]))
def test_given_an_expired_reservation_when_rated_then_it_costs_its_fee_and_its_time_in_steps(
    fee: str, price: str, minutes: int, step: int
) -> None:
    document = tariff(
        element(component("FLAT", fee, vat="19"), reservation="RESERVATION_EXPIRES"),
        element(component("TIME", price, vat="19", step=step), reservation="RESERVATION"),
        element(component("ENERGY", "9", vat="19"), component("FLAT", "9", vat="19")),
    )
    start, span = 1_772_000_000 * 10**6, minutes * MINUTE
    reserved = Period(start, start + span, reservation=span, number=-1)
    session = RatingInput(start, start + span, "UTC", (reserved,), reservation_expired=True)

    result = rate(session, compiled(document), ocpi_version="2.2.1")

    seconds = -(-minutes * 60 // step) * step if step else minutes * 60
    assert result.exact_excl_vat == Fraction(fee) + Fraction(price) * seconds * 10**6 / HOUR
