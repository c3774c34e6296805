"""What must hold for every tariff, session and JSON: purity, order, parts = whole, live = final, never an exception."""

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evbilling.kernel.strict_json import dumps, loads
from sessions.rules.rating import (
    Period,
    RatingInput,
    RatingResult,
    Tariff,
    parse_session,
    parse_tariff,
    price_request,
    rate,
    session_charges,
)
from sessions.rules.rating.numbers import MINUTE, PRICE_SCALE, share
from sessions.rules.rating.zone import instant
from tests.sessions.rating.build import component, element, tariff

VERSIONS = st.sampled_from(["2.2", "2.2.1", "2.3.0"])
PRICES = st.integers(0, 900).map(lambda cents: f"{cents // 100}.{cents % 100:02}")
CLOCKS = st.tuples(st.integers(0, 23), st.sampled_from([0, 15, 30, 45])).map(lambda at: f"{at[0]:02}:{at[1]:02}")
DAYS = st.lists(st.sampled_from(["MONDAY", "WEDNESDAY", "SATURDAY", "SUNDAY"]), unique=True, min_size=1)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])
RESTRICTIONS = st.fixed_dictionaries(
    {},
    optional={
        "start_time": CLOCKS,
        "end_time": CLOCKS,
        "day_of_week": DAYS,
        "min_kwh": st.integers(0, 20),
        "max_kwh": st.integers(21, 60),
        "min_duration": st.sampled_from([0, 900, 3600]),
        "max_duration": st.sampled_from([5400, 20000]),
        "min_power": st.sampled_from([0, 11]),
        "max_power": st.sampled_from([50, 150]),
    },
)
STEPS = st.sampled_from([0, 1, 60, 900])


@st.composite
def tariffs(draw: st.DrawFn, plain: bool = False) -> dict[str, Any]:
    elements = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = draw(st.lists(st.sampled_from(["FLAT", "ENERGY", "TIME", "PARKING_TIME"]), unique=True, min_size=1))
        parts = [
            component(kind, draw(PRICES), vat=draw(st.sampled_from(["0", "7", "19"])), step=draw(STEPS))
            for kind in kinds
        ]
        elements.append(element(*parts, **({} if plain else draw(RESTRICTIONS))))
    return tariff(*elements)


@st.composite
def sessions(draw: st.DrawFn) -> RatingInput:
    """A session in whole minutes whose volumes can be halved exactly, often across a clock change."""
    start = draw(
        st.sampled_from([datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC)])
    ) + timedelta(minutes=draw(st.integers(0, 600)))
    at = begin = instant(start)
    periods = []
    for number in range(draw(st.integers(1, 4))):
        minutes = draw(st.integers(2, 240))
        span = minutes * MINUTE
        if draw(st.booleans()):
            energy = draw(st.integers(0, 40_000)) * 10**6
            periods.append(Period(at, at + span, energy=energy, time=span, number=number))
        else:
            periods.append(Period(at, at + span, parking=span, number=number))
        at += span
    return RatingInput(begin, at, draw(ZONES), tuple(periods))


def compiled(document: dict[str, Any], version: str = "2.2.1") -> Tariff:
    parsed, findings = parse_tariff(document, version)
    assert parsed is not None, findings
    return parsed


def money(result: RatingResult) -> tuple[Fraction | None, Fraction | None, object]:
    return result.exact_excl_vat, result.exact_incl_vat, session_charges(result, 2)


def cut(session: RatingInput, index: int, at: int) -> RatingInput:
    """The session with one of its periods cut in two, volumes in proportion to time."""
    whole = session.periods[index]
    span, first = whole.end - whole.start, at - whole.start

    def part(volume: Any, of: int) -> Any:
        return None if volume is None else share(volume, of, span)

    def piece(start: int, end: int) -> Period:
        of = end - start
        return Period(
            start, end, part(whole.energy, of), part(whole.time, of), part(whole.parking, of), number=whole.number
        )

    halves = (piece(whole.start, whole.start + first), piece(whole.start + first, whole.end))
    return RatingInput(
        session.start, session.end, session.time_zone, session.periods[:index] + halves + session.periods[index + 1 :]
    )


