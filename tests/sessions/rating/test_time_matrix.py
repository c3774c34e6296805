"""Every zone on every special day: each local hour and weekday is priced for exactly the minutes it had there.

The expected minutes are counted one by one on the local clock; the engine cuts periods instead.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from evbilling.kernel.clock import Period as Days
from evbilling.kernel.clock import local_date, month_of, parse_month
from sessions.rules.rating import Period, RatingInput, rate
from sessions.rules.rating.numbers import HOUR, MINUTE
from sessions.rules.rating.zone import instant
from tests.sessions.rating.build import component, element, tariff
from tests.sessions.rating.strategies import WEEK, compiled

SPECIAL = {
    "spring": ("Europe/Berlin", date(2026, 3, 29), 23),
    "autumn": ("Europe/Berlin", date(2026, 10, 25), 25),
    "spring-usa": ("America/Los_Angeles", date(2026, 3, 8), 23),
    "autumn-usa": ("America/New_York", date(2026, 11, 1), 25),
    "half-hour-zone-spring": ("America/St_Johns", date(2026, 3, 8), 23),
    "half-hour-zone": ("Asia/Kolkata", date(2026, 3, 29), 24),
    "quarter-hour-zone": ("Asia/Kathmandu", date(2026, 12, 31), 24),
    "quarter-hour-zone-autumn": ("Pacific/Chatham", date(2026, 4, 5), 25),
    "change-of-half-an-hour-autumn": ("Australia/Lord_Howe", date(2026, 4, 5), Fraction("24.5")),
    "change-of-half-an-hour-spring": ("Australia/Lord_Howe", date(2026, 10, 4), Fraction("23.5")),
    "change-at-midnight-spring": ("Africa/Cairo", date(2026, 4, 24), 23),
    "change-at-midnight-autumn": ("America/Santiago", date(2026, 4, 4), 25),
    "change-at-midnight-skips-it": ("America/Santiago", date(2026, 9, 6), 23),
    "ireland": ("Europe/Dublin", date(2026, 10, 25), 25),
    "ramadan": ("Africa/Casablanca", date(2026, 2, 15), 25),
    "farthest-west": ("Pacific/Pago_Pago", date(2026, 12, 31), 24),
    "farthest-east": ("Pacific/Kiritimati", date(2026, 12, 31), 24),
    "a-day-that-never-was": ("Pacific/Apia", date(2011, 12, 29), 24),
    "leap-day": ("Europe/Berlin", date(2028, 2, 29), 24),
    "no-leap-day": ("Europe/Berlin", date(2026, 2, 28), 24),
    "new-year": ("America/St_Johns", date(2027, 1, 1), 24),
}
PLACES = [pytest.param(*where, id=name) for name, where in SPECIAL.items()]
AROUND = timedelta(hours=13)


def hours_tariff(**limits: Any) -> dict[str, Any]:
    """A tariff whose price per hour is the local hour and one, under further limits."""
    return tariff(
        *(
            element(
                component("TIME", str(hour + 1), vat="0", step=0),
                start_time=f"{hour:02}:00",
                end_time=f"{(hour + 1) % 24:02}:00",
                **limits,
            )
            for hour in range(24)
        )
    )


def around(day: date, zone: str, wider: timedelta = AROUND) -> RatingInput:
    """One period from half a day before a local day until half a day after it."""
    local = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    start, end = instant(local - timedelta(hours=12) - wider), instant(local + timedelta(hours=12) + wider)
    return RatingInput(start, end, zone, (Period(start, end, time=end - start),))


def minutes_of(session: RatingInput) -> list[datetime]:
    """The minutes of the session on the local clock, one by one."""
    tz = ZoneInfo(session.time_zone)
    first = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=session.start)
    count = ((session.end or 0) - session.start) // MINUTE
    return [(first + timedelta(minutes=number)).astimezone(tz) for number in range(count)]


def minutes_billed(document: dict[str, Any], session: RatingInput) -> dict[int, int]:
    """Minutes per element as the engine sees them."""
    result = rate(session, compiled(document), ocpi_version="2.2.1")
    found = {line.component.element: Fraction(line.volume) * 60 / HOUR for line in result.priced}
    assert all(minutes.denominator == 1 for minutes in found.values())
    return {number: int(minutes) for number, minutes in found.items()}


@pytest.mark.parametrize(("zone", "day", "_hours"), PLACES)
def test_given_prices_by_the_hour_when_a_session_covers_the_day_then_each_local_hour_has_its_minutes(
    zone: str, day: date, _hours: object
) -> None:
    session = around(day, zone)

    assert minutes_billed(hours_tariff(), session) == Counter(moment.hour for moment in minutes_of(session))


@pytest.mark.parametrize(("zone", "day", "_hours"), PLACES)
def test_given_prices_by_weekday_when_a_session_covers_the_days_then_each_local_day_has_its_minutes(
    zone: str, day: date, _hours: object
) -> None:
    session = around(day, zone, timedelta(days=4))
    document = tariff(*(element(component("TIME", "1", vat="0", step=0), day_of_week=[name]) for name in WEEK))

    assert minutes_billed(document, session) == Counter(moment.weekday() for moment in minutes_of(session))


@pytest.mark.parametrize(("zone", "day", "_hours"), PLACES)
def test_given_a_price_of_one_date_when_a_session_covers_it_then_that_local_day_has_its_minutes(
    zone: str, day: date, _hours: object
) -> None:
    session = around(day, zone)
    following = day + timedelta(days=1)
    document = tariff(
        element(component("TIME", "1", vat="0", step=0), start_date=day.isoformat(), end_date=following.isoformat())
    )

    assert minutes_billed(document, session) == {0: sum(moment.date() == day for moment in minutes_of(session))}


@pytest.mark.parametrize(("zone", "day", "_hours"), PLACES)
@pytest.mark.parametrize(("start", "end"), [("22:00", "06:00"), ("02:15", "02:45"), ("23:30", "00:30")])
def test_given_a_window_when_a_session_covers_the_day_then_it_has_the_minutes_of_the_local_clock(
    zone: str, day: date, _hours: object, start: str, end: str
) -> None:
    session = around(day, zone)
    document = tariff(element(component("TIME", "1", vat="0", step=0), start_time=start, end_time=end))

    def inside(moment: datetime) -> bool:
        time = f"{moment:%H:%M}"
        return start <= time < end if start < end else time >= start or time < end

    expected = sum(inside(moment) for moment in minutes_of(session))
    assert minutes_billed(document, session) == ({0: expected} if expected else {})


@pytest.mark.parametrize(("zone", "day", "hours"), PLACES)
def test_given_a_local_day_when_its_hours_are_counted_then_a_day_of_change_is_shorter_or_longer(
    zone: str, day: date, hours: Fraction | int
) -> None:
    start, end = (instant(moment) for moment in Days(day, day + timedelta(days=1)).instants(zone))
    session = RatingInput(start, end, zone, (Period(start, end, time=end - start),))
    document = tariff(element(component("TIME", "1", vat="0", step=0)))

    assert Fraction(end - start, HOUR) == hours
    assert minutes_billed(document, session) == {0: hours * 60}


@pytest.mark.parametrize(("zone", "day", "_hours"), PLACES)
def test_given_a_session_that_ends_at_the_edge_of_a_month_then_exactly_one_month_has_it(
    zone: str, day: date, _hours: object
) -> None:
    month = month_of(day)
    start, end = month.instants(zone)
    before = month_of(month.start - timedelta(days=1))
    second = timedelta(seconds=1)

    assert [month_of(local_date(at, zone)) for at in (start - second, start, end - second, end)] == [
        before, month, month, month.next_month(),
    ]  # fmt: skip
    assert before.instants(zone)[1] == start
    assert month.next_month().instants(zone)[0] == end


def test_given_a_year_when_its_months_are_counted_then_they_tile_it_in_every_zone() -> None:
    for zone, _day, _hours in SPECIAL.values():
        months = [parse_month(f"2026-{number:02}") for number in range(1, 13)]
        spans = [month.instants(zone) for month in months]

        assert all(one[1] == other[0] for one, other in zip(spans, spans[1:], strict=False))
        # an ordinary year, and the same season at both ends: what the clock skips it gives back
        assert spans[-1][1] - spans[0][0] == timedelta(days=365)


def test_given_a_leap_year_when_february_is_counted_then_it_has_29_days() -> None:
    start, end = parse_month("2028-02").instants("Europe/Berlin")

    assert end - start == timedelta(days=29)
    assert month_of(date(2028, 2, 29)) == parse_month("2028-02")


@pytest.mark.parametrize(
    ("minutes_after", "billed"),
    [
        # 25 October 2026 in Berlin: 02:00 to 03:00 CEST, then 02:00 to 03:00 CET. Windows of the doubled hour.
        (0, {0: 30}),
        (60, {0: 30}),
        (30, {0: 30}),
        (90, {}),
    ],
    ids=["first-pass", "second-pass", "from-the-middle-of-the-first", "after-it"],
)
def test_given_a_window_inside_the_doubled_hour_when_a_session_is_in_one_pass_then_that_pass_counts(
    minutes_after: int, billed: dict[int, int]
) -> None:
    two = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00 in summer time
    start = instant(two) + minutes_after * MINUTE
    session = RatingInput(start, start + 60 * MINUTE, "Europe/Berlin", (Period(start, start + 60 * MINUTE, time=HOUR),))
    document = tariff(element(component("TIME", "1", vat="0", step=0), start_time="02:00", end_time="02:30"))

    assert minutes_billed(document, session) == billed
