"""Tariff rows and documents for the tests of tariffs: strategies, and every tariff of the vectors."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from contracts.rules.tariff_form import (
    RESERVATIONS,
    WEEKDAYS,
    Conditions,
    PriceLimit,
    PriceRow,
    TariffRows,
    build_document,
    new_document,
)
from evbilling.kernel import strict_json

AT = "2026-01-01T00:00:00Z"
VECTORS = Path(__file__).parents[1] / "vectors"

_amounts = st.decimals(0, 1000, places=4)
_clock = st.none() | st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30]))
_days = st.sets(st.sampled_from(WEEKDAYS)).map(lambda found: tuple(day for day in WEEKDAYS if day in found))


def _range(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    both = st.tuples(values, values).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: tuple(sorted(pair)))
    return st.just((None, None)) | st.tuples(values, st.none()) | st.tuples(st.none(), values) | both


@st.composite
def conditions(draw: Any) -> Conditions:
    """Any conditions that can hold."""
    found: dict[str, Any] = {"start_time": draw(_clock), "end_time": draw(_clock), "day_of_week": draw(_days)}
    for name, values in (
        ("kwh", st.decimals(0, 200, places=1)),
        ("duration", st.integers(0, 86400)),
        ("power", st.decimals(0, 400, places=1)),
        ("current", st.decimals(0, 500, places=1)),
    ):
        found[f"min_{name}"], found[f"max_{name}"] = draw(_range(values))
    found["start_date"], found["end_date"] = draw(_range(st.dates(dt.date(2026, 1, 1), dt.date(2027, 12, 31))))
    return Conditions(**found)


@st.composite
def price_rows(draw: Any) -> PriceRow:
    """Any price."""
    dimension = draw(st.sampled_from(["ENERGY", "TIME", "PARKING_TIME", "FLAT"]))
    when = draw(st.just(Conditions()) | conditions())
    if dimension in {"FLAT", "TIME"} and draw(st.booleans()):
        when = Conditions(start_time=when.start_time, reservation=draw(st.sampled_from(RESERVATIONS)))
    return PriceRow(dimension, draw(_amounts), draw(st.integers(0, 5000)), draw(st.decimals(0, 100, places=2)), when)


_limits = st.none() | st.builds(PriceLimit, excl=_amounts) | _amounts.map(lambda x: PriceLimit(x, x * 2))


@st.composite
def tariffs(draw: Any) -> TariffRows:
    """Any tariff that rows can say."""
    low, high = draw(_limits), draw(_limits)
    if low and high and (low.excl > high.excl or (low.incl or 0) > (high.incl or low.incl or 0)):
        high = None
    rows = tuple(draw(st.lists(price_rows(), min_size=1, max_size=6)))
    return TariffRows(rows, low, high)


def document_of(tariff: TariffRows, ocpi_version: str = "2.2.1", currency: str = "EUR") -> dict[str, Any]:
    """The document as it is stored."""
    base = new_document(code="T1", currency=currency, country="DE")
    built = build_document(tariff, ocpi_version=ocpi_version, base=base, updated=AT)
    stored: dict[str, Any] = strict_json.loads(strict_json.dumps(built))
    return stored


def energy(price: str, **when: Any) -> PriceRow:
    """A price per kWh."""
    return PriceRow("ENERGY", Decimal(price), 1, Decimal(19), Conditions(**when))


def of_vectors() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(name, OCPI version, tariff) of every tariff in the vectors."""
    for version in ("2.2", "2.2.1", "2.3.0"):
        for file in sorted((VECTORS / f"ocpi-spec-{version}").glob("**/*.json")):
            for index, found in enumerate(_tariffs_in(strict_json.loads(file.read_bytes()))):
                yield f"{version} {file.stem} {index}", version, found


def _tariffs_in(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "elements" in node and "currency" in node:
            yield node
        else:
            for each in node.values():
                yield from _tariffs_in(each)
    elif isinstance(node, list):
        for each in node:
            yield from _tariffs_in(each)
