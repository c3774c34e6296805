"""Cells of files that parties, contracts and tariffs come in by: text in, values out; a refusal names column and value.

Dates are ISO or German, decimals have a point or a comma and no thousands mark, yes and no are read in both languages.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from evbilling.kernel.clock import start_of_day, zone
from evbilling.kernel.errors import BadInput, require

_DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y")
_LOCAL_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M")
_DECIMAL = re.compile(r"-?\d{1,12}(?:[.,]\d{1,12})?", re.ASCII)
_YES, _NO = frozenset({"yes", "true", "1", "ja"}), frozenset({"no", "false", "0", "nein"})
_PLACE = re.compile(
    r"(?P<code>.+?)(?: @ (?P<site>.+?))?(?: / (?P<low>\d{0,9})-(?P<high>\d{0,9}) W)?", re.ASCII | re.DOTALL
)
_SPLIT = ";"


def text(cell: str) -> str:
    """Without blanks around it, line breaks as the database keeps them."""
    return cell.replace("\r\n", "\n").replace("\r", "\n").strip()


def required(column: str, cell: str) -> str:
    """Text that must be there. Raises BadInput for an empty cell."""
    found = text(cell)
    require(found, BadInput(column, cell, _("Fill in this column.")))
    return found


def choice(column: str, cell: str, allowed: Iterable[str]) -> str:
    """One of a few words, whatever its case. Raises BadInput listing them."""
    known = {each.lower(): each for each in allowed}
    found = known.get(text(cell).lower())
    if found is None:
        raise BadInput(column, cell, _("Write one of: %s.") % ", ".join(known.values()))
    return found


def day(column: str, cell: str) -> dt.date:
    """2026-01-31 or 31.01.2026. Raises BadInput for anything else."""
    found = text(cell).removesuffix(" 00:00:00").removesuffix("T00:00:00")
    for form in _DATE_FORMATS:
        try:
            return dt.datetime.strptime(found, form).date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
    raise BadInput(column, cell, _("Write a date such as 2026-01-31."))


def instant(column: str, cell: str, zone_name: str) -> dt.datetime:
    """An instant with its offset, or local time or day in the zone. Raises BadInput for anything else.

    A local time that a clock change skips or repeats needs its offset.
    """
    found = text(cell)
    advice = _("Write an instant such as 2026-01-31T00:00:00+01:00, or a day.")
    try:
        exact = dt.datetime.fromisoformat(found)
    except ValueError:
        exact = None
    if exact is not None and exact.tzinfo is not None:
        return exact.astimezone(dt.UTC)
    for form in _LOCAL_FORMATS:
        try:
            local = dt.datetime.strptime(found.replace("T", " "), form).replace(tzinfo=zone(zone_name))
        except ValueError:
            continue
        sure = local.utcoffset() == local.replace(fold=1).utcoffset()
        require(sure, BadInput(column, cell, _("A clock change makes this time unclear; write it with its offset.")))
        return local.astimezone(dt.UTC)
    try:
        return start_of_day(day(column, cell), zone_name)
    except BadInput:
        raise BadInput(column, cell, advice) from None


def decimal(column: str, cell: str) -> Decimal | None:
    """A number with a point or a comma; None for an empty cell. Raises BadInput for anything else."""
    found = text(cell)
    if not found:
        return None
    require(
        _DECIMAL.fullmatch(found), BadInput(column, cell, _("Write a number such as 0.45, without a thousands mark."))
    )
    return Decimal(found.replace(",", "."))


def whole(column: str, cell: str) -> int:
    """A whole number of zero or more. Raises BadInput for anything else."""
    found = text(cell).removesuffix(".0")
    require(found.isascii() and found.isdigit() and len(found) < 10, BadInput(column, cell, _("Write a whole number.")))
    return int(found)


def yes(column: str, cell: str) -> bool:
    """Yes or no. Raises BadInput for anything else."""
    found = text(cell).lower()
    require(found in _YES | _NO, BadInput(column, cell, _("Write yes or no.")))
    return found in _YES


def listed(cell: str) -> list[str]:
    """Entries separated by semicolons."""
    return [each for each in map(text, cell.split(_SPLIT)) if each]


@dataclass(frozen=True, slots=True)
class TariffPlace:
    """A tariff of a contract's terms: everywhere, or only at a site or in a power band (watts, upper excluded)."""

    code: str
    site: str = ""
    min_power_w: int | None = None
    max_power_w: int | None = None

    def __str__(self) -> str:
        band = ""
        if self.min_power_w is not None or self.max_power_w is not None:
            low, high = ("" if each is None else str(each) for each in (self.min_power_w, self.max_power_w))
            band = f" / {low}-{high} W"
        return f"{self.code}{f' @ {self.site}' if self.site else ''}{band}"


def tariff_places(column: str, cell: str) -> list[TariffPlace]:
    """CODE; CODE @ SITE; CODE / 0-22000 W, the one that goes first foremost. Raises BadInput for anything else."""
    found = []
    for entry in listed(cell):
        match = _PLACE.fullmatch(entry)
        if match is None:
            raise BadInput(column, entry, _("Write tariff codes such as FLEET or FLEET @ SITE, separated by ;"))
        low, high = (int(match[name]) if match[name] else None for name in ("low", "high"))
        found.append(TariffPlace(match["code"], match["site"] or "", low, high))
    return found


def join(column: str, entries: Iterable[object]) -> str:
    """Entries as one cell. Raises BadInput for one that could not be read back."""
    texts = [str(each) for each in entries]
    for each in texts:
        require(_SPLIT not in each, BadInput(column, each, _("It holds a semicolon and cannot stand in a list.")))
    return f"{_SPLIT} ".join(texts)


def plain(node: Any) -> Any:
    """A tariff document for comparison: numbers by value, without what is empty and when it was written."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items() if value is not None and key != "last_updated"}
    if isinstance(node, list | tuple):
        return [plain(each) for each in node]
    try:
        return Decimal(str(node))
    except ArithmeticError:
        return node
