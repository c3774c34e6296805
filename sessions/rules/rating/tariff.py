"""OCPI tariffs (2.2, 2.2.1, 2.3.0): read strictly, compiled once, then only looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from sessions.rules.rating.findings import Finding, has_errors
from sessions.rules.rating.numbers import POWER_SCALE, PRICE_SCALE, SECOND, WH, Exact, plain, scaled
from sessions.rules.rating.plan import (
    RESERVATION,
    RESERVATION_EXPIRES,
    WEEKDAYS,
    Component,
    Plan,
    Restrictions,
    compile_plan,
)
from sessions.rules.rating.reading import Reader, shown, words

OCPI_VERSIONS = ("2.2", "2.2.1", "2.3.0")
DIMENSIONS = frozenset({"FLAT", "ENERGY", "TIME", "PARKING_TIME"})
MOST_ELEMENTS = 400
MOST_COMPONENTS = 20
_LARGEST_STEP = 10**7

_TARIFF_KEYS = words(
    "country_code party_id id currency type tariff_alt_text tariff_alt_url min_price max_price elements "
    "start_date_time end_date_time energy_mix last_updated"
)
_TARIFF_KEYS_230 = _TARIFF_KEYS | {"tax_included", "preauthorize_amount"}
_TYPES = frozenset({"AD_HOC_PAYMENT", "PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN", "REGULAR"})
_ELEMENT_KEYS = frozenset({"price_components", "restrictions"})
_COMPONENT_KEYS = frozenset({"type", "price", "vat", "step_size"})
_RESTRICTION_KEYS = words(
    "start_time end_time start_date end_date min_kwh max_kwh min_current max_current min_power max_power "
    "min_duration max_duration day_of_week reservation"
)
_CURRENCY = re.compile(r"[A-Z]{3}")
_RANGES = ("kwh", "current", "power", "duration")
_STEP_UNIT = {"ENERGY": WH, "TIME": SECOND, "PARKING_TIME": SECOND, "FLAT": 0}


@dataclass(frozen=True, slots=True)
class Limit:
    """A price limit of a tariff in currency units; `incl_vat` is None where the tariff states none."""

    excl_vat: Decimal | None
    incl_vat: Decimal | None


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """The compiled searches of a tariff, one per dimension and per use of the charge point."""

    flat: Plan | None
    energy: Plan | None
    time: Plan | None
    parking: Plan | None
    reservation_flat: Plan | None
    reservation_time: Plan | None
    expired_flat: Plan | None
    expired_time: Plan | None


@dataclass(frozen=True, slots=True, eq=False)
class Tariff:
    """A compiled tariff. `starts` and `ends` are its validity in us since 1970 UTC."""

    id: str
    currency: str
    ocpi_version: str
    elements: tuple[tuple[Component, ...], ...]
    min_price: Limit | None
    max_price: Limit | None
    starts: int | None
    ends: int | None
    plans: Plans = field(repr=False)

    @property
    def components(self) -> tuple[Component, ...]:
        """All price components in the order of the tariff."""
        return tuple(component for element in self.elements for component in element)


def parse_tariff(
    document: object, ocpi_version: str, path: str = "tariff"
) -> tuple[Tariff | None, tuple[Finding, ...]]:
    """Read and compile an OCPI Tariff; never raises.

    Returns the tariff (None where a finding is an error) and all findings. Numbers must be int or Decimal.
    Source: OCPI mod_tariffs, Tariff object of the given version.
    """
    findings: list[Finding] = []
    reader = Reader(document, path, findings)
    if ocpi_version not in OCPI_VERSIONS:
        reader.error("unknown_version", "", choices=", ".join(OCPI_VERSIONS))
        return None, tuple(findings)
    if not reader.usable:
        return None, tuple(findings)
    newest = ocpi_version == "2.3.0"
    reader.only(_TARIFF_KEYS_230 if newest else _TARIFF_KEYS)
    tariff_id = reader.text("id", required=True) or ""
    currency = reader.text("currency", required=True) or ""
    if currency and not _CURRENCY.fullmatch(currency):
        reader.error("unknown_value", "currency", "not_a_currency", value=shown(currency))
    reader.choice("type", _TYPES)
    tax = (reader.choice("tax_included", frozenset({"YES", "NO", "N/A"})) if newest else None) or "NO"
    starts, ends = reader.instant("start_date_time"), reader.instant("end_date_time")
    if starts is not None and ends is not None and ends <= starts:
        reader.error("never_valid", "end_date_time")
    elements = tuple(
        _element(Reader(entry, f"{reader.at('elements')}[{number}]", findings), tariff_id, number, tax)
        for number, entry in enumerate(reader.items("elements", required=True, most=MOST_ELEMENTS))
    )
    low, high = _limit(reader, "min_price", newest), _limit(reader, "max_price", newest)
    _check_limits(reader, low, high)
    if has_errors(findings):
        return None, tuple(findings)
    plans = _plans(elements)
    return Tariff(tariff_id, currency, ocpi_version, elements, low, high, starts, ends, plans), tuple(findings)


_MOST_CACHED = 256
_LONGEST_KEY = 200_000
_cached: dict[tuple[str, str, str], tuple[Tariff | None, tuple[Finding, ...]]] = {}


def cached_tariff(
    document: object, ocpi_version: str, path: str = "tariff"
) -> tuple[Tariff | None, tuple[Finding, ...]]:
    """parse_tariff() that compiles an equal document once: for streams of requests that repeat their tariffs."""
    try:
        key = (repr(document), ocpi_version, path)
    except (RecursionError, ValueError):
        return parse_tariff(document, ocpi_version, path)
    found = _cached.get(key)
    if found is None:
        found = parse_tariff(document, ocpi_version, path)
        if len(key[0]) <= _LONGEST_KEY:
            if len(_cached) >= _MOST_CACHED:
                _cached.clear()
            _cached[key] = found
    return found


def _limit(reader: Reader, key: str, newest: bool) -> Limit | None:
    value = reader.raw(key)
    if value is None:
        return None
    inner = Reader(value, reader.at(key), reader.findings)
    excl, incl = ("before_taxes", "after_taxes") if newest else ("excl_vat", "incl_vat")
    inner.only(frozenset({excl, incl}))
    limit = Limit(inner.number(excl, required=True, lowest=0), inner.number(incl, lowest=0))
    if limit.excl_vat is not None and limit.incl_vat is not None and limit.incl_vat < limit.excl_vat:
        inner.error("limits_contradict", incl, "limit_contradicts", name=key, upper=incl, lower=excl)
    return limit


def _check_limits(reader: Reader, low: Limit | None, high: Limit | None) -> None:
    if low is None or high is None:
        return
    for name in ("excl_vat", "incl_vat"):
        lower, upper = getattr(low, name), getattr(high, name)
        if lower is not None and upper is not None and lower > upper:
            reader.error("limits_contradict", "min_price")
            return


def _element(reader: Reader, tariff_id: str, number: int, tax: str) -> tuple[Component, ...]:
    reader.only(_ELEMENT_KEYS)
    limits = _restrictions(reader)
    components: list[Component] = []
    seen: set[str] = set()
    for index, entry in enumerate(reader.items("price_components", required=True, most=MOST_COMPONENTS)):
        inner = Reader(entry, f"{reader.at('price_components')}[{index}]", reader.findings)
        component = _component(inner, (tariff_id, number, index), limits, tax)
        if component is None:
            continue
        if component.dimension in seen:
            reader.error("duplicate_component", f"price_components[{index}].type", dimension=component.dimension)
        if limits is not None and limits.reservation and component.dimension not in ("FLAT", "TIME"):
            reader.error("reservation_dimension", f"price_components[{index}].type", dimension=component.dimension)
        seen.add(component.dimension)
        components.append(component)
    return tuple(components)


@lru_cache(maxsize=1024)
def _shared(vat: str) -> Decimal:
    """One object for a rate that many components state the same way: comparing it is looking at it."""
    return Decimal(vat)


def _component(reader: Reader, place: tuple[str, int, int], limits: Restrictions | None, tax: str) -> Component | None:
    reader.only(_COMPONENT_KEYS)
    dimension = reader.choice("type", DIMENSIONS, required=True)
    price = reader.number("price", required=True, lowest=0)
    vat = reader.number("vat", lowest=0, highest=100)
    if tax == "N/A":
        if vat:
            reader.error("tax_contradicts", "vat")
        vat = Decimal(0)
    step = reader.integer("step_size", required=dimension != "FLAT")
    if step is not None and step > _LARGEST_STEP:
        reader.error("out_of_range", "step_size", "step_too_large", value=str(step), highest=str(_LARGEST_STEP))
    if dimension is None or price is None:
        return None
    tariff_id, element, index = place
    return Component(
        tariff_id=tariff_id,
        element=element,
        index=index,
        dimension=dimension,
        price=price,
        vat=None if vat is None else _shared(str(vat)),
        step_size=step or 0,
        rate=scaled(price, PRICE_SCALE),
        step=(step or 0) * _STEP_UNIT[dimension],
        gross=tax == "YES",
        restrictions=limits,
    )


def _restrictions(element: Reader) -> Restrictions | None:
    value = element.raw("restrictions")
    if value is None:
        return None
    reader = Reader(value, element.at("restrictions"), element.findings)
    reader.only(_RESTRICTION_KEYS)
    start_time, end_time = reader.clock("start_time"), reader.clock("end_time")
    first_day, end_day = reader.day("start_date"), reader.day("end_date")
    numbers: dict[str, Exact | None] = {}
    for name in ("min_kwh", "max_kwh", "min_current", "max_current", "min_power", "max_power"):
        stated = reader.number(name, lowest=0) if name in reader.document else None
        scale = 1000 * WH if name.endswith("kwh") else POWER_SCALE
        numbers[name] = None if stated is None else scaled(stated, scale)
    for name in ("min_duration", "max_duration"):
        seconds = reader.integer(name) if name in reader.document else None
        numbers[name] = None if seconds is None else seconds * SECOND
    for name in _RANGES:
        lower, upper = numbers[f"min_{name}"], numbers[f"max_{name}"]
        if lower is not None and upper is not None and lower >= upper:
            reader.warn("never_applies", f"min_{name}", "range_is_empty", lower=f"min_{name}", upper=f"max_{name}")
    if first_day is not None and end_day is not None and end_day <= first_day:
        reader.warn("never_applies", "end_date", "dates_are_empty")
    weekdays = _weekdays(reader)
    if weekdays and end_time and end_time <= (start_time or 0):
        reader.warn("window_wraps_midnight", "day_of_week")
    duration_low, duration_high = numbers["min_duration"], numbers["max_duration"]
    return Restrictions(
        start_time=start_time,
        end_time=end_time,
        first_day=first_day,
        end_day=end_day,
        min_energy=numbers["min_kwh"],
        max_energy=numbers["max_kwh"],
        min_duration=None if duration_low is None else int(duration_low),
        max_duration=None if duration_high is None else int(duration_high),
        min_power=numbers["min_power"],
        max_power=numbers["max_power"],
        min_current=numbers["min_current"],
        max_current=numbers["max_current"],
        weekdays=weekdays,
        reservation=reader.choice("reservation", frozenset({RESERVATION, RESERVATION_EXPIRES})),
        stated=tuple((key, _stated(reader.document[key])) for key in sorted(_RESTRICTION_KEYS & set(reader.document))),
    )


def _stated(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(entry) for entry in value)
    return (
        plain(value)
        if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < 30
        else shown(value)
    )


def _weekdays(reader: Reader) -> tuple[int, ...]:
    days: set[int] = set()
    for index, entry in enumerate(reader.items("day_of_week", most=7)):
        if isinstance(entry, str) and entry in WEEKDAYS:
            if WEEKDAYS.index(entry) in days:
                reader.warn("duplicate_value", f"day_of_week[{index}]", value=entry)
            days.add(WEEKDAYS.index(entry))
        else:
            reader.error("unknown_value", f"day_of_week[{index}]", "not_a_day", value=shown(entry))
    return tuple(sorted(days))


def _plans(elements: tuple[tuple[Component, ...], ...]) -> Plans:
    components = [component for element in elements for component in element]

    def plan(dimension: str, *reservations: str | None) -> Plan | None:
        """Components of a dimension, those of the first kind of use before those of the next."""
        return compile_plan(
            component
            for kind in reservations
            for component in components
            if component.dimension == dimension
            and (component.restrictions.reservation if component.restrictions else None) == kind
        )

    return Plans(
        flat=plan("FLAT", None),
        energy=plan("ENERGY", None),
        time=plan("TIME", None),
        parking=plan("PARKING_TIME", None),
        reservation_flat=plan("FLAT", RESERVATION),
        reservation_time=plan("TIME", RESERVATION),
        expired_flat=plan("FLAT", RESERVATION_EXPIRES),
        # An expired reservation's time follows RESERVATION_EXPIRES where that prices TIME, else RESERVATION.
        expired_time=plan("TIME", RESERVATION_EXPIRES, RESERVATION),
    )
