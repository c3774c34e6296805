"""The week of a tariff: which price counts at which local time, for the heat map and for the linter.

Minutes count from Monday 00:00, local to the site; ranges are half open. As in the rating engine, a window whose end is
not after its start goes over midnight, and its hours after midnight belong to the weekday on which they fall.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from contracts.rules.tariff_form import WEEKDAYS, Conditions, PriceRow, TariffRows
from contracts.rules.tariff_text import weekday_names

DAY = 24 * 60
WEEK = 7 * DAY
PER_MINUTE = ("PARKING_TIME",)
"""Kinds of price that the week shows by the minute (AFIR); OCPI states them by the hour."""

type Minutes = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """The point of a session at which the week is looked at: power (None: not known), energy and time so far."""

    power_kw: Decimal | None = None
    kwh: Decimal = Decimal(0)
    seconds: int = 0
    week_of: dt.date | None = None
    """Any day of the week meant, for prices that hold between dates; None passes dates over."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of one day, in minutes of that day, with its price per kWh, hour or minute; None: nothing applies."""

    day: int
    start: int
    end: int
    price: Fraction | None
    row: int | None


def windows(conditions: Conditions) -> list[Minutes]:
    """The minutes of the week at which weekdays and times of day let a price count."""
    start = _minute(conditions.start_time) or 0
    end = _minute(conditions.end_time) or DAY
    parts = [(start, end)] if start < end else [(0, end), (start, DAY)]
    days = [WEEKDAYS.index(day) for day in conditions.day_of_week] or range(7)
    return joined((day * DAY + a, day * DAY + b) for day in days for a, b in parts if a < b)


def is_local(conditions: Conditions) -> bool:
    """Whether a time of day or a weekday limits the price."""
    return bool(conditions.start_time or conditions.end_time or conditions.day_of_week)


def joined(ranges: Iterable[Minutes]) -> list[Minutes]:
    """Ranges in order, those that touch or overlap made one."""
    found: list[Minutes] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def week_runs(tariff: TariffRows, dimension: str, moment: Moment) -> tuple[Run, ...]:
    """The week of one kind of price at a moment of a session, day by day; neighbours of the same row are joined."""
    rows = [
        (index, row, windows(row.conditions))
        for index, row in enumerate(tariff.rows)
        if row.dimension == dimension and not row.conditions.reservation and _fits(row.conditions, moment)
    ]
    edges = sorted(
        {day * DAY for day in range(8)} | {edge for _i, _r, found in rows for pair in found for edge in pair}
    )
    runs: list[Run] = []
    for start, end in zip(edges, edges[1:], strict=False):
        day = start // DAY
        index, row = next(
            (
                (index, row)
                for index, row, found in rows
                if any(a <= start < b for a, b in found) and _in_dates(row.conditions, moment, day)
            ),
            (None, None),
        )
        run = Run(day, start - day * DAY, end - day * DAY, None if row is None else _price(row), index)
        last = runs[-1] if runs else None
        if last and (last.day, last.row) == (day, index):
            runs[-1] = Run(day, last.start, run.end, run.price, index)
        else:
            runs.append(run)
    return tuple(runs)


def _minute(text: str | None) -> int | None:
    return None if text is None else int(text[:2]) * 60 + int(text[3:])


def _price(row: PriceRow) -> Fraction:
    return Fraction(row.price) / (60 if row.dimension in PER_MINUTE else 1)


def _fits(conditions: Conditions, moment: Moment) -> bool:
    """Whether the limits hold that do not depend on the time of the week. An unknown power satisfies no limit on it."""
    return (
        _within(moment.kwh, conditions.min_kwh, conditions.max_kwh)
        and _within(moment.seconds, conditions.min_duration, conditions.max_duration)
        and _within(moment.power_kw, conditions.min_power, conditions.max_power)
        and _within(None, conditions.min_current, conditions.max_current)
    )


def _within(value: Decimal | int | None, low: Decimal | int | None, high: Decimal | int | None) -> bool:
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value < high)


def _in_dates(conditions: Conditions, moment: Moment, day: int) -> bool:
    if moment.week_of is None:
        return True
    on = moment.week_of - dt.timedelta(days=moment.week_of.weekday() - day)
    return (conditions.start_date is None or on >= conditions.start_date) and (
        conditions.end_date is None or on < conditions.end_date
    )


def clock(minute: int) -> str:
    """A minute of the day as 14:30; the day's end as 24:00."""
    return f"{minute // 60:02}:{minute % 60:02}"


def week_words(ranges: Sequence[Minutes]) -> str:
    """Minutes of the week in words: days with the same hours are named together. Empty for the whole week."""
    of_day: dict[int, list[Minutes]] = {}
    for start, end in joined(ranges):
        for day in range(start // DAY, -(-end // DAY)):
            part = (max(start, day * DAY) - day * DAY, min(end, (day + 1) * DAY) - day * DAY)
            of_day.setdefault(day, []).append(part)
    alike: dict[tuple[Minutes, ...], list[int]] = {}
    for day, parts in sorted(of_day.items()):
        alike.setdefault(tuple(parts), []).append(day)
    return "; ".join(_day_words(days, hours) for hours, days in alike.items() if (len(days), hours) != (7, ((0, DAY),)))


def _day_words(days: Sequence[int], hours: Sequence[Minutes]) -> str:
    names = weekday_names()
    if len(days) == 7:
        spoken = _("every day")
    elif len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        spoken = _("%(first)s to %(last)s") % {"first": names[WEEKDAYS[days[0]]], "last": names[WEEKDAYS[days[-1]]]}
    else:
        spoken = ", ".join(names[WEEKDAYS[day]] for day in days)
    if list(hours) == [(0, DAY)]:
        return spoken
    times = ", ".join(f"{clock(start)}\N{EN DASH}{clock(end)}" for start, end in hours)
    return f"{spoken} {times}"
