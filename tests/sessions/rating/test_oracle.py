"""The engine agrees with a second one that walks minute by minute, under tariffs with restrictions of every kind."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from sessions.rules.rating import RatingInput, rate
from sessions.rules.rating.numbers import TICK
from tests.sessions.rating.oracle import priced
from tests.sessions.rating.strategies import compiled, sessions, tariffs


def assert_agrees(document: dict[str, Any], session: RatingInput) -> None:
    result = rate(session, compiled(document), ocpi_version="2.2.1")
    ours: dict[Decimal | None, tuple[Fraction, Fraction]] = {
        vat: (Fraction(net, TICK), Fraction(gross, TICK))
        for vat, (net, gross) in result.by_vat.items()
        if net and gross is not None
    }

    assert ours == priced(document, session)


@given(tariffs(), sessions())
def test_given_any_tariff_and_session_when_walked_minute_by_minute_then_the_engine_agrees(
    document: dict[str, Any], session: RatingInput
) -> None:
    assert_agrees(document, session)


@pytest.mark.long
@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tariffs(), sessions(most_minutes=600))
def test_given_a_thousand_days_long_sessions_when_walked_minute_by_minute_then_the_engine_agrees(
    document: dict[str, Any], session: RatingInput
) -> None:
    assert_agrees(document, session)
