"""The figures that most tariffs are, as cells of one row: a price per kWh, per hour, of parking, per session."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from contracts.rules.exchange import decimal
from contracts.rules.tariff_form import (
    Conditions,
    PriceRow,
    TariffRows,
    build_document,
    new_document,
    number_text,
)
from contracts.rules.tariff_reading import read_tariff
from evbilling.kernel.errors import BadInput, require

FIGURES = ("energy_price", "time_price", "time_after_hours", "parking_price", "session_price", "vat_percent")
"""Prices without tax in the tariff's currency, time per hour; the time price counts from so many hours after the start.
`vat_percent` is the tax on every price; empty leaves it to the tax table."""
_DIMENSIONS = {
    "ENERGY": "energy_price",
    "TIME": "time_price",
    "PARKING_TIME": "parking_price",
    "FLAT": "session_price",
}
_SECONDS = 3600


def document_of(
    cells: Mapping[str, str], *, ocpi_version: str, head: Mapping[str, str], updated: str
) -> dict[str, Any]:
    """The OCPI tariff of figures; `head` has code, currency and country.

    Raises BadInput where no price is given, one is negative, or the hours are no whole number of seconds.
    """
    figures = {name: decimal(name, cells.get(name, "")) for name in FIGURES}
    for name, value in figures.items():
        require(value is None or value >= 0, BadInput(name, cells.get(name, ""), _("Write zero or more.")))
    given = {dimension: figures[name] for dimension, name in _DIMENSIONS.items() if figures[name] is not None}
    require(given, BadInput("energy_price", "", _("Give at least one price: per kWh, per hour or per session.")))
    after = (figures["time_after_hours"] or Decimal(0)) * _SECONDS
    require(
        after == after.to_integral_value(),
        BadInput("time_after_hours", cells.get("time_after_hours", ""), _("Write hours that are whole seconds.")),
    )
    rows = [
        PriceRow(
            dimension,
            price,
            vat=figures["vat_percent"],
            conditions=Conditions(min_duration=int(after)) if after and dimension == "TIME" else Conditions(),
        )
        for dimension, price in given.items()
        if price is not None
    ]
    return build_document(
        TariffRows(tuple(rows)), ocpi_version=ocpi_version, base=new_document(**head), updated=updated
    )


def figures_of(document: Mapping[str, Any], ocpi_version: str) -> dict[str, str] | None:
    """The figures of a document that says no more than they can; None for any other, which needs its JSON."""
    extra = set(document) - {"country_code", "party_id", "id", "currency", "elements", "last_updated", "tax_included"}
    rows, problems = read_tariff(document, ocpi_version)
    if extra or problems or rows is None or rows.tax_included != "NO":
        return None
    found: dict[str, str] = {}
    taxes = {row.vat for row in rows.rows}
    for row in rows.rows:
        name = _DIMENSIONS.get(row.dimension, "")
        after = row.conditions.min_duration if row.dimension == "TIME" else None
        sure = row.conditions == Conditions(min_duration=after) and (row.step_size == 1 or row.dimension == "FLAT")
        if name in found or not sure or len(taxes) > 1:
            return None
        found[name] = number_text(row.price)
        if after:
            found["time_after_hours"] = number_text(Decimal(after) / _SECONDS)
    tax = next(iter(taxes), None)
    return found if tax is None else found | {"vat_percent": number_text(tax)}
