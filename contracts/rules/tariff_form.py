"""A tariff as the rows a clerk fills in, and the OCPI document that says the same.

One row is one price: what is priced, how much, in which steps, with which tax, under which conditions. For each kind of
price the first row that fits counts, as in OCPI. Rows with the same conditions that follow each other share an element.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

DIMENSIONS = ("ENERGY", "TIME", "PARKING_TIME", "FLAT")
"""OCPI TariffDimensionType, in the order of the AFIR's display: kWh, time, session."""
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
RESERVATIONS = ("RESERVATION", "RESERVATION_EXPIRES")
TAX_INCLUDED = ("NO", "YES", "N/A")
"""Whether the prices of a tariff hold tax (OCPI 2.3.0); in older versions they never do."""
NEWEST = "2.3.0"


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a price counts (OCPI TariffRestrictions): lower bounds included, upper ones not; empty means always.

    Times HH:MM local to the site; energies in kWh, powers in kW, currents in A, durations in seconds since the start.
    """

    start_time: str | None = None
    end_time: str | None = None
    day_of_week: tuple[str, ...] = ()
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    reservation: str | None = None


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price in the tariff's currency: per kWh, per hour or per session.

    `step_size` in Wh or seconds (of no meaning for a fee); `vat` in percent, None leaves it to the tax table.
    """

    dimension: str
    price: Decimal
    step_size: int = 1
    vat: Decimal | None = None
    conditions: Conditions = Conditions()


@dataclass(frozen=True, slots=True)
class PriceLimit:
    """The least or most that a session costs, without and with tax."""

    excl: Decimal | None = None
    incl: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TariffRows:
    """All prices of a tariff in their order, and its limits."""

    rows: tuple[PriceRow, ...]
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    tax_included: str = "NO"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in its document."""

    element: int
    component: int


def limit_keys(ocpi_version: str) -> tuple[str, str]:
    """The names of a limit without and with tax in a version of OCPI."""
    return ("before_taxes", "after_taxes") if ocpi_version == NEWEST else ("excl_vat", "incl_vat")


def new_document(*, code: str, currency: str, country: str) -> dict[str, Any]:
    """The head of a document that has no prices yet."""
    return {"country_code": country, "party_id": "EVB", "id": code, "currency": currency}


def build_document(tariff: TariffRows, *, ocpi_version: str, base: Mapping[str, Any], updated: str) -> dict[str, Any]:
    """The OCPI Tariff object of rows. What else `base` says (texts, validity) stays; `updated` is an instant in UTC.

    Nothing is checked here: tariff_reading finds what is wrong with the document, `places` in which row.
    """
    ours = {"elements", "min_price", "max_price", "tax_included", "last_updated"}
    document: dict[str, Any] = {key: value for key, value in base.items() if key not in ours}
    if ocpi_version == NEWEST or tariff.tax_included != "NO":
        document["tax_included"] = tariff.tax_included
    for key, limit in (("min_price", tariff.min_price), ("max_price", tariff.max_price)):
        if limit is not None:
            document[key] = _limit(limit, ocpi_version)
    document["elements"] = _elements(tariff.rows)
    document["last_updated"] = updated
    return document


def places(rows: tuple[PriceRow, ...]) -> tuple[Place, ...]:
    """Where build_document puts each row."""
    found: list[Place] = []
    inside: set[str] = set()
    for index, row in enumerate(rows):
        joins = index and row.conditions == rows[index - 1].conditions and row.dimension not in inside
        if not joins:
            inside = set()
        last = found[-1] if found else Place(-1, -1)
        found.append(Place(last.element, last.component + 1) if joins else Place(last.element + 1, 0))
        inside.add(row.dimension)
    return tuple(found)


def _elements(rows: tuple[PriceRow, ...]) -> list[dict[str, Any]]:
    elements: list[dict[str, Any]] = []
    for row, place in zip(rows, places(rows), strict=True):
        if place.component == 0:
            elements.append({"price_components": []})
            if restrictions := restrictions_of(row.conditions):
                elements[-1]["restrictions"] = restrictions
        component: dict[str, Any] = {
            "type": row.dimension,
            "price": number_text(row.price),
            "step_size": row.step_size,
        }
        if row.vat is not None:
            component["vat"] = number_text(row.vat)
        elements[-1]["price_components"].append(component)
    return elements


def restrictions_of(conditions: Conditions) -> dict[str, Any]:
    """Conditions as OCPI writes them; those that are not set are left out."""
    found: dict[str, Any] = {}
    for each in fields(conditions):
        value = getattr(conditions, each.name)
        if value is None or value == ():
            continue
        if isinstance(value, Decimal):
            value = number_text(value)
        elif isinstance(value, dt.date):
            value = value.isoformat()
        found[each.name] = list(value) if isinstance(value, tuple) else value
    return found


def _limit(limit: PriceLimit, ocpi_version: str) -> dict[str, Any]:
    excl, incl = limit_keys(ocpi_version)
    amounts = ((excl, limit.excl), (incl, limit.incl))
    return {key: number_text(amount) for key, amount in amounts if amount is not None}


def number_text(number: Decimal) -> str:
    """0.4500 as 0.45: the same price is the same text."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
