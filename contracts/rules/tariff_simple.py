"""The tariff that most operators have, as five figures: built into an OCPI document and read back from one."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BadInput, require

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class SimplePrices:
    """Prices without tax in the tariff's currency, None where nothing is charged.

    `time_price` is per hour of a car being charged, from `time_after_hours` after the session's start on.
    `vat_percent` is the tax on every component; None leaves it to the tax table.
    """

    energy_price: Decimal | None = None
    time_price: Decimal | None = None
    time_after_hours: Decimal = Decimal(0)
    start_fee: Decimal | None = None
    vat_percent: Decimal | None = None


def build_document(prices: SimplePrices, *, code: str, currency: str, country: str, updated: str) -> dict[str, Any]:
    """The OCPI Tariff object (2.2.1) of simple prices. `updated` is an ISO 8601 instant in UTC.

    Raises BadInput where no price is given, one is negative, or the hours are no whole number of seconds.
    """
    given = (prices.energy_price, prices.time_price, prices.start_fee)
    require(
        any(price is not None for price in given),
        BadInput("price", "", _("Give at least one price: per kWh, per hour or per session.")),
    )
    for name in ("energy_price", "time_price", "start_fee", "vat_percent", "time_after_hours"):
        value = getattr(prices, name)
        require(value is None or value >= 0, BadInput(name, str(value), _("Write zero or more.")))
    after = prices.time_after_hours * SECONDS_PER_HOUR
    require(
        after == after.to_integral_value(),
        BadInput(
            "time_after_hours", str(prices.time_after_hours), _("Write hours that are whole seconds, such as 1.5.")
        ),
    )
    always: list[dict[str, Any]] = []
    if prices.start_fee is not None:
        always.append(_component("FLAT", prices.start_fee, prices.vat_percent))
    if prices.energy_price is not None:
        always.append(_component("ENERGY", prices.energy_price, prices.vat_percent))
    elements: list[dict[str, Any]] = []
    if prices.time_price is not None:
        time = _component("TIME", prices.time_price, prices.vat_percent)
        if after:
            elements.append({"price_components": [time], "restrictions": {"min_duration": int(after)}})
        else:
            always.append(time)
    if always:
        elements.append({"price_components": always})
    return {
        "country_code": country,
        "party_id": "EVB",
        "id": code,
        "currency": currency,
        "elements": elements,
        "last_updated": updated,
    }


def _component(dimension: str, price: Decimal, vat: Decimal | None) -> dict[str, Any]:
    component: dict[str, Any] = {"type": dimension, "price": _text(price), "step_size": 1}
    return component if vat is None else component | {"vat": _text(vat)}


def _text(number: Decimal) -> str:
    """0.4500 as 0.45: the same price is the same text."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def read_document(document: Mapping[str, Any]) -> SimplePrices | None:
    """The figures of a document that says no more than they can; None for any other, which needs its JSON."""
    prices: dict[str, Decimal] = {}
    rates: set[str | None] = set()
    after = Decimal(0)
    for element in document.get("elements", ()):
        restrictions = element.get("restrictions") or {}
        components = element["price_components"]
        if restrictions:
            if set(restrictions) != {"min_duration"} or [each["type"] for each in components] != ["TIME"]:
                return None
            after = Decimal(restrictions["min_duration"]) / SECONDS_PER_HOUR
        for each in components:
            if each["type"] in prices or each["type"] not in {"ENERGY", "TIME", "FLAT"} or each.get("step_size") != 1:
                return None
            prices[each["type"]] = Decimal(str(each["price"]))
            rates.add(None if each.get("vat") is None else str(each["vat"]))
    extra = set(document) - {"country_code", "party_id", "id", "currency", "elements", "last_updated"}
    if extra or len(rates) != 1 or not prices:
        return None
    rate = rates.pop()
    found = SimplePrices(
        energy_price=prices.get("ENERGY"),
        time_price=prices.get("TIME"),
        time_after_hours=after,
        start_fee=prices.get("FLAT"),
        vat_percent=None if rate is None else Decimal(rate),
    )
    rebuilt = build_document(found, code="", currency="", country="", updated="")
    return found if _same(rebuilt["elements"], document["elements"]) else None


def _same(built: list[Any], given: Any) -> bool:
    """Whether two lists of elements price alike: numbers by value, in the same order."""
    return bool(_values(built) == _values(given))


def _values(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _values(value) for key, value in node.items() if value is not None}
    if isinstance(node, list | tuple):
        return [_values(each) for each in node]
    try:
        return Decimal(str(node))
    except ArithmeticError:
        return node