@given(tariffs(), sessions(), VERSIONS)
def test_given_any_session_when_priced_twice_then_the_results_are_equal_and_lines_are_the_total(
    document: dict[str, Any], session: RatingInput, version: str
) -> None:
    once = rate(session, compiled(document, version), ocpi_version=version)
    again = rate(session, compiled(document, version), ocpi_version=version)

    assert money(once) == money(again)
    assert once.findings == again.findings
    assert sum(line.exact_excl or 0 for line in once.lines) == once.exact_excl_vat
    assert sum(line.exact_incl or 0 for line in once.lines) == once.exact_incl_vat


@given(tariffs(), st.lists(sessions(), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_given_a_batch_when_its_order_changes_then_no_price_does(
    document: dict[str, Any], batch: list[RatingInput], order: random.Random
) -> None:
    stated = compiled(document)
    prices = {index: money(rate(session, stated, ocpi_version="2.2.1")) for index, session in enumerate(batch)}
    shuffled = list(range(len(batch)))
    order.shuffle(shuffled)

    assert {index: money(rate(batch[index], stated, ocpi_version="2.2.1")) for index in shuffled} == prices


@given(tariffs(), sessions(), st.data(), VERSIONS)
def test_given_any_session_when_a_period_is_cut_anywhere_then_the_price_is_the_same(
    document: dict[str, Any], session: RatingInput, data: st.DataObject, version: str
) -> None:
    stated = compiled(document, version)
    index = data.draw(st.integers(0, len(session.periods) - 1))
    period = session.periods[index]
    at = data.draw(st.integers(period.start + 1, period.end - 1))

    whole, parts = (rate(each, stated, ocpi_version=version) for each in (session, cut(session, index, at)))

    assert money(whole) == money(parts)


@given(tariffs(), sessions())
def test_given_a_running_session_when_it_ends_then_its_last_live_price_is_its_final_price(
    document: dict[str, Any], session: RatingInput
) -> None:
    stated = compiled(document)
    running = RatingInput(session.start, None, session.time_zone, session.periods)

    live, final = (rate(each, stated, ocpi_version="2.2.1") for each in (running, session))

    assert live.provisional
    assert not final.provisional
    assert money(live) == money(final)


@given(tariffs(plain=True), sessions(), st.integers(1, 10_000))
def test_given_a_plain_tariff_when_more_energy_is_taken_then_the_price_never_falls(
    document: dict[str, Any], session: RatingInput, more_wh: int
) -> None:
    stated, first = compiled(document), session.periods[0]
    energy = (first.energy or 0) + more_wh * 10**6
    fuller = RatingInput(
        session.start,
        session.end,
        session.time_zone,
        (Period(first.start, first.end, energy, first.time, first.parking), *session.periods[1:]),
    )

    less, more = (rate(each, stated, ocpi_version="2.2.1").exact_excl_vat for each in (session, fuller))

    assert less is not None
    assert more is not None
    assert more >= less


@given(tariffs(), sessions(), st.integers(0, 50), st.integers(0, 50) | st.just(0))
def test_given_price_limits_when_priced_then_both_totals_are_within_them(
    document: dict[str, Any], session: RatingInput, low: int, above: int
) -> None:
    bounds = {
        "min_price": {"excl_vat": low, "incl_vat": Decimal(low) * Decimal("1.1")},
        "max_price": {"excl_vat": low + above, "incl_vat": (low + above) * Decimal("1.1")},
    }

    result = rate(session, compiled(document | bounds), ocpi_version="2.2.1")

    net, gross = result.exact_excl_vat, result.exact_incl_vat
    assert net is not None
    assert gross is not None
    assert low <= net <= low + above
    assert low * Fraction("1.1") <= gross <= (low + above) * Fraction("1.1")
    assert sum(line.exact_excl or 0 for line in result.lines) == net
    assert sum(line.exact_incl or 0 for line in result.lines) == gross


@given(st.integers(0, 200_000), st.integers(0, 99_999), st.sampled_from([0, 1, 100, 1000]))
def test_given_a_plain_energy_price_when_worked_by_hand_then_the_engine_agrees(wh: int, price: int, step: int) -> None:
    document = tariff(element(component("ENERGY", str(Decimal(price) / 10_000), vat="19", step=step)))
    at = instant(datetime(2026, 1, 1, tzinfo=UTC))
    session = RatingInput(at, at + 60 * MINUTE, "UTC", (Period(at, at + 60 * MINUTE, energy=wh * 10**6),))

    billed = -(-wh // step) * step if step else wh

    assert rate(session, compiled(document), ocpi_version="2.2.1").exact_excl_vat == Fraction(billed * price, 10**7)
    assert PRICE_SCALE == 10**6


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=True)
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["2026-03-02T10:00:00Z", "EUR", "ENERGY", "10:00", "2026-03-02", "MONDAY", "RESERVATION", "2.2.1"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
VALID = {
    "id": "1",
    "ocpi_version": "2.2.1",
    "tariff": tariff(
        element(
            component("ENERGY", "0.5", vat="19"), start_time="08:00", end_time="20:00", day_of_week=["MONDAY"],
            start_date="2026-01-01", end_date="2027-01-01", min_kwh=1, max_kwh=50, min_power=1, max_power=99,
            min_duration=0, max_duration=9000, min_current=0, max_current=99,
        ),
        element(component("FLAT", "1", vat="7"), component("TIME", "2"), reservation="RESERVATION"),
        min_price={"excl_vat": 1, "incl_vat": 2}, max_price={"excl_vat": 10, "incl_vat": 20},
    ),
    "session": {
        "time_zone": "Europe/Berlin",
        "start_date_time": "2026-03-02T10:00:00Z", "end_date_time": "2026-03-02T11:00:00Z",
        "reservation": {"start_date_time": "2026-03-02T09:50:00Z", "minutes": 10, "expired": False},
        "charging_periods": [
            {"start_date_time": "2026-03-02T10:00:00Z", "minutes": 60, "tariff_id": "T", "dimensions": [
                {"type": "ENERGY", "volume": Decimal("12.5")}, {"type": "TIME", "volume": 1},
                {"type": "MAX_CURRENT", "volume": 32}, {"type": "MIN_CURRENT", "volume": 16},
            ]}
        ],
    },
}  # fmt: skip


def _places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for key, value in inner for place in _places(value, (*path, key)))]


def _with(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = _with(document[path[0]], path[1:], value)
    return copy


def assert_answers(request: Any) -> None:
    answer = price_request(request)

    assert isinstance(answer["findings"], list)
    assert ("error" in answer) == any(finding["severity"] == "error" for finding in answer["findings"])
    assert loads(dumps(answer).encode("utf-8", "backslashreplace"))["findings"] is not None


PLACES = st.sampled_from(_places(VALID))


@given(JSON)
def test_given_any_json_when_priced_then_there_is_an_answer(document: Any) -> None:
    assert_answers(document)


@given(st.lists(st.tuples(PLACES, JSON), min_size=1, max_size=3))
def test_given_a_request_with_anything_in_any_place_when_priced_then_there_is_an_answer(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    assert_answers(_changed(changes))


def _changed(changes: list[tuple[tuple[Any, ...], Any]]) -> Any:
    document: Any = VALID
    for path, value in changes:
        try:
            document = _with(document, path, value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this place away
    return document


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(PLACES, JSON), min_size=1, max_size=4))
def test_given_ten_thousand_broken_requests_when_priced_then_none_raises(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    assert_answers(_changed(changes))


def test_given_the_valid_request_of_these_tests_when_priced_then_it_has_a_price() -> None:
    answer = price_request(VALID)

    assert "error" not in answer
    # 11.5 kWh from the first on at 0.50, the reservation's fee and ten minutes at 2.00
    assert answer["total_excl_vat_exact"] == Decimal("7.083333333333333333")


def test_given_numbers_with_thousands_of_digits_when_priced_then_there_is_an_answer() -> None:
    assert_answers(_with(VALID, ("session", "charging_periods", 0, "minutes"), 10**5000))
    assert_answers(_with(VALID, ("tariff", "id"), 10**5000))
    deep = json.loads("[" * 90 + "]" * 90)
    assert_answers(_with(VALID, ("tariff", "elements"), deep))


def test_given_a_session_without_any_end_when_read_then_it_is_provisional() -> None:
    document = dict(VALID["session"])
    del document["end_date_time"]

    parsed, _ = parse_session(document, "2.2.1")

    assert parsed is not None
    assert parsed.end is None
