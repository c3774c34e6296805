"""Short ways to say a tariff, a session and its price in the tests of the rating engine."""

from decimal import Decimal
from typing import Any

from sessions.rules.rating import RatingResult, parse_session, parse_tariff, rate


def component(kind: str, price: str, *, vat: str | None = None, step: int = 1) -> dict[str, Any]:
    """A price component."""
    stated = {"type": kind, "price": Decimal(price), "step_size": step}
    return stated if vat is None else stated | {"vat": Decimal(vat)}


def element(*components: dict[str, Any], **restrictions: Any) -> dict[str, Any]:
    """A tariff element; keyword arguments are its restrictions."""
    return {"price_components": list(components)} | ({"restrictions": restrictions} if restrictions else {})


def tariff(*elements: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A tariff document in EUR."""
    return {"id": "T", "currency": "EUR", "elements": list(elements)} | fields


def energy_bands(*bands: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A tariff of ENERGY prices, each with its restrictions, first match wins."""
    return tariff(*(element(component("ENERGY", price), **restrictions) for price, restrictions in bands))


def period(start: str, minutes: int | str | None = None, **volumes: str) -> dict[str, Any]:
    """A charging period; volumes by OCPI dimension, kWh and hours."""
    dimensions = [{"type": kind, "volume": Decimal(volume)} for kind, volume in volumes.items()]
    stated: dict[str, Any] = {"start_date_time": start, "dimensions": dimensions}
    return stated if minutes is None else stated | {"minutes": Decimal(minutes)}


def session(start: str, end: str | None, *periods: dict[str, Any], zone: str = "UTC", **fields: Any) -> dict[str, Any]:
    """A session document."""
    stated = {"time_zone": zone, "start_date_time": start, "charging_periods": list(periods)} | fields
    return stated if end is None else stated | {"end_date_time": end}


def price(
    tariff_document: Any, session_document: Any, version: str = "2.2.1", default_vat: Decimal | None = None
) -> RatingResult:
    """The price of a session document under a tariff document (or a list of them)."""
    documents = tariff_document if isinstance(tariff_document, list) else [tariff_document]
    tariffs = []
    for document in documents:
        parsed, findings = parse_tariff(document, version)
        assert parsed is not None, findings
        tariffs.append(parsed)
    consumed, findings = parse_session(session_document, version)
    assert consumed is not None, findings
    return rate(consumed, tariffs, ocpi_version=version, default_vat=default_vat)


def lines(result: RatingResult) -> list[tuple[str, Decimal, Decimal | None]]:
    """Dimension, billed volume and net of each line."""
    return [(line.dimension, line.billed_volume, line.amount_excl_vat) for line in result.lines]


def codes(result: RatingResult) -> list[str]:
    """The codes of the result's findings, without the remark that no VAT is stated."""
    return [finding.code for finding in result.findings if finding.code != "vat_unknown"]
