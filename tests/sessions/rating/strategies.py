"""Tariffs and sessions of all kinds for Hypothesis: every restriction, several VAT rates, odd zones, special days.

Sessions are in whole minutes, limits of duration too, so that a minute is never half inside a window; energies are in
whole Wh, so that shares seldom come out even.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from sessions.rules.rating import Period, RatingInput, Tariff, parse_tariff
from sessions.rules.rating.numbers import MINUTE, POWER_SCALE
from sessions.rules.rating.zone import instant
from tests.sessions.rating.build import component, element, tariff

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/Lisbon",
    "America/St_Johns",
    "America/Los_Angeles",
    "America/Santiago",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
)
"""West and east of UTC, whole, half and quarter hours, changes by half an hour, at midnight, and none."""
DAYS = (
    datetime(2026, 3, 28, 18, tzinfo=UTC),
    datetime(2026, 10, 24, 18, tzinfo=UTC),
    datetime(2026, 4, 4, 10, tzinfo=UTC),
    datetime(2026, 4, 23, 18, tzinfo=UTC),
    datetime(2026, 9, 5, 22, tzinfo=UTC),
    datetime(2026, 12, 31, 18, tzinfo=UTC),
    datetime(2028, 2, 28, 18, tzinfo=UTC),
    datetime(2026, 7, 15, 6, tzinfo=UTC),
)
"""Before changes of the clock, the year's end, a 29 February, and a plain day."""
WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
KINDS = ("FLAT", "ENERGY", "TIME", "PARKING_TIME")

PRICES = st.integers(0, 900).map(lambda cents: f"{cents // 100}.{cents % 100:02}")
CLOCKS = st.tuples(st.integers(0, 23), st.sampled_from([0, 7, 30, 59])).map(lambda at: f"{at[0]:02}:{at[1]:02}")
WEEKDAYS = st.lists(st.sampled_from(WEEK), unique=True, min_size=1)
DATES = st.sampled_from(
    ["2026-03-28", "2026-03-29", "2026-04-05", "2026-10-25", "2027-01-01", "2028-02-29", "2028-03-01"]
)
STEPS = st.sampled_from([0, 1, 60, 300, 900, 1000])

CLOCK_LIMITS: dict[str, st.SearchStrategy[Any]] = {
    "start_time": CLOCKS,
    "end_time": CLOCKS,
    "day_of_week": WEEKDAYS,
    "start_date": DATES,
    "end_date": DATES,
}
DURATION_LIMITS: dict[str, st.SearchStrategy[Any]] = {
    "min_duration": st.sampled_from([0, 60, 900, 3600, 5400]),
    "max_duration": st.sampled_from([60, 1800, 7200, 20000 // 60 * 60]),
}
ENERGY_LIMITS: dict[str, st.SearchStrategy[Any]] = {
    "min_kwh": st.integers(0, 300).map(lambda tenths: Decimal(tenths) / 10),
    "max_kwh": st.integers(1, 600).map(lambda tenths: Decimal(tenths) / 10),
}
BAND_LIMITS: dict[str, st.SearchStrategy[Any]] = {
    "min_power": st.sampled_from([0, 11, 22]),
    "max_power": st.sampled_from([11, 22, 50, 150]),
    "min_current": st.sampled_from([0, 16]),
    "max_current": st.sampled_from([16, 32]),
}
ALL_LIMITS = CLOCK_LIMITS | DURATION_LIMITS | ENERGY_LIMITS | BAND_LIMITS


@st.composite
def tariffs(
    draw: st.DrawFn,
    limits: dict[str, st.SearchStrategy[Any]] | None = None,
    kinds: tuple[str, ...] = KINDS,
    steps: st.SearchStrategy[int] = STEPS,
    vats: tuple[str, ...] = ("0", "7", "19"),
) -> dict[str, Any]:
    """A tariff document of one to five elements restricted by some of `limits` (all unless told otherwise)."""
    stated = ALL_LIMITS if limits is None else limits
    elements = []
    for _ in range(draw(st.integers(1, 5))):
        dimensions = draw(st.lists(st.sampled_from(kinds), unique=True, min_size=1))
        parts = [
            component(kind, draw(PRICES), vat=draw(st.sampled_from(vats)), step=draw(steps)) for kind in dimensions
        ]
        chosen = draw(st.lists(st.sampled_from(sorted(stated)), unique=True, max_size=4)) if stated else []
        elements.append(element(*parts, **{name: draw(stated[name]) for name in chosen}))
    return tariff(*elements)


@st.composite
def sessions(draw: st.DrawFn, most_minutes: int = 400) -> RatingInput:
    """A session of up to five periods that charge or idle, some with a stated power or current, now and then a gap."""
    begin = draw(st.sampled_from(DAYS)) + timedelta(minutes=draw(st.integers(0, 700)))
    start = at = instant(begin)
    periods = []
    for number in range(draw(st.integers(1, 5))):
        span = draw(st.integers(1, most_minutes)) * MINUTE
        stated = {
            name: value * POWER_SCALE
            for name, value in (
                ("power", draw(st.none() | st.sampled_from([5, 11, 22, 49, 150]))),
                ("current", draw(st.none() | st.sampled_from([6, 16, 32]))),
            )
            if value is not None
        }
        if draw(st.integers(0, 3)):
            energy = draw(st.integers(0, 40_000)) * 10**6
            periods.append(Period(at, at + span, energy=energy, time=span, number=number, **stated))
        else:
            periods.append(Period(at, at + span, parking=span, number=number))
        at += span
        if draw(st.integers(0, 9)) == 0:
            at += 13 * MINUTE
    return RatingInput(start, at, draw(st.sampled_from(ZONES)), tuple(periods))


def compiled(document: dict[str, Any], version: str = "2.2.1") -> Tariff:
    """The tariff ready for rating."""
    parsed, findings = parse_tariff(document, version)
    assert parsed is not None, findings
    return parsed
