"""A tariff in plain words, in the language of the page: what the admin, the portal and the contract document show.

OCPI's rule is said as people say it: for each kind of price the first line that fits counts, so a line without a
condition after one with a condition is introduced by "otherwise".
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from evbilling.shell.formats import format_day, format_number, format_percent, format_unit_price

_SECONDS_PER_HOUR = 3600
_ORDER = ("FLAT", "ENERGY", "TIME", "PARKING_TIME")


def describe(document: Mapping[str, Any]) -> list[str]:
    """One sentence a price, conditions and tax included, then the limits. For a document of the right shape."""
    lines: list[str] = []
    for dimension in _ORDER:
        lines += _lines(_fitting(document, dimension), lambda each: _price(document, each))
    lines.extend(text for _key, text in described_limits(document))
    return lines


def described_prices(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(kind of price, its conditions, the whole sentence) of each price, in the order of `describe`."""
    for dimension in _ORDER:
        for restrictions, component in _fitting(document, dimension):
            condition = ", ".join(conditions_in_words(restrictions))
            price = _price(document, component)
            text = _("%(price)s, %(condition)s") % {"price": price, "condition": condition} if condition else price
            yield dimension, condition, text


@dataclass(frozen=True, slots=True)
class DisplayPart:
    """Prices of one kind as a driver has to be told them."""

    heading: str
    lines: tuple[str, ...]


def display_parts(document: Mapping[str, Any]) -> tuple[DisplayPart, ...]:
    """The prices in the order that the AFIR (Regulation (EU) 2023/1804, Article 5) asks of a display.

    Price per kWh, price per minute, price per session, then any other part: reservations and limits. OCPI states times
    by the hour, so a minute's price is a sixtieth, shown with up to six decimals; it is what is shown, never billed.
    """

    def said(each: Mapping[str, Any]) -> str:
        return _price(document, each, per_minute=True)

    def of(*dimensions: str) -> tuple[str, ...]:
        return tuple(
            line
            for dimension in dimensions
            for line in _lines(_fitting(document, dimension, reserved=False), said, capital=True)
        )

    reserved = [
        line
        for dimension in _ORDER
        for line in _lines(_fitting(document, dimension, reserved=True), said, capital=True)
    ]
    parts = (
        DisplayPart(_("Price per kWh"), of("ENERGY")),
        DisplayPart(_("Price per minute"), of("TIME", "PARKING_TIME")),
        DisplayPart(_("Price per session"), of("FLAT")),
        DisplayPart(
            _("Other parts of the price"), (*reserved, *(capfirst(text) for _key, text in described_limits(document)))
        ),
    )
    return tuple(part for part in parts if part.lines)


def display_text(document: Mapping[str, Any]) -> str:
    """display_parts in one line, for a station's display or a partner's app."""
    return " \N{MIDDLE DOT} ".join(line for part in display_parts(document) for line in part.lines)


type _Fitting = tuple[Mapping[str, Any], Mapping[str, Any]]


def _fitting(document: Mapping[str, Any], dimension: str, reserved: bool | None = None) -> list[_Fitting]:
    """(restrictions, component) of one kind of price in their order; with or without reservations, or both."""
    return [
        (restrictions, component)
        for element in document["elements"]
        for restrictions in [element.get("restrictions") or {}]
        for component in element["price_components"]
        if component["type"] == dimension and (reserved is None or bool(restrictions.get("reservation")) == reserved)
    ]


def _lines(
    fitting: Iterable[_Fitting], said: Callable[[Mapping[str, Any]], str], *, capital: bool = False
) -> Iterator[str]:
    conditional = False
    for restrictions, component in fitting:
        conditions = list(conditions_in_words(restrictions))
        text = said(component)
        if conditions:
            text = _("%(price)s, %(condition)s") % {"price": text, "condition": ", ".join(conditions)}
        elif conditional:
            text = _("otherwise %(price)s") % {"price": text}
        conditional = conditional or bool(conditions)
        yield capfirst(text) if capital else text


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _number(value: Decimal) -> str:
    """With as many decimals as it has."""
    exponent = value.normalize().as_tuple().exponent
    return format_number(value, max(0, -exponent) if isinstance(exponent, int) else 0)


def _price(document: Mapping[str, Any], component: Mapping[str, Any], *, per_minute: bool = False) -> str:
    dimension, currency = component["type"], str(document["currency"])
    amount = _decimal(component["price"])
    if not amount:
        return {
            "FLAT": _("no fee per session"),
            "ENERGY": _("energy is free"),
            "TIME": _("charging time is free"),
            "PARKING_TIME": _("time without charging is free"),
        }[dimension]
    text = (price_by_minute if per_minute else price_in_words)(dimension, amount, currency)
    if component.get("vat") is not None:
        rate = format_percent(_decimal(component["vat"]) / 100)
        included = document.get("tax_included") == "YES"
        taxed = _("%(price)s with %(rate)s tax included") if included else _("%(price)s plus %(rate)s tax")
        text = taxed % {"price": text, "rate": rate}
    step = int(component.get("step_size") or 1)
    if step > 1 and dimension != "FLAT":
        text = _("%(price)s, counted in steps of %(step)s") % {"price": text, "step": step_in_words(dimension, step)}
    return text


def price_in_words(dimension: str, price: Decimal, currency: str) -> str:
    """EUR 0.45 per kWh."""
    return {
        "FLAT": _("%(price)s per session"),
        "ENERGY": _("%(price)s per kWh"),
        "TIME": _("%(price)s per hour of charging"),
        "PARKING_TIME": _("%(price)s per hour without charging"),
    }[dimension] % {"price": format_unit_price(price, currency)}


