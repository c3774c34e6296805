"""Strict reading of JSON objects: every key is known, every value has its type and range, or there is a finding."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TypeGuard

from sessions.rules.rating.findings import Finding, error, warning
from sessions.rules.rating.wording import Named
from sessions.rules.rating.zone import instant

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_DATE = re.compile(r"[12]\d{3}-\d\d-\d\d", re.ASCII)
_LARGEST_EXPONENT = 12
_LARGEST_WHOLE = 10**12
_MOST_DIGITS = 40
_PLAIN_SIZES = range(-_LARGEST_EXPONENT, _LARGEST_EXPONENT + 1)
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_SHOWN = 60


def words(text: str) -> frozenset[str]:
    """The words of a text as a set of keys."""
    return frozenset(text.split())


def shown(value: object) -> str:
    """A value as it may stand in a message: short, on one line."""
    if isinstance(value, Mapping):
        return Named.OBJECT
    if isinstance(value, list | tuple):
        return Named.LIST
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) > 10**_MOST_DIGITS:
        return Named.LONG_NUMBER
    text = " ".join(str(value).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _finite(value: int | Decimal) -> bool:
    return isinstance(value, int) or value.is_finite()


def _meant(value: int | Decimal) -> bool:
    """Whether a number has a size and precision that energy, time or money can have."""
    if isinstance(value, int):
        return -_LARGEST_WHOLE <= value <= _LARGEST_WHOLE
    size, digits = abs(value.adjusted()), len(value.as_tuple().digits)
    return not value or (size <= _LARGEST_EXPONENT and digits <= _MOST_DIGITS)


def is_plain(value: object) -> TypeGuard[Decimal | int]:
    """Whether a value is a number above zero that Reader.number() takes as it is: a short cut for reading many."""
    if type(value) is int:
        return 0 < value <= _LARGEST_WHOLE
    return (
        type(value) is Decimal
        and value.is_finite()
        and value > 0
        and value.adjusted() in _PLAIN_SIZES
        and len(str(value)) <= _MOST_DIGITS
    )


class Reader:
    """Reads one JSON object field by field and notes what is wrong with it; never raises."""

    def __init__(self, document: object, path: str, findings: list[Finding]) -> None:
        self.path = path
        self.findings = findings
        self.document: Mapping[str, object] = {}
        self.usable = isinstance(document, Mapping)
        if isinstance(document, Mapping):
            self.document = document
        else:
            self.error("not_an_object", "", value=shown(document))

    def at(self, key: str) -> str:
        """The path of a field."""
        return f"{self.path}.{key}" if key and self.path else key or self.path

    def error(self, code: str, key: str, wording: str = "", **values: str) -> None:
        """Note an error at a field; its sentence is the wording of that name, else of the code."""
        self.findings.append(error(code, self.at(key), wording, **values))

    def warn(self, code: str, key: str, wording: str = "", **values: str) -> None:
        """Note a warning at a field."""
        self.findings.append(warning(code, self.at(key), wording, **values))

    def only(self, known: frozenset[str], *, tolerant: bool = False) -> None:
        """Every key must be one of `known`; a stranger is an error, or a warning where `tolerant`."""
        for key in self.document:
            if key not in known:
                name = shown(key)
                close = difflib.get_close_matches(name, sorted(known), n=1)
                note = self.warn if tolerant else self.error
                if close:
                    note("unknown_key", name, "unknown_key_meant", name=name, close=close[0])
                else:
                    note("unknown_key", name, name=name)

    def raw(self, key: str, *, required: bool = False) -> object | None:
        """The value of a field; null counts as absent."""
        value = self.document.get(key)
        if value is None and required and self.usable:
            self.error("missing", key, name=key)
        return value

    def number(
        self, key: str, *, required: bool = False, lowest: int | None = None, highest: int | None = None
    ) -> Decimal | None:
        """A JSON number as Decimal; floats are refused because they are not exact."""
        value = self.raw(key, required=required)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not _finite(value):
            self.error("not_a_number", key, name=key, value=shown(value))
        elif not _meant(value):
            self.error("out_of_range", key, "not_meant", name=key, value=shown(value))
        elif lowest is not None and value < lowest:
            code = "negative" if lowest == 0 else "out_of_range"
            self.error(code, key, "too_low", name=key, lowest=str(lowest), value=shown(value))
        elif highest is not None and value > highest:
            self.error("out_of_range", key, "too_high", name=key, highest=str(highest), value=shown(value))
        else:
            return Decimal(value) if value else Decimal(0)
        return None

    def integer(self, key: str, *, required: bool = False, lowest: int = 0) -> int | None:
        """A whole JSON number."""
        value = self.number(key, required=required, lowest=lowest)
        if value is None:
            return None
        if value != value.to_integral_value():
            self.error("not_whole", key, name=key, value=shown(value))
            return None
        return int(value)

    def text(self, key: str, *, required: bool = False) -> str | None:
        """A JSON string that is not empty."""
        value = self.raw(key, required=required)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            self.error("not_a_text", key, name=key, value=shown(value))
            return None
        return value

    def flag(self, key: str) -> bool:
        """A JSON true or false; absent is false."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            self.error("not_a_flag", key, name=key, value=shown(value))
        return value is True

    def choice(self, key: str, choices: frozenset[str], *, required: bool = False) -> str | None:
        """A text that is one of the given words."""
        value = self.text(key, required=required)
        if value is not None and value not in choices:
            self.error("unknown_value", key, name=key, choices=", ".join(sorted(choices)), value=shown(value))
            return None
        return value

    def items(self, key: str, *, required: bool = False, most: int) -> list[object]:
        """A JSON array of at most `most` entries; required ones must not be empty."""
        value = self.raw(key, required=required)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self.error("not_a_list", key, name=key, value=shown(value))
            return []
        if len(value) > most:
            self.error("too_many", key, name=key, count=str(len(value)), most=str(most))
            return []
        if required and not value:
            self.error("empty", key, name=key)
        return list(value)

    def instant(self, key: str, *, required: bool = False) -> int | None:
        """An OCPI DateTime (RFC 3339, UTC) as microseconds since 1970."""
        value = self.text(key, required=required)
        if value is None:
            return None
        match = _INSTANT.fullmatch(value)
        try:
            parsed = datetime.fromisoformat(value if match and match[1] else f"{value}+00:00")
        except ValueError:
            match = None
        if match is None or not _FIRST_YEAR <= parsed.year <= _LAST_YEAR:
            self.error("not_an_instant", key, name=key, value=shown(value))
            return None
        if match[1] not in (None, "Z", "+00:00"):
            self.warn("instant_not_utc", key, name=key, value=shown(value))
        return instant(parsed)

    def clock(self, key: str) -> int | None:
        """A local time of day HH:MM, in minutes since midnight."""
        value = self.text(key)
        if value is None:
            return None
        if not _CLOCK.fullmatch(value):
            self.error("not_a_time", key, name=key, value=shown(value))
            return None
        return int(value[:2]) * 60 + int(value[3:])

    def day(self, key: str) -> int | None:
        """A local date YYYY-MM-DD, in days since 1970-01-01."""
        value = self.text(key)
        if value is None:
            return None
        try:
            if not _DATE.fullmatch(value):
                raise ValueError
            return date.fromisoformat(value).toordinal() - date(1970, 1, 1).toordinal()
        except ValueError:
            self.error("not_a_date", key, name=key, value=shown(value))
            return None
