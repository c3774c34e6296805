"""When an element applies, as people say it: "Mon–Fri 8 AM–8 PM, after 4 h"; figures, prices and times of the because.

English and German. English reads American for US dollars and British otherwise, as documents do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from babel.dates import format_date

from evbilling.shell.formats import format_unit_price, locale_for
from sessions.rules.rating.numbers import plain
from sessions.rules.rating.plan import WEEKDAYS

_SPACE = "\N{NO-BREAK SPACE}"
_MINUTE, _HOUR = 60, 3600
_ABSENT = ("", "None")
"""How a restriction reads that a tariff states as null or empty: it limits nothing."""
_WORDS = {
    "en": {
        "days": "Mon Tue Wed Thu Fri Sat Sun",
        "after": "after {low}",
        "within": "within the first {high}",
        "range": "between {low} and {high}",
        "least": "at {low} or more",
        "below": "below {high}",
        "from_time": "from {low}",
        "until_time": "until {high}",
        "from_day": "from {low} on",
        "before_day": "before {high}",
    },
    "de": {
        "days": "Mo Di Mi Do Fr Sa So",
        "after": "nach {low}",
        "within": "in den ersten {high}",
        "range": "zwischen {low} und {high}",
        "least": "ab {low}",
        "below": "unter {high}",
        "from_time": "ab {low}",
        "until_time": "bis {high}",
        "from_day": "ab {low}",
        "before_day": "vor dem {high}",
    },
}


class Tongue(NamedTuple):
    """Language and currency of a because: they decide how words, figures, prices and times read."""

    language: str
    currency: str

    @property
    def german(self) -> bool:
        """German, or else English."""
        return self.language.startswith("de")

    @property
    def spoken(self) -> str:
        """The language that is really spoken: de or en."""
        return "de" if self.german else "en"

    def number(self, value: Decimal) -> str:
        """A figure with its own decimals."""
        return plain(value).replace(".", ",") if self.german else plain(value)

    def measure(self, value: Decimal | str, unit: str) -> str:
        """A figure and its unit, never parted: 1.87 kWh."""
        return f"{self.number(Decimal(value))}{_SPACE}{unit}"

    def price(self, amount: Decimal) -> str:
        """Money with at least the currency's digits and at most six decimals: $0.26."""
        return _price(amount, self)

    def duration(self, seconds: Decimal | int | str) -> str:
        """1 h 25 min, seconds only where there are any; rounded to the second."""
        whole = int(Decimal(seconds).to_integral_value("ROUND_HALF_UP"))
        hours, minutes, rest = whole // _HOUR, whole % _HOUR // _MINUTE, whole % _MINUTE
        parts = [f"{count}{_SPACE}{unit}" for count, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if count]
        return _SPACE.join(parts) or f"0{_SPACE}s"

    def clock(self, time: str) -> str:
        """A local time of day HH:MM: 8 AM, 8:30 PM for US dollars, 08:00 otherwise."""
        if self.german or self.currency != "USD":
            return time
        hour, minute = int(time[:2]), int(time[3:5])
        past = f":{minute:02d}" if minute else ""
        return f"{(hour - 1) % 12 + 1}{past}{_SPACE}{'AM' if hour < 12 else 'PM'}"

    def day(self, day: str) -> str:
        """An ISO date as documents show it: Nov 1, 2026."""
        return str(format_date(dt.date.fromisoformat(day), "medium", locale=locale_for(self.spoken, self.currency)))


@lru_cache(maxsize=4096)
def _price(amount: Decimal, tongue: Tongue) -> str:
    return format_unit_price(amount, tongue.currency, tongue.spoken)


@lru_cache(maxsize=4096)
def conditions(restrictions: tuple[tuple[str, str], ...], tongue: Tongue) -> str:
    """The restrictions of an element, as stated in its tariff, in words; empty where there are none.

    `reservation` is not among them: it names what the line is for.
    """
    given = {name: value for name, value in restrictions if value not in _ABSENT}
    return ", ".join(_phrases(given, tongue))


def _phrases(stated: dict[str, str], tongue: Tongue) -> Iterator[str]:
    words = _WORDS[tongue.spoken]
    when = " ".join(filter(None, (_weekdays(stated.get("day_of_week", ""), words["days"]), _times(stated, tongue))))
    if when:
        yield when
    if first := stated.get("start_date"):
        yield words["from_day"].format(low=tongue.day(first))
    if end := stated.get("end_date"):
        yield words["before_day"].format(high=tongue.day(end))
    for name, unit, least, below in (
        ("kwh", "kWh", "after", "within"),
        ("duration", "", "after", "within"),
        ("power", "kW", "least", "below"),
        ("current", "A", "least", "below"),
    ):
        low, high = (_limit(stated.get(f"{edge}_{name}"), unit, tongue, zero=edge == "max") for edge in ("min", "max"))
        if low or high:
            kind = "range" if low and high else least if low else below
            yield words[kind].format(low=low, high=high)


def _limit(stated: str | None, unit: str, tongue: Tongue, *, zero: bool) -> str:
    """A limit with its unit, durations as time; a lower limit of zero limits nothing."""
    if stated is None or not (Decimal(stated) or zero):
        return ""
    return tongue.measure(stated, unit) if unit else tongue.duration(stated)


def _times(stated: dict[str, str], tongue: Tongue) -> str:
    start, end = stated.get("start_time"), stated.get("end_time")
    if start and end:
        return f"{tongue.clock(start)}\N{EN DASH}{tongue.clock(end)}"
    if start:
        return _WORDS[tongue.spoken]["from_time"].format(low=tongue.clock(start))
    return _WORDS[tongue.spoken]["until_time"].format(high=tongue.clock(end)) if end else ""


def _weekdays(stated: str, names: str) -> str:
    """Mon–Fri, Sun: three and more days in a row as a range. All seven say nothing."""
    days = sorted({WEEKDAYS.index(day) for day in stated.split(", ") if day in WEEKDAYS})
    if len(days) in {0, 7}:
        return ""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    short = names.split()
    return ", ".join(
        f"{short[run[0]]}\N{EN DASH}{short[run[-1]]}" if len(run) > 2 else ", ".join(short[day] for day in run)
        for run in runs
    )
