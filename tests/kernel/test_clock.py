"""Periods tile in every zone, clock changes included (invariant I6)."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel import clock
from evbilling.kernel.errors import BadInput

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "America/Santiago", "Pacific/Apia", "UTC"]


@pytest.mark.parametrize(
    ("on", "zone", "instant"),
    [
        (dt.date(2026, 3, 29), "Europe/Berlin", "2026-03-28T23:00:00+00:00"),
        (dt.date(2026, 3, 30), "Europe/Berlin", "2026-03-29T22:00:00+00:00"),
        (dt.date(2026, 10, 26), "Europe/Berlin", "2026-10-25T23:00:00+00:00"),
        (dt.date(2015, 11, 2), "America/New_York", "2015-11-02T05:00:00+00:00"),
        # Chile's clocks skip midnight: the day starts at 01:00 local.
        (dt.date(2026, 9, 6), "America/Santiago", "2026-09-06T04:00:00+00:00"),
    ],
)
def test_a_day_starts_at_its_first_local_instant(on: dt.date, zone: str, instant: str) -> None:
    assert clock.start_of_day(on, zone).isoformat() == instant


@given(st.dates(dt.date(2000, 1, 1), dt.date(2037, 12, 1)), st.sampled_from(ZONES))
def test_neighbouring_months_share_their_boundary(on: dt.date, zone: str) -> None:
    month = clock.month_of(on)
    assert month.instants(zone)[1] == month.next_month().instants(zone)[0]


@given(st.integers(min_value=946_771_200, max_value=2_142_000_000), st.sampled_from(ZONES))
def test_an_instant_lies_in_exactly_the_month_of_its_local_date(seconds: int, zone: str) -> None:
    at = dt.datetime.fromtimestamp(seconds, dt.UTC)
    month = clock.month_of(clock.local_date(at, zone))
    start, end = month.instants(zone)
    assert start <= at < end


def test_the_end_of_a_month_is_the_first_day_outside() -> None:
    month = clock.parse_month("2028-02")
    assert (month.start, month.end, month.last_day) == (dt.date(2028, 2, 1), dt.date(2028, 3, 1), dt.date(2028, 2, 29))
    assert dt.date(2028, 2, 29) in month
    assert dt.date(2028, 3, 1) not in month


def test_december_is_followed_by_january() -> None:
    assert clock.parse_month("2014-12").next_month().code == "2015-01"
    assert clock.parse_month("2015-01").previous_month().code == "2014-12"
    assert clock.Period(dt.date(2024, 3, 31), dt.date(2024, 4, 2)).previous_month().code == "2024-02"


def test_all_months_of_a_span_are_listed() -> None:
    months = clock.months_between(clock.parse_month("2014-11"), clock.parse_month("2015-10"))
    assert [month.code for month in months][:3] == ["2014-11", "2014-12", "2015-01"]
    assert len(months) == 12


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-1", "0000-01", "26-01", "2026-01-01", "", "2026-00", "9999-12", "1899-12"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="YYYY-MM"):
        clock.parse_month(text)


@pytest.mark.parametrize("day", [dt.date(9999, 12, 1), dt.date.max])
def test_the_last_month_of_all_is_refused_for_it_has_no_end(day: dt.date) -> None:
    with pytest.raises(BadInput, match=f"month: {day} cannot be used. No calendar"):
        clock.month_of(day)
    with pytest.raises(BadInput, match="No calendar"):
        clock.month_of(dt.date(9999, 11, 30)).next_month()


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInput, match="with its zone"):
        clock.local_date(dt.datetime(2026, 1, 1), "UTC")  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "../etc/passwd", "/etc/localtime"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="IANA zone"):
        clock.zone(name)


def test_a_period_ends_after_it_starts() -> None:
    with pytest.raises(BadInput, match="after the start"):
        clock.Period(dt.date(2026, 1, 1), dt.date(2026, 1, 1))
