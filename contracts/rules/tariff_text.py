"""A tariff in plain words, in the language of the page: what the admin, the portal and the contract document show.

OCPI's rule is said as people say it: for each kind of price the first line that fits counts, so a line without a
condition after one with a condition is introduced by "otherwise".
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from evbilling.shell.formats import format_day, format_number, format_percent, format_unit_price

_SECONDS_PER_HOUR = 3600
_ORDER = ("FLAT", "ENERGY", "TIME", "PARKING_TIME")


def describe(document: Mapping[str, Any]) -> list[str]:
    """One sentence a price, conditions and tax included, then the limits. For a document of the right shape."""
    currency = str(document["currency"])
    lines: list[str] = []
    for dimension in _ORDER:
        fitting = [
            (element.get("restrictions") or {}, component)
            for element in document["elements"]
            for component in element["price_components"]
            if component["type"] == dimension
        ]
        conditional = False
        for restrictions, component in fitting:
            conditions = list(_conditions(restrictions))
            text = _price(dimension, component, currency)
            if conditions:
                text = _("%(price)s, %(condition)s") % {"price": text, "condition": ", ".join(conditions)}
            elif conditional:
                text = _("otherwise %(price)s") % {"price": text}
            conditional = conditional or bool(conditions)
            lines.append(text)
    lines.extend(_limits(document, currency))
    return lines


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _number(value: Decimal) -> str:
    """With as many decimals as it has."""
    exponent = value.normalize().as_tuple().exponent
    return format_number(value, max(0, -exponent) if isinstance(exponent, int) else 0)


def _price(dimension: str, component: Mapping[str, Any], currency: str) -> str:
    amount = _decimal(component["price"])
    if not amount:
        return {
            "FLAT": _("no fee per session"),
            "ENERGY": _("energy is free"),
            "TIME": _("charging time is free"),
            "PARKING_TIME": _("time without charging is free"),
        }[dimension]
    price = format_unit_price(amount, currency)
    text = {
        "FLAT": _("%(price)s per session"),
        "ENERGY": _("%(price)s per kWh"),
        "TIME": _("%(price)s per hour of charging"),
        "PARKING_TIME": _("%(price)s per hour without charging"),
    }[dimension] % {"price": price}
    if component.get("vat") is not None:
        rate = format_percent(_decimal(component["vat"]) / 100)
        text = _("%(price)s plus %(rate)s tax") % {"price": text, "rate": rate}
    step = int(component.get("step_size") or 1)
    if step > 1 and dimension != "FLAT":
        text = _("%(price)s, counted in steps of %(step)s") % {"price": text, "step": _step(dimension, step)}
    return text


def _step(dimension: str, step: int) -> str:
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


def _conditions(restrictions: Mapping[str, Any]) -> Iterator[str]:
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
        yield _("on %(days)s") % {"days": ", ".join(_weekdays()[day] for day in days)}
    if first := restrictions.get("start_date"):
        yield _("from %(day)s on") % {"day": format_day(dt.date.fromisoformat(first))}
    if last := restrictions.get("end_date"):
        yield _("before %(day)s") % {"day": format_day(dt.date.fromisoformat(last))}


def _weekdays() -> dict[str, str]:
    return {
        "MONDAY": _("Mondays"),
        "TUESDAY": _("Tuesdays"),
        "WEDNESDAY": _("Wednesdays"),
        "THURSDAY": _("Thursdays"),
        "FRIDAY": _("Fridays"),
        "SATURDAY": _("Saturdays"),
        "SUNDAY": _("Sundays"),
    }


def _limits(document: Mapping[str, Any], currency: str) -> Iterator[str]:
    for key, sentence in (
        ("min_price", _("a session costs at least %(price)s")),
        ("max_price", _("a session costs at most %(price)s")),
    ):
        limit = document.get(key)
        if limit is None:
            continue
        if not isinstance(limit, Mapping):
            yield sentence % {"price": format_unit_price(_decimal(limit), currency)}
            continue
        for names, words in (
            (("excl_vat", "before_taxes"), pgettext("price limit", "%(price)s without tax")),
            (("incl_vat", "after_taxes"), pgettext("price limit", "%(price)s with tax")),
        ):
            for name in names:
                if limit.get(name) is not None:
                    amount = words % {"price": format_unit_price(_decimal(limit[name]), currency)}
                    yield sentence % {"price": amount}
