"""The worked examples: contracts with their sessions and the arithmetic in words, one file each in this folder.

The figures are worked out by hand from the rules, never copied from what the program says; `arithmetic.py` works every
step out again, `test_sessions.py` and its neighbours hold the program to the results, and docs/pricing.md shows them.
"""

import datetime as dt
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from contracts.rules.terms import parse
from sessions.rules.pricing import caps_of, numbers_from_text
from sessions.rules.rating import (
    RatingInput,
    RatingResult,
    Tariff,
    cap_windows,
    parse_session,
    parse_tariff,
    rate,
)

HERE = Path(__file__).parent
_HOUR = Decimal(60)
_PLACES = Decimal("0.0000000001")


@dataclass(frozen=True)
class Golden:
    """One file: its name without the ending, and what it says."""

    name: str
    facts: Mapping[str, Any]

    @property
    def sessions(self) -> list[Mapping[str, Any]]:
        """The sessions, each with its steps, lines and charges."""
        return list(self.facts.get("sessions", ()))

    @property
    def version(self) -> str:
        """The OCPI version of its tariffs."""
        return str(self.facts.get("ocpi_version", "2.2.1"))

    @property
    def tariffs(self) -> list[Tariff]:
        """Its tariffs, compiled."""
        compiled = []
        for document in self.facts["tariffs"]:
            tariff, findings = parse_tariff(numbers_from_text(document), self.version)
            assert not findings, findings
            assert tariff is not None
            compiled.append(tariff)
        return compiled

    def rated(self, session: Mapping[str, Any]) -> RatingResult:
        """The program's price of one of its sessions, the contract's caps applied."""
        consumed, tariffs = self.consumed(session), self.tariffs
        result = rate(consumed, tariffs, ocpi_version=self.version)
        caps = caps_of(parse(term["kind"], term["figures"]) for term in self.facts.get("terms", ()))
        return cap_windows(result, consumed, tariffs[0], caps)

    def consumed(self, session: Mapping[str, Any]) -> RatingInput:
        """A session as the engine takes it, read as `manage.py price` reads it."""
        parsed, findings = parse_session(self.as_ocpi(session), self.version)
        assert not findings, findings
        assert parsed is not None
        return parsed

    def as_ocpi(self, session: Mapping[str, Any]) -> dict[str, Any]:
        """A session in OCPI's form."""
        reservation, periods = session.get("reservation"), session["periods"]
        start, end = span(session)
        document: dict[str, Any] = {
            "id": session["ref"],
            "time_zone": self.facts["time_zone"],
            "start_date_time": _utc(start),
            "end_date_time": _utc(end),
            "charging_periods": [_period(period) for period in periods],
        }
        if reservation:
            document["reservation"] = {
                "start_date_time": _utc(dt.datetime.fromisoformat(reservation["from"])),
                "minutes": reservation["minutes"],
                "expired": reservation["expired"],
            }
        return document

    def steps(self) -> Iterator[tuple[str, list[str]]]:
        """Every list of steps in the file with the place where it stands."""
        yield from _steps(self.facts, self.name)


def span(session: Mapping[str, Any]) -> tuple[dt.datetime, dt.datetime]:
    """Start and end of a session: of its periods, or of a reservation that nobody used."""
    stretches = session["periods"] or [session["reservation"]]
    last = stretches[-1]
    return (
        dt.datetime.fromisoformat(stretches[0]["from"]),
        dt.datetime.fromisoformat(last["from"]) + dt.timedelta(minutes=last["minutes"]),
    )


def _utc(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _period(period: Mapping[str, Any]) -> dict[str, Any]:
    dimensions = []
    if "kwh" in period:
        dimensions.append({"type": "ENERGY", "volume": Decimal(period["kwh"])})
    for kind, key in (("TIME", "charging"), ("PARKING_TIME", "idle")):
        if key in period:
            dimensions.append({"type": kind, "volume": (Decimal(period[key]) / _HOUR).quantize(_PLACES)})
    document = {
        "start_date_time": _utc(dt.datetime.fromisoformat(period["from"])),
        "minutes": period["minutes"],
        "dimensions": dimensions,
    }
    return document | ({"tariff_id": period["tariff"]} if "tariff" in period else {})


def _steps(facts: Any, place: str) -> Iterator[tuple[str, list[str]]]:
    if isinstance(facts, Mapping):
        if "work" in facts:
            yield f"{place} {facts.get('ref', '')}".strip(), list(facts["work"])
        for key, value in facts.items():
            yield from _steps(value, f"{place} {key}" if isinstance(value, Mapping) else place)
    elif isinstance(facts, list):
        for value in facts:
            yield from _steps(value, place)


def read(path: Path) -> Golden:
    """One file."""
    return Golden(path.stem, tomllib.loads(path.read_text()))


GOLDEN = [read(path) for path in sorted(HERE.glob("*.toml"))]
