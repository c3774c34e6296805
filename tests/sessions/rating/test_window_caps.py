"""Caps of a contract inside a window of the day: worked by hand, over midnight, clock changes, rates and limits."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.rules.pricing import Priced, line_from_data, line_to_data, price, rating_input
from sessions.rules.rating import (
    Cap,
    RatingInput,
    Tariff,
    because_sentence,
    because_short,
    cap_windows,
    parse_tariff,
    rate,
)

D = Decimal
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Cap("TIME", "22:00", "06:00", D(8))


def component(kind: str, amount: str, step: int = 1, vat: str | None = "19", **limits: Any) -> dict[str, Any]:
    priced = {"type": kind, "price": D(amount), "step_size": step} | ({"vat": D(vat)} if vat else {})
    return {"price_components": [priced]} | ({"restrictions": limits} if limits else {})


def tariff(*elements: dict[str, Any], **more: Any) -> Tariff:
    document = {
        "country_code": "DE",
        "party_id": "EVB",
        "id": "T1",
        "currency": "EUR",
        "elements": list(elements),
        "last_updated": "2026-01-01T00:00:00Z",
    }
    found, findings = parse_tariff(document | more, "2.2.1")
    assert found is not None, findings
    return found


def local(text: str, fold: int = 0) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(dt.UTC)


def stay(start: str, end: str, kwh: str = "10", *, idle: bool = False, **more: Any) -> RatingInput:
    """One period that charges, or idles, from start to end."""
    begins, ends = local(start), local(end)
    seconds = int((ends - begins).total_seconds())
    row = {
        "start_at": begins.isoformat(),
        "energy_wh": 0 if idle else int(D(kwh) * 1000),
        "charging_s": 0 if idle else seconds,
        "parking_s": seconds if idle else 0,
    }
    return rating_input(
        [row], started_at=begins, ended_at=ends, energy_wh=row["energy_wh"], time_zone="Europe/Berlin", **more
    )


def reductions(priced: Priced) -> list[tuple[str, Decimal | None, Decimal | None]]:
    return [
        (line.because.window[2] if line.because.window else "", line.vat_rate, line.amount_excl_vat)
        for line in priced.lines
        if line.because.clamp == "window_cap"
    ]


TIME = component("TIME", "2.00")


def test_given_a_night_at_two_an_hour_when_it_costs_more_than_the_cap_then_the_rest_is_taken_off() -> None:
    found = price(stay("2026-01-14T20:00", "2026-01-15T07:00"), tariff(TIME), [NIGHT])
    # 11 h = 22.00; of these 22:00 to 06:00 are 8 h = 16.00, at most 8.00
    assert reductions(found) == [("2026-01-14", D(19), D(-8))]
    assert found.net == D("14.00")


def test_given_less_than_the_cap_then_the_price_is_as_without_it() -> None:
    session = stay("2026-01-14T20:00", "2026-01-15T01:59")
    capped, plain = price(session, tariff(TIME), [NIGHT]), price(session, tariff(TIME))
    assert (capped.net, capped.parts, capped.lines) == (plain.net, plain.parts, plain.lines)


def test_given_two_nights_when_each_is_over_then_each_has_its_cap() -> None:
    found = price(stay("2026-01-14T20:00", "2026-01-16T08:00"), tariff(TIME), [NIGHT])
    assert reductions(found) == [("2026-01-14", D(19), D(-8)), ("2026-01-15", D(19), D(-8))]


def test_given_days_when_the_window_opens_on_another_then_nothing_is_capped() -> None:
    wednesday = Cap("TIME", "22:00", "06:00", D(8), frozenset({2}))
    session = stay("2026-01-14T20:00", "2026-01-16T08:00")  # 14 January 2026 is a Wednesday
    assert reductions(price(session, tariff(TIME), [wednesday])) == [("2026-01-14", D(19), D(-8))]


def test_given_a_cap_on_idle_time_then_charging_time_is_left_alone() -> None:
    cap = Cap("PARKING_TIME", "22:00", "06:00", D(8))
    both = tariff(
        {"price_components": [*TIME["price_components"], *component("PARKING_TIME", "3")["price_components"]]}
    )
    assert reductions(price(stay("2026-01-14T22:00", "2026-01-15T06:00"), both, [cap])) == []
    idle = price(stay("2026-01-14T22:00", "2026-01-15T06:00", idle=True), both, [cap])
    assert (reductions(idle), idle.net) == ([("2026-01-14", D(19), D(-16))], D("8.00"))


@pytest.mark.parametrize(("start", "end", "hours"), [("2026-03-28", "2026-03-29", 7), ("2026-10-24", "2026-10-25", 9)])
def test_given_a_night_of_clock_change_then_the_window_has_its_real_hours(start: str, end: str, hours: int) -> None:
    found = price(stay(f"{start}T20:00", f"{end}T08:00"), tariff(TIME), [NIGHT])
    assert reductions(found) == [(start, D(19), D(8) - 2 * hours)]


def test_given_a_window_that_ends_in_the_hour_that_comes_twice_then_both_passes_count() -> None:
    cap = Cap("TIME", "01:00", "02:30", D("0.01"))
    found = price(stay("2026-10-25T00:00", "2026-10-25T06:00"), tariff(TIME), [cap])
    # 1:00 to 2:00, 2:00 to 2:30 twice: 2 hours = 4.00
    assert reductions(found) == [("2026-10-25", D(19), D("-3.99"))]


def test_given_energy_when_capped_then_it_flows_evenly_through_the_period() -> None:
    cap = Cap("ENERGY", "22:00", "06:00", D(1))
    found = price(stay("2026-01-14T21:00", "2026-01-14T23:00", "10"), tariff(component("ENERGY", "0.45")), [cap])
    assert reductions(found) == [("2026-01-14", D(19), D("-1.25"))]  # 5 kWh = 2.25, at most 1.00


def test_given_the_whole_day_as_window_then_it_is_a_cap_a_day() -> None:
    cap = Cap("TIME", "00:00", "00:00", D(10))
    found = price(stay("2026-01-14T18:00", "2026-01-16T00:00"), tariff(TIME), [cap])
    assert reductions(found) == [("2026-01-14", D(19), D(-2)), ("2026-01-15", D(19), D(-38))]


def test_given_a_step_when_the_last_use_is_outside_then_its_surplus_is_outside() -> None:
    hourly = tariff(component("TIME", "2.00", step=3600))
    outside = price(stay("2026-01-14T22:00", "2026-01-15T06:10"), hourly, [NIGHT])
    assert (outside.net, reductions(outside)) == (D("10.00"), [("2026-01-14", D(19), D(-8))])  # 9 h billed
    inside = price(stay("2026-01-14T22:00", "2026-01-15T02:10"), hourly, [NIGHT])
    assert (inside.net, reductions(inside)) == (D("8.00"), [("2026-01-14", D(19), D(-2))])  # 5 h billed, all inside


def test_given_two_rates_in_the_window_then_each_bears_its_part() -> None:
    two = tariff(
        component("TIME", "2", vat="19", end_time="00:00", start_time="12:00"), component("TIME", "2", vat="7")
    )
    found = price(stay("2026-01-14T22:00", "2026-01-15T06:00"), two, [NIGHT])
    assert sorted(reductions(found)) == [("2026-01-14", D(7), D(-6)), ("2026-01-14", D(19), D(-2))]
    assert found.parts == ((D(7), D("6.00")), (D(19), D("2.00")))


def test_given_a_maximum_price_when_it_binds_first_then_the_cap_sees_what_is_left() -> None:
    limited = tariff(TIME, component("FLAT", "4"), max_price={"excl_vat": D(10)})
    session = stay("2026-01-14T22:00", "2026-01-15T06:00")  # 16.00 and 4.00, lowered to 8.00 and 2.00
    assert reductions(price(session, limited, [NIGHT])) == []
    assert reductions(price(session, limited, [Cap("TIME", "22:00", "06:00", D(5))])) == [("2026-01-14", D(19), D(-3))]


def test_given_a_minimum_price_when_a_cap_binds_then_it_may_go_below() -> None:
    least = tariff(TIME, min_price={"excl_vat": D(20)})
    found = price(stay("2026-01-14T22:00", "2026-01-15T06:00"), least, [NIGHT])
    assert found.net == D("12.00")  # 16.00, raised to 20.00; the cap takes 8.00 of the 16.00


def test_given_overlapping_caps_then_the_second_sees_what_the_first_left() -> None:
    found = price(
        stay("2026-01-14T22:00", "2026-01-15T06:00"), tariff(TIME), [NIGHT, Cap("TIME", "02:00", "06:00", D(3))]
    )
    # 16.00 to 8.00; of these 2:00 to 6:00 are half, 4.00, to 3.00
    assert [line[2] for line in reductions(found)] == [D(-8), D(-1)]
    assert found.net == D("7.00")


def test_given_prices_with_tax_then_the_cap_is_on_the_net() -> None:
    gross, findings = parse_tariff(
        {
            "country_code": "DE",
            "party_id": "EVB",
            "id": "G",
            "currency": "EUR",
            "tax_included": "YES",
            "elements": [{"price_components": [{"type": "TIME", "price": D("2.38"), "vat": D(19), "step_size": 1}]}],
            "last_updated": "2026-01-01T00:00:00Z",
        },
        "2.3.0",
    )
    assert gross is not None, findings
    found = price(stay("2026-01-14T22:00", "2026-01-15T06:00"), gross, [NIGHT])
    assert (found.net, reductions(found)) == (D("8.00"), [("2026-01-14", D(19), D(-8))])


def test_a_cap_says_why_in_both_languages_and_survives_storage() -> None:
    found = price(stay("2026-01-14T20:00", "2026-01-15T07:00"), tariff(TIME), [NIGHT])
    line = found.lines[-1]
    assert (line.dimension, line.volume) == ("TIME", D(0))
    assert because_sentence(line, "EUR", "en") == (
        "Charging time: from 22:00 to 06:00 (14 Jan 2026) at most €8.00, so €8.00 of €16.00 are taken off (contract)."
    )
    assert because_sentence(line, "EUR", "de") == (
        "Ladezeit: von 22:00 bis 06:00 (14.01.2026) höchstens 8,00\N{NO-BREAK SPACE}€, deshalb entfallen "
        "8,00\N{NO-BREAK SPACE}€ von 16,00\N{NO-BREAK SPACE}€ (Vertrag)."
    )
    assert because_short([line], "EUR", "en") == "Time 22:00 to 06:00 at most €8.00: \N{MINUS SIGN}€8.00"
    again = line_from_data(line_to_data(line))
    assert because_sentence(again, "EUR", "de") == because_sentence(line, "EUR", "de")
    assert line_to_data(again) == line_to_data(line)


clock = st.tuples(st.integers(0, 23), st.sampled_from([0, 15, 30])).map(lambda at: f"{at[0]:02d}:{at[1]:02d}")
caps = st.lists(
    st.builds(
        Cap,
        st.sampled_from(["ENERGY", "TIME", "PARKING_TIME"]),
        clock,
        clock,
        st.integers(1, 2000).map(lambda units: D(units).scaleb(-2)),
        st.frozensets(st.integers(0, 6), max_size=3),
    ),
    min_size=1,
    max_size=3,
)
ALL = tariff(
    component("ENERGY", "0.45", step=500, start_time="08:00", end_time="20:00"),
    component("ENERGY", "0.30", vat="7"),
    component("TIME", "2.00", step=300),
    component("PARKING_TIME", "6.00", step=60),
)
minutes = st.integers(0, 3000)


@st.composite
def sessions(draw: st.DrawFn, running: bool = False) -> RatingInput:
    begins = dt.datetime(2026, draw(st.sampled_from([1, 3, 10])), 23, tzinfo=dt.UTC) + dt.timedelta(
        minutes=draw(st.integers(0, 9000))
    )
    rows, at = [], begins
    for _ in range(draw(st.integers(1, 4))):
        span, idle = draw(minutes), draw(st.booleans())
        rows.append(
            {
                "start_at": at.isoformat(),
                "energy_wh": 0 if idle else draw(st.integers(0, 80_000)),
                "charging_s": 0 if idle else span * 60,
                "parking_s": span * 60 if idle else 0,
            }
        )
        at += dt.timedelta(minutes=span)
    return rating_input(
        rows, started_at=begins, ended_at=None if running else at, energy_wh=0, time_zone="Europe/Berlin", now=at
    )


@given(session=sessions(), wanted=caps)
def test_caps_never_raise_a_price_nor_take_it_below_nothing(session: RatingInput, wanted: list[Cap]) -> None:
    plain = rate(session, ALL, ocpi_version="2.2.1")
    capped = cap_windows(plain, session, ALL, wanted)
    for vat, (net, _) in capped.by_vat.items():
        before = plain.by_vat[vat][0]
        assert net is not None
        assert before is not None
        assert 0 <= net <= before
    assert capped.exact_excl_vat == sum((line.exact_excl or Fraction(0) for line in capped.lines), Fraction(0))


@given(session=sessions(), cap=caps.map(lambda found: found[0]))
def test_a_cap_again_takes_nothing_more(session: RatingInput, cap: Cap) -> None:
    once = cap_windows(rate(session, ALL, ocpi_version="2.2.1"), session, ALL, [cap])
    twice = cap_windows(rate(session, ALL, ocpi_version="2.2.1"), session, ALL, [cap, cap])
    assert twice.exact_excl_vat == once.exact_excl_vat


@given(session=sessions(), dimension=st.sampled_from(["ENERGY", "TIME", "PARKING_TIME"]), cents=st.integers(1, 3000))
def test_a_cap_a_day_bounds_the_dimension_by_its_days(session: RatingInput, dimension: str, cents: int) -> None:
    cap = Cap(dimension, "00:00", "00:00", D(cents).scaleb(-2))
    capped = cap_windows(rate(session, ALL, ocpi_version="2.2.1"), session, ALL, [cap])
    total = sum((line.exact_excl or Fraction(0) for line in capped.lines if line.dimension == dimension), Fraction(0))
    first, last = (dt.datetime.fromtimestamp(at / 10**6, BERLIN).date() for at in (session.start, session.end or 0))
    assert total <= cap.limit * ((last - first).days + 1)


@given(running=sessions(running=True), wanted=caps)
def test_the_live_price_at_the_end_is_the_final_price(running: RatingInput, wanted: list[Cap]) -> None:
    ended = RatingInput(running.start, running.periods[-1].end, running.time_zone, running.periods)
    assert price(running, ALL, wanted).parts == price(ended, ALL, wanted).parts
