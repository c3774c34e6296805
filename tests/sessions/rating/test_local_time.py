"""Restrictions are local to the site, periods are UTC: midnight, both days of the clock change, whole-day counts."""

from decimal import Decimal
from itertools import pairwise

import pytest

from sessions.rules.rating.numbers import HOUR, SECOND
from sessions.rules.rating.zone import regimes, utc_offset
from tests.sessions.rating.build import codes, component, element, lines, period, price, session, tariff

NIGHT = tariff(
    element(component("TIME", "1"), start_time="02:00", end_time="03:00"),
    element(component("TIME", "10")),
)


def hours_by_price(start: str, minutes: int, zone: str, document: object = NIGHT) -> list[tuple[Decimal, Decimal]]:
    volume = str((Decimal(minutes) / 60).quantize(Decimal("0.0000000001")))
    result = price(document, session(start, None, period(start, minutes, TIME=volume), zone=zone))
    assert codes(result) == []
    return [(line.unit_price, line.volume) for line in result.lines]


def test_given_a_normal_night_when_a_session_covers_it_then_the_window_has_one_hour() -> None:
    # 00:00 to 05:00 in Berlin
    assert hours_by_price("2026-02-28T23:00:00Z", 300, "Europe/Berlin") == [(10, 4), (1, 1)]


def test_given_the_autumn_change_when_the_hour_repeats_then_the_window_has_both() -> None:
    # 25 October 2026: 02:00 to 03:00 happens twice; 00:00 to 05:00 local are six hours
    assert hours_by_price("2026-10-24T22:00:00Z", 360, "Europe/Berlin") == [(10, 4), (1, 2)]


def test_given_the_spring_change_when_the_hour_is_skipped_then_the_window_has_none() -> None:
    # 29 March 2026: 02:00 to 03:00 does not exist; 00:00 to 05:00 local are four hours
    assert hours_by_price("2026-03-28T23:00:00Z", 240, "Europe/Berlin") == [(10, 4)]


def test_given_a_window_that_starts_inside_the_skipped_hour_when_priced_then_it_starts_at_the_change() -> None:
    document = tariff(
        element(component("TIME", "1"), start_time="02:30", end_time="04:00"), element(component("TIME", "10"))
    )

    assert hours_by_price("2026-03-28T23:00:00Z", 240, "Europe/Berlin", document) == [(10, 3), (1, 1)]


def test_given_a_zone_that_changes_at_half_hours_when_priced_then_its_own_offset_counts() -> None:
    # Lord Howe turns back 30 minutes at 02:00 on 5 April 2026: 01:30 to 02:00 happens twice
    document = tariff(
        element(component("TIME", "1"), start_time="01:30", end_time="02:00"), element(component("TIME", "10"))
    )

    assert hours_by_price("2026-04-04T13:00:00Z", 180, "Australia/Lord_Howe", document) == [(10, 2), (1, 1)]


def test_given_a_session_over_midnight_when_the_day_changes_then_it_is_split_at_local_midnight() -> None:
    document = tariff(element(component("TIME", "1"), day_of_week=["SUNDAY"]), element(component("TIME", "10")))

    # Sunday 1 March 2026, 23:00 to Monday 01:30 in Berlin
    assert hours_by_price("2026-03-01T22:00:00Z", 150, "Europe/Berlin", document) == [(1, 1), (10, Decimal("1.5"))]


def test_given_a_session_of_a_week_when_windows_come_daily_then_every_day_counts() -> None:
    document = tariff(element(component("TIME", "1"), start_time="08:00", end_time="20:00"))

    result = price(
        document, session("2026-01-05T00:00:00Z", None, period("2026-01-05T00:00:00Z", 7 * 1440, TIME="168"))
    )

    assert lines(result) == [("TIME", 84, 84)]


def test_given_a_session_across_the_change_when_midnight_windows_apply_then_both_offsets_count() -> None:
    document = tariff(
        element(component("TIME", "1"), start_time="22:00", end_time="06:00"), element(component("TIME", "10"))
    )

    # 24 October 20:00 UTC = 22:00 CEST until 26 October 05:00 UTC = 06:00 CET: 8 + 1 and 8 hours of night
    assert hours_by_price("2026-10-24T20:00:00Z", 33 * 60, "Europe/Berlin", document) == [(1, 17), (10, 16)]


def test_given_no_zone_when_the_tariff_has_local_times_then_utc_is_taken_and_it_says_so() -> None:
    stated = session("2026-01-05T00:00:00Z", None, period("2026-01-05T00:00:00Z", 60, TIME="1"))
    del stated["time_zone"]

    assert codes(price(NIGHT, stated)) == ["zone_unknown"]


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/St_Johns", "Asia/Gaza", "Pacific/Chatham", "Africa/Casablanca"]
)
def test_given_any_zone_when_a_decade_is_cut_into_regimes_then_they_tile_with_one_offset_each(zone: str) -> None:
    start, end = 1_262_304_000 * SECOND + 7, 1_577_836_800 * SECOND

    found = regimes(zone, start, end)

    assert (found[0][0], found[-1][1]) == (start, end)
    assert all(before[1] == after[0] and before[2] != after[2] for before, after in pairwise(found))
    for since, upto, offset in found:
        middle = (since + upto) // 2
        assert {utc_offset(zone, at) for at in (since, middle, upto - 1)} == {offset}
        assert upto - since > HOUR
