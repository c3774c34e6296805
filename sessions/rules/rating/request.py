"""One pricing request as JSON: what `manage.py price` and the quote of the API answer. Never raises for any JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from sessions.rules.rating.audit import audit_cdr
from sessions.rules.rating.because import because_data, because_sentence
from sessions.rules.rating.engine import rate
from sessions.rules.rating.findings import Finding, first_error
from sessions.rules.rating.numbers import as_decimal
from sessions.rules.rating.reading import Reader, shown
from sessions.rules.rating.result import RatingLine, RatingResult
from sessions.rules.rating.session import RatingInput
from sessions.rules.rating.session_forms import parse_cdr, parse_session
from sessions.rules.rating.tariff import OCPI_VERSIONS, Tariff, cached_tariff
from sessions.rules.rating.zone import known_zones

MOST_TARIFFS = 50
_KEYS = frozenset({"id", "ocpi_version", "tariff", "tariffs", "session", "cdr", "time_zone", "default_vat", "language"})


def price_request(document: object) -> dict[str, Any]:
    """Answer a request `{"id", "ocpi_version", "tariff" or "tariffs", "session" or "cdr"}`.

    Optional: `time_zone` (IANA, for a CDR, which states none), `default_vat` (percent), `language` (en, de).
    A CDR brings its own tariffs unless the request names others, and is audited: our price beside its cost fields.
    Gives `{"id", "ocpi_version", "currency", totals, "lines", "findings"}` or `{"id", "error", "findings"}`.
    Amounts are Decimals: `total_*` rounded half up to the minor unit, `total_*_exact` and lines unrounded (an amount
    without a finite decimal form has 18 decimals).
    """
    findings: list[Finding] = []
    reader = Reader(document, "", findings)
    given = document.get("id") if isinstance(document, Mapping) else None
    request_id = given if isinstance(given, str | int) and not isinstance(given, bool) else None
    reader.only(_KEYS)
    version = reader.text("ocpi_version", required=True)
    if version is not None and version not in OCPI_VERSIONS:
        reader.error("unknown_version", "ocpi_version", choices=", ".join(OCPI_VERSIONS))
    default_vat = reader.number("default_vat", lowest=0, highest=100)
    language = reader.text("language") or "en"
    if version in OCPI_VERSIONS and version is not None:
        session, cdr = _session(reader, version)
        tariffs = _tariffs(reader, version, cdr)
        _check_currency(reader, tariffs, cdr)
        if session is not None and tariffs and first_error(findings) is None:
            result = rate(session, tariffs, ocpi_version=version, default_vat=default_vat)
            findings += result.findings
            if result.ok:
                return _answer(request_id, result, findings, cdr, language)
    failure = first_error(findings)
    said = failure.said(language) if failure else ""
    message = f"{failure.path}: {said}" if failure and failure.path else said
    return {"id": request_id, "error": message, "findings": [finding.as_dict(language) for finding in findings]}


def _session(reader: Reader, version: str) -> tuple[RatingInput | None, object | None]:
    """The session and, where it came as one, the CDR."""
    session, cdr = reader.raw("session"), reader.raw("cdr")
    path = "cdr"
    if cdr is None and isinstance(session, Mapping) and session.keys() == {"cdr"}:
        cdr, session, path = session["cdr"], None, "session.cdr"
    if (session is None) == (cdr is None):
        reader.error("session_or_cdr", "session")
        return None, cdr
    parsed, found = parse_session(session, version) if cdr is None else parse_cdr(cdr, version, path)
    reader.findings.extend(found)
    zone = reader.text("time_zone")
    if zone is None:
        return parsed, cdr
    if zone not in known_zones():
        reader.error("unknown_zone", "time_zone", value=shown(zone))
    elif parsed is not None and not parsed.zone_known:
        parsed = replace(parsed, time_zone=zone, zone_known=True)
    return parsed, cdr


def _tariffs(reader: Reader, version: str, cdr: object | None) -> list[Tariff]:
    one = reader.raw("tariff")
    many = reader.items("tariffs", most=MOST_TARIFFS)
    if one is not None and many:
        reader.error("tariff_or_tariffs", "tariffs")
        return []
    documents = [("tariff", one)] if one is not None else [(f"tariffs[{n}]", entry) for n, entry in enumerate(many)]
    if not documents and isinstance(cdr, Mapping):
        own = Reader(cdr, "cdr", reader.findings).items("tariffs", most=MOST_TARIFFS)
        documents = [(f"cdr.tariffs[{n}]", entry) for n, entry in enumerate(own)]
    if not documents:
        reader.error("no_tariff", "tariff")
    tariffs = []
    for path, document in documents:
        tariff, found = cached_tariff(document, version, path)
        reader.findings.extend(found)
        if tariff is not None:
            tariffs.append(tariff)
    return tariffs


def _check_currency(reader: Reader, tariffs: list[Tariff], cdr: object | None) -> None:
    source, path = (cdr, "cdr") if cdr is not None else (reader.raw("session"), "session")
    if not isinstance(source, Mapping) or source.get("currency") is None or not tariffs:
        return
    currency = source["currency"]
    if currency != tariffs[0].currency:
        reader.error("currency_differs", f"{path}.currency", value=shown(currency), currency=tariffs[0].currency)


def _answer(
    request_id: str | int | None, result: RatingResult, findings: list[Finding], cdr: object | None, language: str
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": request_id,
        "ocpi_version": result.ocpi_version,
        "currency": result.currency,
        "total_excl_vat": result.total_excl_vat,
        "total_incl_vat": result.total_incl_vat,
        "total_excl_vat_exact": None if result.exact_excl_vat is None else as_decimal(result.exact_excl_vat),
        "total_incl_vat_exact": None if result.exact_incl_vat is None else as_decimal(result.exact_incl_vat),
        "provisional": result.provisional,
        "engine_version": result.engine_version,
        "rounding": result.rounding,
        "lines": [line_data(line, result.currency, language) for line in result.lines],
    }
    if cdr is not None:
        compared, found = audit_cdr(cdr, result, result.ocpi_version)
        findings += found
        answer["audit"] = [asdict(row) for row in compared]
    answer["findings"] = [finding.as_dict(language) for finding in findings]
    return answer


def line_data(line: RatingLine, currency: str, language: str = "en") -> dict[str, Any]:
    """A line as JSON data, its because as data and as a sentence."""
    amounts: dict[str, Decimal | None] = {
        "volume": line.volume,
        "billed_volume": line.billed_volume,
        "unit_price": line.unit_price,
        "amount_excl_vat": line.amount_excl_vat,
        "vat_rate": line.vat_rate,
        "amount_incl_vat": line.amount_incl_vat,
    }
    because = because_data(line) | {"text": because_sentence(line, currency, language)}
    return {"dimension": line.dimension, **amounts, "because": because}
