"""The least that a tariff document must be before it is stored: an OCPI Tariff object in the tariff's currency.

What the prices mean, and whether they make sense, is for the rating engine and its linter.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from evbilling.kernel.errors import BadInput, require

DIMENSIONS = ("ENERGY", "TIME", "PARKING_TIME", "FLAT")
"""OCPI TariffDimensionType."""


def require_tariff_document(document: Any, *, currency: str) -> None:
    """Raise BadInput, naming the place in the document, unless it has the shape of an OCPI tariff in `currency`."""
    require(isinstance(document, Mapping), BadInput("document", document, "Give a JSON object, an OCPI tariff."))
    require(
        document.get("currency") == currency,
        BadInput("currency", document.get("currency"), f"Write {currency}, the currency of the tariff."),
    )
    elements = document.get("elements")
    require(
        isinstance(elements, list) and elements,
        BadInput("elements", elements, "Give a list with at least one element."),
    )
    for index, element in enumerate(elements or []):
        _require_element(element, f"elements[{index}]")


def states_tax(document: Mapping[str, Any]) -> bool:
    """Whether every price that is not free states its VAT rate: contracts whose prices include tax need it."""
    components = [each for element in document["elements"] for each in element["price_components"]]
    return all(each.get("vat") is not None for each in components if Decimal(str(each["price"])))


def _require_element(element: Any, where: str) -> None:
    require(isinstance(element, Mapping), BadInput(where, element, "Give an object with price_components."))
    components = element.get("price_components")
    require(
        isinstance(components, list) and components,
        BadInput(f"{where}.price_components", components, "Give a list with at least one price component."),
    )
    for index, component in enumerate(components):
        place = f"{where}.price_components[{index}]"
        require(isinstance(component, Mapping), BadInput(place, component, "Give an object with type and price."))
        require(
            component.get("type") in DIMENSIONS,
            BadInput(f"{place}.type", component.get("type"), f"Use one of {', '.join(DIMENSIONS)}."),
        )
        for name, needed in (("price", True), ("vat", False)):
            _require_number(component.get(name), f"{place}.{name}", needed)
    restrictions = element.get("restrictions")
    require(
        restrictions is None or isinstance(restrictions, Mapping),
        BadInput(f"{where}.restrictions", restrictions, "Give an object, or leave it out."),
    )


def _require_number(value: Any, where: str, needed: bool) -> None:
    if value is None and not needed:
        return
    advice = "Write a number of zero or more, such as 0.45."
    require(isinstance(value, int | str | Decimal) and not isinstance(value, bool), BadInput(where, value, advice))
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        raise BadInput(where, value, advice) from None
    require(number.is_finite() and number >= 0, BadInput(where, value, advice))
