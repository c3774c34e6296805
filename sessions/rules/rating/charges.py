"""From an exact price to money that is owed: rounded once per session and VAT rate (ARCHITECTURE, Money)."""

from __future__ import annotations

from decimal import Decimal

from sessions.rules.rating.numbers import TICK, Exact, rounded
from sessions.rules.rating.result import RatingResult

type Charge = tuple[Decimal | None, Decimal | None, Decimal | None]
"""VAT rate in percent (None: not stated), net, gross."""


def session_charges(result: RatingResult, minor_digits: int) -> tuple[Charge, ...]:
    """Net and gross per VAT rate, each rounded half up once to the minor unit; None where it is not known.

    Where a price limit binds, the parts add up to the rounded total (largest remainder), so that the limit is met to
    the cent. Without a price (a finding is an error) there are no charges.
    """
    if not result.ok:
        return ()
    rates = sorted(result.by_vat, key=lambda vat: (vat is not None, vat or Decimal(0)))
    nets = _rounded([result.by_vat[vat][0] for vat in rates], minor_digits, bool(result.clamps))
    grosses = _rounded([result.by_vat[vat][1] for vat in rates], minor_digits, bool(result.clamps))
    return tuple(zip(rates, nets, grosses, strict=True))


def _rounded(amounts: list[Exact | None], digits: int, together: bool) -> list[Decimal | None]:
    known = [amount for amount in amounts if amount is not None]
    if not together or len(known) != len(amounts) or len(known) < 2:
        return [None if amount is None else rounded(amount, digits, TICK) for amount in amounts]
    cent = TICK // 10**digits
    total = int(rounded(sum(known), digits, TICK).scaleb(digits))
    floors = [amount // cent for amount in known]
    by_remainder = sorted(range(len(known)), key=lambda index: (floors[index] * cent - known[index], index))
    for index in by_remainder[: total - sum(floors)]:
        floors[index] += 1
    return [Decimal(f"{amount}E-{digits}") for amount in floors]
