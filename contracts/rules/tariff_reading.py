"""An OCPI tariff document read as rows, as strictly as the rating engine reads it: nothing is passed over.

Every key is known, every value has its type and range, or there is a problem with its place in the document. A document
without problems can be rated (proven in tests/contracts/test_tariff_reading.py) and can be edited as rows.
"""

import datetime as dt
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, cast

from django.utils.translation import gettext as _

from contracts.rules.tariff_form import (
    DIMENSIONS,
    NEWEST,
    RESERVATIONS,
    TAX_INCLUDED,
    WEEKDAYS,
    Conditions,
    PriceLimit,
    PriceRow,
    TariffRows,
    limit_keys,
)

MOST_ELEMENTS = 400
MOST_COMPONENTS = 20
LARGEST_STEP = 10**7
_LARGEST_EXPONENT, _MOST_DIGITS = 12, 40
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_SHOWN = 60
_HEAD = {
    *("country_code", "party_id", "id", "currency", "type", "tariff_alt_text", "tariff_alt_url", "min_price"),
    *("max_price", "elements", "start_date_time", "end_date_time", "energy_mix", "last_updated"),
}
_TYPES = ("AD_HOC_PAYMENT", "PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN", "REGULAR")
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_DATE = re.compile(r"[12]\d{3}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(Z|[+-]\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place of a document: `path` such as elements[2].restrictions.max_kwh, and a sentence."""

    code: str
    path: str
    message: str


def read_tariff(document: Any, ocpi_version: str) -> tuple[TariffRows | None, tuple[Problem, ...]]:
    """The rows of a document, or None and every problem in it. Never raises. Source: OCPI mod_tariffs."""
    problems: list[Problem] = []
    reader = _Reader(document, "", problems)
    if not isinstance(document, Mapping):
        return None, tuple(problems)
    newest = ocpi_version == NEWEST
    reader.only(_HEAD | ({"tax_included", "preauthorize_amount"} if newest else set()))
    reader.text("id", required=True)
    currency = reader.text("currency", required=True)
    if currency and not _CURRENCY.fullmatch(currency):
        reader.note("unknown_value", "currency", _("Write an ISO 4217 code such as EUR."))
    reader.choice("type", _TYPES)
    tax = (reader.choice("tax_included", TAX_INCLUDED) if newest else None) or "NO"
    starts, ends = reader.instant("start_date_time"), reader.instant("end_date_time")
    if starts and ends and ends <= starts:
        reader.note("never_valid", "end_date_time", _("The tariff ends before it starts."))
    rows: list[PriceRow] = []
    for index, element in enumerate(reader.items("elements", MOST_ELEMENTS)):
        rows += _element(_Reader(element, f"elements[{index}]", problems), tax)
    low, high = _limit(reader, "min_price", ocpi_version), _limit(reader, "max_price", ocpi_version)
    _hold_limits_together(reader, low, high)
    if problems:
        return None, tuple(problems)
    return TariffRows(tuple(rows), low, high, tax), ()


def _element(reader: "_Reader", tax: str) -> list[PriceRow]:
    reader.only({"price_components", "restrictions"})
    conditions = _conditions(reader)
    rows: list[PriceRow] = []
    for index, each in enumerate(reader.items("price_components", MOST_COMPONENTS)):
        inner = _Reader(each, f"{reader.at('price_components')}[{index}]", reader.problems)
        row = _row(inner, conditions, tax)
        if row is None:
            continue
        if any(row.dimension == other.dimension for other in rows):
            inner.note("duplicate_component", "type", _("This element has two prices of the same kind; keep one."))
        if conditions.reservation and row.dimension not in {"FLAT", "TIME"}:
            inner.note("reservation_dimension", "type", _("A reservation has a fee and a price per hour, no other."))
        rows.append(row)
    return rows


def _row(reader: "_Reader", conditions: Conditions, tax: str) -> PriceRow | None:
    reader.only({"type", "price", "vat", "step_size"})
    dimension = reader.choice("type", DIMENSIONS, required=True)
    price = reader.number("price", required=True)
    vat = reader.number("vat", highest=100)
    if tax == "N/A" and vat:
        reader.note("tax_contradicts", "vat", _("The tariff says that no tax applies; leave the tax empty."))
    step = reader.whole("step_size", required=dimension != "FLAT", highest=LARGEST_STEP)
    if dimension is None or price is None:
        return None
    return PriceRow(dimension, price, 1 if step is None else step, vat, conditions)


def _conditions(element: "_Reader") -> Conditions:
    value = element.raw("restrictions")
    if value is None:
        return Conditions()
    reader = _Reader(value, element.at("restrictions"), element.problems)
    reader.only({each.name for each in fields(Conditions)})
    days = {
        day
        for index, each in enumerate(reader.items("day_of_week", len(WEEKDAYS), required=False))
        if (day := reader.listed(f"day_of_week[{index}]", each, WEEKDAYS))
    }
    found = Conditions(
        start_time=reader.pattern("start_time", _CLOCK, _("Write a time from 00:00 to 23:59; midnight is 00:00.")),
        end_time=reader.pattern("end_time", _CLOCK, _("Write a time from 00:00 to 23:59; midnight is 00:00.")),
        day_of_week=tuple(day for day in WEEKDAYS if day in days),
        start_date=reader.day("start_date"),
        end_date=reader.day("end_date"),
        min_kwh=reader.number("min_kwh"),
        max_kwh=reader.number("max_kwh"),
        min_duration=reader.whole("min_duration"),
        max_duration=reader.whole("max_duration"),
        min_power=reader.number("min_power"),
        max_power=reader.number("max_power"),
        min_current=reader.number("min_current"),
        max_current=reader.number("max_current"),
        reservation=reader.choice("reservation", RESERVATIONS),
    )
    for low, high in (
        ("min_kwh", "max_kwh"),
        ("min_duration", "max_duration"),
        ("min_power", "max_power"),
        ("min_current", "max_current"),
        ("start_date", "end_date"),
    ):
        lower, upper = getattr(found, low), getattr(found, high)
        if lower is not None and upper is not None and lower >= upper:
            reader.note("never_applies", high, _("This is not above the lower bound: the price would never apply."))
    return found


def _limit(reader: "_Reader", key: str, ocpi_version: str) -> PriceLimit | None:
    value = reader.raw(key)
    if value is None:
        return None
    inner = _Reader(value, key, reader.problems)
    excl, incl = limit_keys(ocpi_version)
    inner.only({excl, incl})
    limit = PriceLimit(inner.number(excl, required=True), inner.number(incl))
    if limit.excl is not None and limit.incl is not None and limit.incl < limit.excl:
        inner.note("limits_contradict", incl, _("The limit with tax is lower than the one without."))
    return limit


def _hold_limits_together(reader: "_Reader", low: PriceLimit | None, high: PriceLimit | None) -> None:
    if low is None or high is None:
        return
    for lower, upper in ((low.excl, high.excl), (low.incl, high.incl)):
        if lower is not None and upper is not None and lower > upper:
            reader.note("limits_contradict", "min_price", _("The least price is higher than the most."))
            return


def _shown(value: Any) -> str:
    if isinstance(value, Mapping | list | tuple):
        return "[…]" if isinstance(value, list | tuple) else "{…}"
    text = " ".join(str(value).split()) if not isinstance(value, int) or abs(value) < 10**_MOST_DIGITS else "10…"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


class _Reader:
    """Reads one JSON object field by field and notes what is wrong with it; never raises."""

    def __init__(self, document: Any, path: str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self.document: Mapping[str, Any] = document if isinstance(document, Mapping) else {}
        self.usable = isinstance(document, Mapping)
        if not self.usable:
            self.note("not_an_object", "", _("Give a JSON object, not %(value)s.") % {"value": _shown(document)})

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if key and self.path else key or self.path

    def note(self, code: str, key: str, message: str) -> None:
        self.problems.append(Problem(code, self.at(key), message))

    def only(self, known: set[str]) -> None:
        for key in self.document:
            if key not in known:
                close = difflib.get_close_matches(str(key)[:_SHOWN], sorted(known), n=1)
                hint = _("Did you mean %(name)s?") % {"name": close[0]} if close else _("Take it out.")
                self.note("unknown_key", _shown(key), _("This field is not known here. %(hint)s") % {"hint": hint})

    def raw(self, key: str, *, required: bool = False) -> Any:
        value = self.document.get(key)
        if value is None and required and self.usable:
            self.note("missing", key, _("This is needed."))
        return value

    def number(self, key: str, *, required: bool = False, highest: int | None = None) -> Decimal | None:
        value = self.raw(key, required=required)
        if value is None:
            return None
        found = _decimal(value)
        if found is None:
            self.note("not_a_number", key, _("Write a number such as 0.45, not %(value)s.") % {"value": _shown(value)})
        elif not _meant(found):
            self.note("out_of_range", key, _("A number of this size or precision cannot be meant."))
        elif found < 0:
            self.note("negative", key, _("Write zero or more, not %(value)s.") % {"value": _shown(value)})
        elif highest is not None and found > highest:
            self.note("out_of_range", key, _("Write at most %(highest)s.") % {"highest": highest})
        else:
            return found
        return None

    def whole(self, key: str, *, required: bool = False, highest: int | None = None) -> int | None:
        found = self.number(key, required=required, highest=highest)
        if found is None:
            return None
        if found != found.to_integral_value():
            self.note("not_whole", key, _("Write a whole number, not %(value)s.") % {"value": _shown(found)})
            return None
        return int(found)

    def text(self, key: str, *, required: bool = False) -> str | None:
        value = self.raw(key, required=required)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            self.note("not_a_text", key, _("Write a text, not %(value)s.") % {"value": _shown(value)})
            return None
        return value

    def choice(self, key: str, choices: tuple[str, ...], *, required: bool = False) -> str | None:
        value = self.text(key, required=required)
        return None if value is None else self.listed(key, value, choices)

    def listed(self, key: str, value: Any, choices: tuple[str, ...]) -> str | None:
        if isinstance(value, str) and value in choices:
            return value
        self.note("unknown_value", key, _("Use one of %(choices)s.") % {"choices": ", ".join(choices)})
        return None

    def items(self, key: str, most: int, *, required: bool = True) -> list[Any]:
        value = self.raw(key, required=required)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self.note("not_a_list", key, _("Give a list, not %(value)s.") % {"value": _shown(value)})
            return []
        if len(value) > most:
            self.note("too_many", key, _("Give at most %(most)s entries.") % {"most": most})
            return []
        if required and not value:
            self.note("empty", key, _("Give at least one entry."))
        return list(value)

    def pattern(self, key: str, pattern: re.Pattern[str], advice: str) -> str | None:
        value = self.text(key)
        if value is not None and not pattern.fullmatch(value):
            self.note("not_a_time", key, advice)
            return None
        return value

    def day(self, key: str) -> dt.date | None:
        value = self.text(key)
        if value is None:
            return None
        try:
            return dt.date.fromisoformat(value if _DATE.fullmatch(value) else "")
        except ValueError:
            self.note(
                "not_a_date", key, _("Write a date such as 2026-03-01, not %(value)s.") % {"value": _shown(value)}
            )
            return None

    def instant(self, key: str) -> dt.datetime | None:
        value = self.text(key)
        if value is None:
            return None
        match = _INSTANT.fullmatch(value)
        try:
            parsed = dt.datetime.fromisoformat(value if match and match[1] else f"{value}+00:00") if match else None
        except ValueError:
            parsed = None
        if parsed is None or not _FIRST_YEAR <= parsed.year <= _LAST_YEAR:
            self.note("not_an_instant", key, _("Write an instant such as 2026-03-01T10:00:00Z."))
            return None
        return parsed


def _decimal(value: Any) -> Decimal | None:
    """A JSON number; stored documents hold decimals as strings."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        found = Decimal(value)
    except ArithmeticError:
        return None
    return found if found.is_finite() else None


def _meant(value: Decimal) -> bool:
    """Whether a number has a size and precision that energy, time or money can have."""
    exponent, digits = abs(value.adjusted()), len(value.as_tuple().digits)
    return not value or (exponent <= _LARGEST_EXPONENT and digits <= _MOST_DIGITS)


def row_place(path: str) -> tuple[int, int | None, str] | None:
    """(element, component or None for its conditions, field) of a problem's path; None outside the elements."""
    match = re.fullmatch(r"elements\[(\d+)\](?:\.price_components\[(\d+)\])?(?:\.restrictions)?\.?(\w*).*", path)
    if match is None:
        return None
    element, component, name = match.groups()
    return int(element), None if component is None else int(component), cast(str, name)
