"""A partner's charge record beside our own price: what it says it costs, what we find, the difference per dimension."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from sessions.rules.rating.findings import WARNING, Finding, warning
from sessions.rules.rating.numbers import as_decimal, minor_digits, rounded
from sessions.rules.rating.reading import Reader
from sessions.rules.rating.result import RatingLine, RatingResult
from sessions.rules.rating.wording import Named

_TOTAL = "TOTAL"
_FIELDS = {
    "total_cost": _TOTAL,
    "total_fixed_cost": "FLAT",
    "total_energy_cost": "ENERGY",
    "total_time_cost": "TIME",
    "total_parking_cost": "PARKING_TIME",
    "total_reservation_cost": "RESERVATION",
}
_PRICE_KEYS = frozenset({"excl_vat", "incl_vat"})
_PRICE_KEYS_230 = frozenset({"before_taxes", "taxes"})
_TAX_KEYS = frozenset({"name", "account_number", "percentage", "amount"})
_MOST_TAXES = 20


@dataclass(frozen=True, slots=True)
class Compared:
    """One amount of a record beside ours, in currency units; None where one side does not know it."""

    field: str
    dimension: str
    stated_excl_vat: Decimal | None
    ours_excl_vat: Decimal | None
    difference_excl_vat: Decimal | None
    stated_incl_vat: Decimal | None
    ours_incl_vat: Decimal | None
    difference_incl_vat: Decimal | None


def audit_cdr(
    document: object, result: RatingResult, ocpi_version: str, path: str = "cdr"
) -> tuple[tuple[Compared, ...], tuple[Finding, ...]]:
    """Compare the cost fields of an OCPI CDR with our price; a difference is a warning.

    Amounts agree where ours, rounded half up, equals the stated one to the decimals stated or to the minor unit.
    """
    findings: list[Finding] = []
    reader = Reader(document, path, findings)
    if reader.flag("credit"):
        reader.warn("credit_record", "credit")
        return (), tuple(findings)
    compared = []
    for field, dimension in _FIELDS.items():
        if reader.raw(field) is None:
            continue
        stated = _price(reader, field, ocpi_version)
        ours = _ours(result, dimension)
        differences = [_difference(a, b, result.currency) for a, b in zip(stated, ours, strict=True)]
        row = Compared(
            field, dimension, stated[0], _shown(ours[0]), differences[0], stated[1], _shown(ours[1]), differences[1]
        )
        compared.append(row)
        if any(differences):
            index, what = (0, Named.WITHOUT_VAT) if differences[0] else (1, Named.WITH_VAT)
            amounts = {"stated": str(stated[index]), "currency": result.currency, "ours": str(_shown(ours[index]))}
            findings.append(warning("cost_differs", reader.at(field), name=field, what=what, **amounts))
    # A cost that cannot be read cannot be compared; our price stands, so nothing here is more than a warning.
    return tuple(compared), tuple(finding._replace(severity=WARNING) for finding in findings)


def _price(cdr: Reader, field: str, ocpi_version: str) -> tuple[Decimal | None, Decimal | None]:
    reader = Reader(cdr.raw(field), cdr.at(field), cdr.findings)
    if ocpi_version != "2.3.0":
        reader.only(_PRICE_KEYS, tolerant=True)
        return reader.number("excl_vat"), reader.number("incl_vat")
    reader.only(_PRICE_KEYS_230, tolerant=True)
    net = reader.number("before_taxes")
    taxes = reader.items("taxes", most=_MOST_TAXES)
    gross = net if taxes else None
    for number, entry in enumerate(taxes):
        tax = Reader(entry, f"{reader.at('taxes')}[{number}]", cdr.findings)
        tax.only(_TAX_KEYS, tolerant=True)
        amount = tax.number("amount", required=True)
        gross = None if gross is None or amount is None else gross + amount
    return net, gross


def _ours(result: RatingResult, dimension: str) -> tuple[Fraction | None, Fraction | None]:
    if dimension == _TOTAL:
        return result.exact_excl_vat, result.exact_incl_vat
    lines = [line for line in result.lines if _belongs(line) == dimension]
    nets, grosses = [line.exact_excl for line in lines], [line.exact_incl for line in lines]
    return (
        None if None in nets else sum((net for net in nets if net is not None), Fraction(0)),
        None if None in grosses else sum((gross for gross in grosses if gross is not None), Fraction(0)),
    )


def _belongs(line: RatingLine) -> str:
    return "RESERVATION" if line.because.reservation else line.dimension


def _difference(stated: Decimal | None, ours: Fraction | None, currency: str) -> Decimal | None:
    """What the record states above our exact price, 0 where they agree."""
    if stated is None or ours is None:
        return None
    exponent = stated.as_tuple().exponent
    places = max(0, -exponent) if isinstance(exponent, int) else 0
    minor = minor_digits(currency)
    if rounded(ours, places) == stated or rounded(ours, minor) == rounded(Fraction(stated), minor):
        return Decimal(0)
    return as_decimal(Fraction(stated) - ours)


def _shown(ours: Fraction | None) -> Decimal | None:
    return None if ours is None else as_decimal(ours)
