"""More energy never costs less, outside the cliffs that docs/pricing.md declares; and each cliff is really there."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.rules.rating import RatingInput, rate
from tests.sessions.rating.build import component, element, energy_bands, period, price, session, tariff
from tests.sessions.rating.strategies import (
    CLOCK_LIMITS,
    DURATION_LIMITS,
    ENERGY_LIMITS,
    compiled,
    sessions,
    tariffs,
)

MORE_WH = st.integers(1, 50_000)
NO_STEPS = st.just(0)


def net(document: dict[str, Any], consumed: RatingInput) -> Fraction:
    total = rate(consumed, compiled(document), ocpi_version="2.2.1").exact_excl_vat
    assert total is not None
    return total


def fuller(consumed: RatingInput, index: int, more_wh: int) -> RatingInput:
    """The session with more energy in one of its charging periods, or the same where it has none there."""
    periods = list(consumed.periods)
    charged = periods[index % len(periods)]
    if charged.energy is not None:
        periods[index % len(periods)] = replace(charged, energy=charged.energy + more_wh * 10**6)
    return replace(consumed, periods=tuple(periods))


@given(tariffs(limits=CLOCK_LIMITS | DURATION_LIMITS, steps=NO_STEPS), sessions(), st.integers(0, 4), MORE_WH)
def test_given_prices_by_clock_and_duration_when_more_energy_is_taken_then_the_price_does_not_fall(
    document: dict[str, Any], consumed: RatingInput, index: int, more_wh: int
) -> None:
    assert net(document, fuller(consumed, index, more_wh)) >= net(document, consumed)


@given(tariffs(limits=ENERGY_LIMITS, steps=NO_STEPS, kinds=("FLAT", "ENERGY")), sessions(), st.integers(0, 4), MORE_WH)
def test_given_prices_by_energy_taken_when_more_is_taken_then_the_price_does_not_fall(
    document: dict[str, Any], consumed: RatingInput, index: int, more_wh: int
) -> None:
    assert net(document, fuller(consumed, index, more_wh)) >= net(document, consumed)


@given(
    tariffs(
        limits={"max_kwh": st.integers(1, 60), "min_kwh": st.integers(0, 30)}, steps=st.just(500), kinds=("ENERGY",)
    ),
    sessions(),
    st.integers(0, 4),
    MORE_WH,
)
def test_given_one_step_that_divides_every_limit_when_more_is_taken_then_the_price_does_not_fall(
    document: dict[str, Any], consumed: RatingInput, index: int, more_wh: int
) -> None:
    for each in document["elements"]:
        each["price_components"][0]["price"] += 1  # a free part takes no part in the step: a cliff of its own
    assert net(document, fuller(consumed, index, more_wh)) >= net(document, consumed)


@given(tariffs(limits=CLOCK_LIMITS, steps=NO_STEPS), sessions(), MORE_WH, st.integers(0, 40), st.integers(0, 60))
def test_given_price_limits_when_more_energy_is_taken_then_the_price_does_not_fall(
    document: dict[str, Any], consumed: RatingInput, more_wh: int, low: int, above: int
) -> None:
    document |= {"min_price": {"excl_vat": low}, "max_price": {"excl_vat": low + above}}

    assert low <= net(document, consumed) <= net(document, fuller(consumed, 0, more_wh)) <= low + above


def _cost(document: dict[str, Any], kwh: str) -> Fraction:
    start = "2026-03-02T10:00:00Z"
    total = price(document, session(start, None, period(start, 60, ENERGY=kwh, TIME="1")))
    assert total.exact_excl_vat is not None
    return total.exact_excl_vat


def test_cliff_of_a_step_that_ends_in_a_cheaper_band() -> None:
    # 1.02 kWh in steps of a kWh: two at 1.00. 1.06 kWh: 1.05 at 1.00, 0.95 at 0.10.
    document = tariff(
        element(component("ENERGY", "1.00", step=1000), max_kwh=Decimal("1.05")),
        element(component("ENERGY", "0.10", step=1000)),
    )

    assert [_cost(document, kwh) for kwh in ("1.02", "1.06")] == [2, Fraction("1.145")]


@pytest.mark.parametrize(
    ("document", "less", "more"),
    [
        # time is priced until 10 kWh: who draws faster pays less of it
        (
            tariff(element(component("ENERGY", "0.10")), element(component("TIME", "30"), max_kwh=10)),
            ("10", Fraction(31)),
            ("20", Fraction(17)),
        ),
        # more energy in the same time is another power band
        (energy_bands(("1.00", {"max_power": 22}), ("0.10", {})), ("20", Fraction(20)), ("30", Fraction(3))),
        # energy that comes earlier moves what comes later into a cheaper band: of both halves of the hour
        (
            energy_bands(
                ("0.10", {"end_time": "10:30"}), ("1.00", {"max_kwh": 10}), ("0.10", {}),
            ),
            ("10", Fraction("5.5")),
            ("20", Fraction(2)),
        ),
    ],
    ids=["time-by-energy", "power-band", "clock-and-energy"],
)  # fmt: skip
def test_declared_cliffs_are_where_more_energy_costs_less(
    document: dict[str, Any], less: tuple[str, Fraction], more: tuple[str, Fraction]
) -> None:
    assert (_cost(document, less[0]), _cost(document, more[0])) == (less[1], more[1])
    assert more[1] < less[1]
