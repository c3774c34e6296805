"""What may change without the price changing, and how the price follows what does: parts, order, scale, days, tax."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sessions.rules.rating import Period, RatingInput, RatingResult, rate, session_charges
from sessions.rules.rating.numbers import DAY, HOUR, MINUTE, WEEK, share
from sessions.rules.rating.zone import _hour_offset, instant, utc_offset
from tests.sessions.rating.build import component, element, tariff
from tests.sessions.rating.strategies import (
    BAND_LIMITS,
    CLOCK_LIMITS,
    ENERGY_LIMITS,
    KINDS,
    ZONES,
    compiled,
    sessions,
    tariffs,
)
from tests.sessions.rating.strategies import (
    WEEK as WEEK_DAYS,
)

NO_STEPS = st.just(0)
FACTORS = st.sampled_from([Fraction(2), Fraction(3), Fraction(10), Fraction(1, 2), Fraction(1, 8)])
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "min_price": st.integers(0, 20).map(lambda low: {"excl_vat": low, "incl_vat": Decimal(low) * Decimal("1.1")}),
        "max_price": st.integers(20, 60).map(lambda high: {"excl_vat": high}),
    },
)


def total(document: dict[str, Any], session: RatingInput) -> RatingResult:
    return rate(session, compiled(document), ocpi_version="2.2.1")


def money(result: RatingResult) -> tuple[Fraction | None, Fraction | None, object]:
    return result.exact_excl_vat, result.exact_incl_vat, session_charges(result, 2)


def part(period: Period, start: int, end: int) -> Period:
    """A stretch of a period with its volumes in proportion; powers and currents stay what they are on average."""
    span = period.end - period.start

    def of(volume: Any) -> Any:
        return None if volume is None else share(volume, end - start, span)

    return replace(
        period, start=start, end=end, energy=of(period.energy), time=of(period.time), parking=of(period.parking)
    )


def pieces(period: Period, cuts: list[int]) -> tuple[Period, ...]:
    """A period cut at places within it (in us from its start)."""
    span = period.end - period.start
    edges = [period.start, *sorted({period.start + cut % span for cut in cuts} - {period.start}), period.end]
    return tuple(part(period, start, end) for start, end in pairwise(edges))


CUTS = st.lists(st.integers(1, 10**12), max_size=4)


def assert_cuts_change_nothing(document: dict[str, Any], session: RatingInput, cuts: list[list[int]]) -> None:
    parts = tuple(
        piece
        for index, period in enumerate(session.periods)
        for piece in pieces(period, cuts[index % len(cuts)] if cuts else [])
    )

    assert money(total(document, replace(session, periods=parts))) == money(total(document, session))


@given(tariffs(), LIMITS, sessions(), st.lists(CUTS, max_size=5))
def test_given_any_session_when_cut_into_many_parts_at_any_instants_then_the_price_is_the_same(
    document: dict[str, Any], limits: dict[str, Any], session: RatingInput, cuts: list[list[int]]
) -> None:
    assert_cuts_change_nothing(document | limits, session, cuts)


@pytest.mark.long
@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tariffs(), LIMITS, sessions(), st.lists(CUTS, max_size=5))
def test_given_a_thousand_sessions_when_cut_into_many_parts_then_no_price_changes(
    document: dict[str, Any], limits: dict[str, Any], session: RatingInput, cuts: list[list[int]]
) -> None:
    assert_cuts_change_nothing(document | limits, session, cuts)


@given(
    tariffs(limits=CLOCK_LIMITS | BAND_LIMITS, steps=NO_STEPS, kinds=("ENERGY", "TIME", "PARKING_TIME")),
    sessions(),
    st.data(),
)
def test_given_prices_without_memory_when_a_session_is_two_sessions_then_their_prices_add_up(
    document: dict[str, Any], session: RatingInput, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(session.periods) - 1))
    period = session.periods[index]
    at = data.draw(st.integers(period.start + 1, period.end - 1))
    before, after = part(period, period.start, at), part(period, at, period.end)
    first = replace(session, end=at, periods=(*session.periods[:index], before))
    second = replace(session, start=at, periods=(after, *session.periods[index + 1 :]))

    whole = total(document, session)
    parts = [total(document, each) for each in (first, second)]

    assert sum(each.exact_excl_vat or 0 for each in parts) == whole.exact_excl_vat
    assert sum(each.exact_incl_vat or 0 for each in parts) == whole.exact_incl_vat


@given(st.lists(st.tuples(tariffs(), sessions()), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_given_sessions_under_several_tariffs_when_mixed_repeated_or_after_a_restart_then_no_price_changes(
    batch: list[tuple[dict[str, Any], RatingInput]], order: random.Random
) -> None:
    alone = [money(total(document, session)) for document, session in batch]
    stated = [compiled(document) for document, _session in batch]
    queue = [index for index in range(len(batch)) for _ in range(3)]
    order.shuffle(queue)

    together = {index: money(rate(batch[index][1], stated[index], ocpi_version="2.2.1")) for index in queue}
    _hour_offset.cache_clear()
    again = [money(total(document, session)) for document, session in reversed(batch)]

    assert [together[index] for index in range(len(batch))] == alone
    assert again[::-1] == alone


@given(tariffs(), sessions(), FACTORS)
def test_given_all_prices_times_a_factor_when_priced_then_the_price_is_times_that_factor(
    document: dict[str, Any], session: RatingInput, factor: Fraction
) -> None:
    dearer = tariff(*document["elements"])
    multiple = Decimal(factor.numerator) / Decimal(factor.denominator)
    dearer["elements"] = [
        each | {"price_components": [one | {"price": one["price"] * multiple} for one in each["price_components"]]}
        for each in document["elements"]
    ]

    plain, scaled = total(document, session).exact_excl_vat, total(dearer, session).exact_excl_vat

    assert plain is not None
    assert scaled == plain * factor


@given(tariffs(limits=CLOCK_LIMITS, kinds=("ENERGY",), steps=NO_STEPS, vats=("19",)), sessions(), st.integers(1, 1000))
def test_given_energy_priced_by_the_clock_when_all_energy_is_times_a_factor_then_the_price_is_too(
    document: dict[str, Any], session: RatingInput, factor: int
) -> None:
    fuller = tuple(replace(period, energy=(period.energy or 0) * factor) for period in session.periods)

    once, more = (total(document, each) for each in (session, replace(session, periods=fuller)))

    assert once.exact_excl_vat is not None
    assert more.exact_excl_vat == once.exact_excl_vat * factor


@given(tariffs(), sessions(), st.sampled_from(["0", "5.5", "19", "25"]))
def test_given_another_tax_rate_when_priced_then_the_net_stays_and_the_tax_follows(
    document: dict[str, Any], session: RatingInput, vat: str
) -> None:
    taxed = tariff(*document["elements"])
    taxed["elements"] = [
        each | {"price_components": [one | {"vat": Decimal(vat)} for one in each["price_components"]]}
        for each in document["elements"]
    ]

    net = total(document, session).exact_excl_vat
    result = total(taxed, session)

    assert net is not None
    assert result.exact_excl_vat == net
    assert result.exact_incl_vat == net * (1 + Fraction(vat) / 100)


@given(tariffs(limits=CLOCK_LIMITS | ENERGY_LIMITS), sessions())
def test_given_elements_after_one_that_always_applies_when_priced_then_they_never_count(
    document: dict[str, Any], session: RatingInput
) -> None:
    always = element(*(component(kind, "0.77", vat="19", step=60) for kind in KINDS))
    one = tariff(*document["elements"], always)
    more = tariff(*document["elements"], always, element(*(component(kind, "5", vat="19", step=1) for kind in KINDS)))

    assert money(total(one, session)) == money(total(more, session))


@given(st.integers(0, 23), sessions(), st.sampled_from(["0.10", "0.55"]))
def test_given_the_day_in_two_windows_of_one_price_when_priced_then_it_is_as_without_windows(
    hour: int, session: RatingInput, price: str
) -> None:
    edge = f"{hour:02}:00"
    parts = [component("ENERGY", price, vat="19", step=0), component("TIME", "2", vat="19", step=0)]
    cut = tariff(
        element(*parts, start_time="00:00", end_time=edge if hour else "00:01"),
        element(*parts, start_time=edge if hour else "00:01", end_time="00:00"),
    )

    assert money(total(cut, session)) == money(total(tariff(element(*parts)), session))


@given(
    tariffs(limits={name: CLOCK_LIMITS[name] for name in ("start_time", "end_time", "day_of_week")}), sessions(),
    st.integers(1, 3),
)  # fmt: skip
def test_given_whole_weeks_later_under_the_same_offset_when_priced_then_the_price_is_the_same(
    document: dict[str, Any], session: RatingInput, weeks: int
) -> None:
    shift = weeks * WEEK
    moved = replace(
        session,
        start=session.start + shift,
        end=None if session.end is None else session.end + shift,
        periods=tuple(
            replace(period, start=period.start + shift, end=period.end + shift) for period in session.periods
        ),
    )
    last = session.end or session.start
    hours = range(session.start, last + HOUR, HOUR)
    assume(all(utc_offset(session.time_zone, at) == utc_offset(session.time_zone, at + shift) for at in hours))

    assert money(total(document, moved)) == money(total(document, session))


@given(tariffs(), sessions(), st.sampled_from(ZONES))
def test_given_local_times_that_read_the_same_when_priced_then_the_zone_itself_does_not_matter(
    document: dict[str, Any], session: RatingInput, zone: str
) -> None:
    offset = utc_offset(zone, session.start)
    last = session.end or session.start
    assume(all(utc_offset(zone, at) == offset for at in range(session.start, last + HOUR, 15 * MINUTE)))
    local = replace(session, time_zone=zone)
    utc = replace(
        session,
        time_zone="UTC",
        start=session.start + offset,
        end=last + offset,
        periods=tuple(
            replace(period, start=period.start + offset, end=period.end + offset) for period in session.periods
        ),
    )

    assert money(total(document, local)) == money(total(document, utc))


@given(tariffs(steps=NO_STEPS), st.integers(0, 9), st.integers(20, 60), sessions())
def test_given_price_limits_when_priced_then_totals_and_rounded_charges_are_within_them(
    document: dict[str, Any], low: int, high: int, session: RatingInput
) -> None:
    document |= {"min_price": {"excl_vat": low}, "max_price": {"excl_vat": high}}

    result = total(document, session)
    charged = sum(net for _vat, net, _gross in session_charges(result, 2) if net is not None)
    unbound = total(tariff(*document["elements"]), session).exact_excl_vat

    assert result.exact_excl_vat is not None
    assert unbound is not None
    assert result.exact_excl_vat == min(max(unbound, low), high)
    if result.clamps:
        assert charged == result.total_excl_vat
        assert low <= charged <= high


def test_the_days_of_these_tests_are_whole_weeks_of_named_days() -> None:
    monday = instant(datetime(2026, 3, 2, 12, tzinfo=UTC))
    seven = [
        tariff(element(component("FLAT", str(number), vat="0"), day_of_week=[day]))
        for number, day in enumerate(WEEK_DAYS, 1)
    ]

    for index, document in enumerate(seven):
        at = monday + index * DAY
        period = Period(at, at + HOUR, energy=0, time=HOUR)
        assert total(document, RatingInput(at, at + HOUR, "UTC", (period,))).exact_excl_vat == index + 1
