"""Caps in a window beside the minute-wise engine, and what must hold for any of them: bounds, purity, parts = whole."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions.rules.rating import Cap, RatingInput, RatingResult, cap_windows, rate
from tests.sessions.rating.oracle import capped
from tests.sessions.rating.strategies import (
    ALL_LIMITS,
    CLOCKS,
    STEPS,
    WEEK,
    WEEKDAYS,
    compiled,
    sessions,
    tariffs,
)

DIMENSIONS = st.sampled_from(["ENERGY", "TIME", "PARKING_TIME"])
NO_STEPS = st.just(0)


@st.composite
def caps(draw: st.DrawFn) -> Cap:
    days = draw(st.just([]) | WEEKDAYS)
    return Cap(
        draw(DIMENSIONS),
        draw(CLOCKS),
        draw(CLOCKS),
        Decimal(draw(st.integers(0, 3000))) / 100,
        frozenset(WEEK.index(day) for day in days),
    )


def priced(document: dict[str, Any], session: RatingInput, *these: Cap) -> RatingResult:
    stated = compiled(document)
    return cap_windows(rate(session, stated, ocpi_version="2.2.1"), session, stated, these)


def net(result: RatingResult) -> Fraction:
    total = result.exact_excl_vat
    assert total is not None
    return total


def assert_agrees(document: dict[str, Any], session: RatingInput, cap: Cap) -> None:
    def by_the_minute(limit: Decimal) -> Fraction:
        return capped(
            document,
            session,
            dimension=cap.dimension,
            window=(cap.start, cap.end),
            days=[WEEK[day] for day in sorted(cap.weekdays)],
            limit=limit,
        )

    taken = net(priced(document, session)) - net(priced(document, session, cap))

    assert taken == by_the_minute(Decimal(10**9)) - by_the_minute(cap.limit)


@given(tariffs(steps=NO_STEPS), sessions(), caps())
def test_given_any_cap_when_walked_minute_by_minute_then_it_takes_as_much(
    document: dict[str, Any], session: RatingInput, cap: Cap
) -> None:
    assert_agrees(document, session, cap)


@pytest.mark.long
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tariffs(limits=ALL_LIMITS, steps=NO_STEPS), sessions(most_minutes=600), caps())
def test_given_five_hundred_days_long_sessions_when_walked_minute_by_minute_then_caps_take_as_much(
    document: dict[str, Any], session: RatingInput, cap: Cap
) -> None:
    assert_agrees(document, session, cap)


@given(tariffs(steps=STEPS), sessions(), st.lists(caps(), max_size=3))
def test_given_caps_when_applied_then_they_only_take_and_lines_are_the_total(
    document: dict[str, Any], session: RatingInput, these: list[Cap]
) -> None:
    plain, result = priced(document, session), priced(document, session, *these)

    assert Fraction(0) <= net(result) <= net(plain)
    assert sum(line.exact_excl or 0 for line in result.lines) == net(result)
    assert sum(line.exact_incl or 0 for line in result.lines) == result.exact_incl_vat
    assert all((line.exact_excl or 0) < 0 for line in result.lines if line.because.clamp == "window_cap")
    assert net(priced(document, session, *these)) == net(result)


@given(tariffs(steps=STEPS), sessions(), DIMENSIONS)
def test_given_a_cap_of_nothing_over_the_whole_day_when_applied_then_the_dimension_is_free(
    document: dict[str, Any], session: RatingInput, dimension: str
) -> None:
    result = priced(document, session, Cap(dimension, "00:00", "00:00", Decimal(0)))

    own = [line.exact_excl or 0 for line in rate(session, compiled(document), ocpi_version="2.2.1").lines]
    named = [line.dimension for line in rate(session, compiled(document), ocpi_version="2.2.1").lines]
    assert net(result) == sum(amount for amount, name in zip(own, named, strict=True) if name != dimension)


@given(tariffs(steps=STEPS), sessions(), caps(), st.integers(0, 500))
def test_given_a_higher_cap_when_applied_then_the_price_does_not_fall(
    document: dict[str, Any], session: RatingInput, cap: Cap, more: int
) -> None:
    higher = replace(cap, limit=cap.limit + Decimal(more) / 100)

    assert net(priced(document, session, cap)) <= net(priced(document, session, higher))