def price_by_minute(dimension: str, price: Decimal, currency: str) -> str:
    """The same with times by the minute: a sixtieth of the hour's price."""
    by_minute = {
        "TIME": _("%(price)s per minute of charging"),
        "PARKING_TIME": _("%(price)s per minute without charging"),
    }
    if dimension not in by_minute:
        return price_in_words(dimension, price, currency)
    return by_minute[dimension] % {"price": format_unit_price(Fraction(price) / 60, currency)}


def dimension_name(dimension: str) -> str:
    """What is priced, as a heading."""
    return {
        "FLAT": _("Fee per session"),
        "ENERGY": _("Energy"),
        "TIME": _("Charging time"),
        "PARKING_TIME": _("Time without charging"),
    }[dimension]


def step_in_words(dimension: str, step: int) -> str:
    """A step size, which is in Wh or seconds, as 0.1 kWh or 15 minutes."""
    return _kwh(Decimal(step) / 1000) if dimension == "ENERGY" else _duration(step)


def _kwh(value: Decimal) -> str:
    return f"{_number(value)}\N{NO-BREAK SPACE}kWh"


def _kw(value: Any) -> str:
    return f"{_number(_decimal(value))}\N{NO-BREAK SPACE}kW"


def _ampere(value: Any) -> str:
    return f"{_number(_decimal(value))}\N{NO-BREAK SPACE}A"


def _duration(seconds: Any) -> str:
    whole = int(seconds)
    if whole % 60:
        return ngettext("%(count)s second", "%(count)s seconds", whole) % {"count": format_number(whole)}
    if whole % _SECONDS_PER_HOUR:
        minutes = whole // 60
        return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": format_number(minutes)}
    hours = whole // _SECONDS_PER_HOUR
    return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": format_number(hours)}


def _range(
    restrictions: Mapping[str, Any], name: str, show: Callable[[Any], str], sentences: tuple[str, str, str]
) -> Iterator[str]:
    between, least, below = sentences
    low, high = restrictions.get(f"min_{name}"), restrictions.get(f"max_{name}")
    if low is not None and high is not None:
        yield between % {"low": show(low), "high": show(high)}
    elif low is not None:
        yield least % {"low": show(low)}
    elif high is not None:
        yield below % {"high": show(high)}


def conditions_in_words(restrictions: Mapping[str, Any]) -> Iterator[str]:
    """The restrictions of an element, one phrase each."""
    yield from _times(restrictions)
    yield from _range(
        restrictions,
        "kwh",
        lambda value: _kwh(_decimal(value)),
        (
            _("between %(low)s and %(high)s of a session"),
            _("from %(low)s of a session on"),
            _("for the first %(high)s of a session"),
        ),
    )
    yield from _range(
        restrictions,
        "power",
        _kw,
        (
            _("while charging at %(low)s or more and below %(high)s"),
            _("while charging at %(low)s or more"),
            _("while charging below %(high)s"),
        ),
    )
    yield from _range(
        restrictions,
        "current",
        _ampere,
        (
            _("while charging at %(low)s or more and below %(high)s"),
            _("while charging at %(low)s or more"),
            _("while charging below %(high)s"),
        ),
    )
    yield from _range(
        restrictions,
        "duration",
        _duration,
        (
            _("between %(low)s and %(high)s after the start"),
            _("from %(low)s after the start on"),
            _("for the first %(high)s"),
        ),
    )
    if restrictions.get("reservation") == "RESERVATION":
        yield _("for a reservation")
    elif restrictions.get("reservation") == "RESERVATION_EXPIRES":
        yield _("for a reservation that expires")


def _times(restrictions: Mapping[str, Any]) -> Iterator[str]:
    start, end = restrictions.get("start_time"), restrictions.get("end_time")
    if start and end:
        yield _("between %(start)s and %(end)s") % {"start": start, "end": end}
    elif start:
        yield _("from %(start)s to midnight") % {"start": start}
    elif end:
        yield _("from midnight to %(end)s") % {"end": end}
    if days := restrictions.get("day_of_week"):
        yield _("on %(days)s") % {"days": ", ".join(weekday_names()[day] for day in days)}
    if first := restrictions.get("start_date"):
        yield _("from %(day)s on") % {"day": format_day(dt.date.fromisoformat(first))}
    if last := restrictions.get("end_date"):
        yield _("before %(day)s") % {"day": format_day(dt.date.fromisoformat(last))}


def weekday_names() -> dict[str, str]:
    """OCPI's days as people say them."""
    return {
        "MONDAY": _("Mondays"),
        "TUESDAY": _("Tuesdays"),
        "WEDNESDAY": _("Wednesdays"),
        "THURSDAY": _("Thursdays"),
        "FRIDAY": _("Fridays"),
        "SATURDAY": _("Saturdays"),
        "SUNDAY": _("Sundays"),
    }


def described_limits(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(min_price or max_price, the sentence) of each price limit."""
    currency = str(document["currency"])
    for key, sentence in (
        ("min_price", _("a session costs at least %(price)s")),
        ("max_price", _("a session costs at most %(price)s")),
    ):
        limit = document.get(key)
        if limit is None:
            continue
        if not isinstance(limit, Mapping):
            yield key, sentence % {"price": format_unit_price(_decimal(limit), currency)}
            continue
        for names, words in (
            (("excl_vat", "before_taxes"), pgettext("price limit", "%(price)s without tax")),
            (("incl_vat", "after_taxes"), pgettext("price limit", "%(price)s with tax")),
        ):
            for name in names:
                if limit.get(name) is not None:
                    amount = words % {"price": format_unit_price(_decimal(limit[name]), currency)}
                    yield key, sentence % {"price": amount}
