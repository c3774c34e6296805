"""How fast sessions are priced: `manage.py bench rating` (PERFORMANCE, rating)."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from evbilling.kernel.benchmarks import Figure, benchmark, speed
from evbilling.kernel.strict_json import dumps, loads
from sessions.rules.rating import (
    RatingInput,
    Tariff,
    because_data,
    parse_session,
    parse_tariff,
    price_request,
    rate,
)

VERSION = "2.2.1"
FLOOR, AIM = 10_000, 50_000
COUNT = 2_000
"""Sessions a run: all different, over 60 days and all hours."""
_START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
_ZONE = "Europe/Berlin"


@benchmark("rating", "pricing of three-period sessions under tariffs of 1, 3 and 48 elements", "sessions/s and core")
def measure_rating(runs: int) -> Iterator[Figure]:
    """Price; price with every line and its because as data; parse and price; a request from JSON text to JSON text.

    Floor and aim are those of pricing; parsing is measured beside it.
    """
    documents = [session_document(number) for number in range(COUNT)]
    texts = [text_of(document) for document in documents]
    sessions = [_parsed(document) for document in documents]
    for elements in (1, 3, 48):
        document = tariff_document(elements)
        tariff, findings = parse_tariff(document, VERSION)
        assert tariff is not None, findings  # noqa: S101 - a mistake of this file
        case = f"{elements} element{'s' if elements > 1 else ''}"
        yield Figure(case, "price", speed(_price(sessions, tariff), COUNT, runs), FLOOR, AIM)
        yield Figure(case, "price, because as data", speed(_explain(sessions, tariff), COUNT, runs), FLOOR, AIM)
        yield Figure(case, "parse, price", speed(_parse(documents, tariff), COUNT, runs))
        yield Figure(case, "JSON to JSON", speed(_answer(texts, document), COUNT, runs))


def tariff_document(elements: int) -> dict[str, Any]:
    """A tariff of 1, 3 or 48 elements: energy; energy, fee, late charging time, idle time; prices of each half hour."""
    if elements == 1:
        found = [_element(_part("ENERGY", "0.39"))]
    elif elements == 3:
        found = [
            _element(_part("ENERGY", "0.39"), _part("FLAT", "0.50")),
            _element(_part("TIME", "1.20", 60), min_duration=4 * 3600),
            _element(_part("PARKING_TIME", "4.80", 60)),
        ]
    else:
        found = [
            _element(
                _part("ENERGY", f"0.{30 + number % 24:02}"),
                _part("PARKING_TIME", "4.80", 60),
                start_time=_clock(number * 1440 // elements),
                end_time=_clock((number + 1) * 1440 // elements),
            )
            for number in range(elements)
        ]
    return {"id": f"BENCH-{elements}", "currency": "EUR", "elements": found}


def session_document(number: int) -> dict[str, Any]:
    """A session of three periods: two that charge, one that only stands; each differs in start, energy and times."""
    start = _START + dt.timedelta(minutes=43 * number)
    charged, slow, idle = 20 + number % 70, 10 + number % 35, 5 + number % 50
    starts = [start, start + dt.timedelta(minutes=charged), start + dt.timedelta(minutes=charged + slow)]
    return {
        "id": str(number),
        "time_zone": _ZONE,
        "start_date_time": _instant(start),
        "end_date_time": _instant(starts[2] + dt.timedelta(minutes=idle)),
        "charging_periods": [
            _period(starts[0], ENERGY=Decimal(8000 + 7 * number) / 1000, TIME=_hours(charged)),
            _period(starts[1], ENERGY=Decimal(1000 + 3 * number) / 1000, TIME=_hours(slow)),
            _period(starts[2], PARKING_TIME=_hours(idle)),
        ],
    }


def text_of(document: dict[str, Any]) -> str:
    """A document as JSON with its decimals as numbers, as partners send them."""
    text = dumps(document)
    for period in document["charging_periods"]:
        for dimension in period["dimensions"]:
            volume = format(dimension["volume"], "f")
            text = text.replace(f'"volume": "{volume}"', f'"volume": {volume}')
    return text


def _price(sessions: list[RatingInput], tariff: Tariff) -> Callable[[], object]:
    def work() -> None:
        for session in sessions:
            result = rate(session, tariff, ocpi_version=VERSION)
            _ = result.total_excl_vat, result.total_incl_vat

    return work


def _explain(sessions: list[RatingInput], tariff: Tariff) -> Callable[[], object]:
    def work() -> None:
        for session in sessions:
            result = rate(session, tariff, ocpi_version=VERSION)
            _ = result.total_excl_vat, result.total_incl_vat
            for line in result.lines:
                because_data(line)

    return work


def _parse(documents: list[dict[str, Any]], tariff: Tariff) -> Callable[[], object]:
    def work() -> None:
        for document in documents:
            result = rate(_parsed(document), tariff, ocpi_version=VERSION)
            _ = result.total_excl_vat, result.total_incl_vat

    return work


def _answer(texts: list[str], tariff: dict[str, Any]) -> Callable[[], object]:
    head = f'{{"ocpi_version": "{VERSION}", "tariff": {_tariff_text(tariff)}, "session": '

    def work() -> None:
        for text in texts:
            dumps(price_request(loads(head + text + "}")))

    return work


def _tariff_text(tariff: dict[str, Any]) -> str:
    text = dumps(tariff)
    for element in tariff["elements"]:
        for component in element["price_components"]:
            text = text.replace(f'"price": "{component["price"]}"', f'"price": {component["price"]}')
    return text


def _parsed(document: dict[str, Any]) -> RatingInput:
    session, findings = parse_session(document, VERSION)
    assert session is not None, findings  # noqa: S101 - a mistake of this file
    return session


def _element(*parts: dict[str, Any], **restrictions: Any) -> dict[str, Any]:
    return {"price_components": list(parts)} | ({"restrictions": restrictions} if restrictions else {})


def _part(kind: str, price: str, step: int = 1) -> dict[str, Any]:
    return {"type": kind, "price": Decimal(price), "vat": 19, "step_size": step}


def _period(start: dt.datetime, **volumes: Decimal) -> dict[str, Any]:
    dimensions = [{"type": kind, "volume": volume} for kind, volume in volumes.items()]
    return {"start_date_time": _instant(start), "dimensions": dimensions}


def _hours(minutes: int) -> Decimal:
    return (Decimal(minutes) / 60).quantize(Decimal("0.0001"))


def _instant(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
