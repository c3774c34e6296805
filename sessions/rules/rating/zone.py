"""Local time of a site: instants are UTC microseconds, restrictions of a tariff are local (OCPI TariffRestrictions)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from sessions.rules.rating.numbers import DAY, HOUR, SECOND

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE = timedelta(microseconds=1)


def instant(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware datetime."""
    return (moment - EPOCH) // _ONE


def moment(at: int) -> datetime:
    """The UTC datetime of an instant."""
    return EPOCH + timedelta(microseconds=at)


@cache
def known_zones() -> frozenset[str]:
    """The IANA names this machine knows."""
    return frozenset(available_timezones())


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _offset(name: str, at: int) -> int:
    offset = moment(at).astimezone(_zone(name)).utcoffset()
    return 0 if offset is None else offset // _ONE


@lru_cache(maxsize=65536)
def _hour_offset(name: str, hour: int) -> int | None:
    """The offset from UTC during a whole hour, or None where it changes within it."""
    first, last = _offset(name, hour * HOUR), _offset(name, (hour + 1) * HOUR - 1)
    return first if first == last else None


def utc_offset(name: str, at: int) -> int:
    """Offset of the zone from UTC at an instant, in microseconds."""
    if name == "UTC":
        return 0
    offset = _hour_offset(name, at // HOUR)
    return _offset(name, at) if offset is None else offset


@lru_cache(maxsize=16384)
def _day_offset(name: str, day: int) -> int | None:
    """The offset from UTC during a whole UTC day, or None where it changes within it."""
    first, last = _offset(name, day * DAY), _offset(name, (day + 1) * DAY - 1)
    return first if first == last else None


def steady_offset(name: str, start: int, end: int) -> int | None:
    """The offset of the zone during [start, end], or None where it may change or that is longer than a day."""
    day = start // DAY
    if end // DAY == day:
        offset = _day_offset(name, day)
        if offset is not None:
            return offset
    offset = utc_offset(name, start)
    return offset if end - start <= DAY and utc_offset(name, end) == offset else None


def regimes(name: str, start: int, end: int) -> list[tuple[int, int, int]]:
    """[start, end) cut where the zone's offset changes: (from, to, offset) without gap or overlap."""
    steady = steady_offset(name, start, end)
    if steady is not None:
        return [(start, end, steady)]
    offset = utc_offset(name, start)
    found, since, at = [], start, start
    while at < end:
        upto = min(at + DAY, end)
        if utc_offset(name, upto) != offset:
            change = _change_between(name, at, upto, offset)
            if change >= end:
                break
            found.append((since, change, offset))
            since, offset, at = change, utc_offset(name, change), change
        else:
            at = upto
    found.append((since, end, offset))
    return found


def _change_between(name: str, before: int, after: int, offset: int) -> int:
    """The first whole second in (before, after] whose offset differs from `offset`."""
    low, high = before // SECOND, -(-after // SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        if utc_offset(name, middle * SECOND) == offset:
            low = middle
        else:
            high = middle
    return high * SECOND
