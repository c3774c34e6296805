"""Instants are UTC; periods are local dates, half open, in a contract's IANA zone (ARCHITECTURE, Time)."""

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BadInput

_MONTH = re.compile(r"^((?:19|[2-8]\d)\d{2}|9[0-8]\d{2})-(0[1-9]|1[0-2])$", re.ASCII)
"""Months of 1900 to 9899: whatever is counted on from them is a date in every zone."""


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises BadInput for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput("zone", name, _("Use an IANA zone such as Europe/Berlin.")) from None


def require_aware(at: dt.datetime) -> dt.datetime:
    """The instant in UTC. Raises BadInput for a time without a zone."""
    if at.tzinfo is None or at.utcoffset() is None:
        raise BadInput("instant", at.isoformat(), _("Give it with its zone, such as 2026-01-31T23:00:00Z."))
    return at.astimezone(dt.UTC)


def local_date(at: dt.datetime, zone_name: str) -> dt.date:
    """The calendar date of an instant in a zone."""
    return require_aware(at).astimezone(zone(zone_name)).date()


def start_of_day(on: dt.date, zone_name: str) -> dt.datetime:
    """The first instant (UTC) of a local date; where a clock change skips midnight, the first instant that exists."""
    tz = zone(zone_name)
    local = dt.datetime.combine(on, dt.time(0), tzinfo=tz)
    instant = local.astimezone(dt.UTC)
    if instant.astimezone(tz).date() < on:  # midnight was skipped: fold 0 maps before the gap
        instant = local.replace(fold=1).astimezone(dt.UTC)
    return instant


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Local dates [start, end): the end is the first day outside."""

    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise BadInput("period", f"{self.start} to {self.end}", _("The end must lie after the start."))

    @property
    def last_day(self) -> dt.date:
        """The last day inside."""
        return self.end - dt.timedelta(days=1)

    @property
    def code(self) -> str:
        """YYYY-MM for a calendar month, otherwise both dates."""
        if self == month_of(self.start):
            return f"{self.start:%Y-%m}"
        return f"{self.start}/{self.end}"

    def __contains__(self, on: dt.date) -> bool:
        return self.start <= on < self.end

    def instants(self, zone_name: str) -> tuple[dt.datetime, dt.datetime]:
        """The half-open pair of UTC instants that this period spans in a zone; neighbours share their boundary."""
        return start_of_day(self.start, zone_name), start_of_day(self.end, zone_name)

    def next_month(self) -> "Period":
        """The calendar month after this period's first month."""
        return month_of(_first_of_next(self.start))

    def previous_month(self) -> "Period":
        """The calendar month before this period's first month."""
        return month_of(self.start.replace(day=1) - dt.timedelta(days=1))


def _first_of_next(on: dt.date) -> dt.date:
    if (on.year, on.month) == (dt.MAXYEAR, 12):
        raise BadInput("month", on, _("No calendar goes beyond the year 9999; name an earlier month."))
    return dt.date(on.year + on.month // 12, on.month % 12 + 1, 1)


def month_of(on: dt.date) -> Period:
    """The calendar month of a date. Raises BadInput for the last one that a date can lie in: it has no end."""
    return Period(on.replace(day=1), _first_of_next(on))


def parse_month(text: str) -> Period:
    """Read YYYY-MM. Raises BadInput for anything else."""
    match = _MONTH.match(text)
    if not match:
        raise BadInput("period", text, _("Write the month as YYYY-MM, for example 2026-10."))
    return month_of(dt.date(int(match[1]), int(match[2]), 1))


def months_between(first: Period, last: Period) -> list[Period]:
    """All calendar months from `first` to `last`, both included."""
    months = []
    current = month_of(first.start)
    while current.start <= last.start:
        months.append(current)
        current = current.next_month()
    return months
