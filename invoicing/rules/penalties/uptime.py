"""The operator's own penalty: a promise of uptime that it missed is credited.

    uptime = time in service / time of the month, over the contract's days in it, in the zone of the site: a month with
             a clock change is an hour shorter or longer
    missed = promised percent - uptime, in points with all their fractions

Only recorded, unplanned outages take away from it; overlapping ones count once, one still open counts up to the end.
A promise that is exactly reached is kept.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from contracts.rules.terms import UptimePromise
from evbilling.kernel.money import ZERO, quantise, round_half_up
from invoicing.rules.penalties.fee import Fee, text

_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class StationTime:
    """A station and its unplanned outages as (from, until), half open; until is None while it lasts."""

    ref: str
    outages: tuple[tuple[dt.datetime, dt.datetime | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Unit:
    """What a promise is about: one station, or the stations of a site. `net`: the month's session charges there."""

    name: str
    stations: tuple[StationTime, ...]
    net: Decimal


def missed_uptime(term: UptimePromise, unit: Unit, start: dt.datetime, end: dt.datetime, currency: str) -> Fee:
    """What is credited for a unit over the instants [start, end); zero where the promise was kept or nothing is known
    of the stations."""
    whole = len(unit.stations) * ((end - start) // _SECOND)
    down = sum(_down(station.outages, start, end) for station in unit.stations)
    uptime = Fraction(100 * (whole - down), whole) if whole > 0 else Fraction(100)
    missed = max(Fraction(0), Fraction(term.percent) - uptime)
    if not missed:
        exact = Fraction(0)
    elif term.credit_amount is not None:
        exact = Fraction(term.credit_amount)
    else:
        exact = Fraction(unit.net) * Fraction(term.credit_percent_per_point or ZERO) / 100 * missed
    credit = quantise(exact, currency)
    cap = (
        None if term.cap_percent is None else quantise(Fraction(unit.net) * Fraction(term.cap_percent) / 100, currency)
    )
    amount = credit if cap is None else min(credit, cap)
    return Fee(
        amount,
        {
            "unit": unit.name,
            "per": term.per,
            "from": start.isoformat(),
            "until": end.isoformat(),
            "stations": [
                {"ref": station.ref, "down_minutes": _minutes(_down(station.outages, start, end))}
                for station in unit.stations
            ],
            "whole_minutes": _minutes(whole),
            "down_minutes": _minutes(down),
            "uptime_percent": text(round_half_up(uptime, 4)),
            "promised_percent": text(term.percent),
            "missed_points": text(round_half_up(missed, 4)),
            "charges": text(unit.net),
            "credit_percent_per_point": text(term.credit_percent_per_point),
            "credit_amount": text(term.credit_amount),
            "cap_percent": text(term.cap_percent),
            "cap": text(cap),
            "amount": text(amount),
        },
    )


def _down(outages: Sequence[tuple[dt.datetime, dt.datetime | None]], start: dt.datetime, end: dt.datetime) -> int:
    """Seconds out of service in [start, end); a second in two outages counts once."""
    clipped = sorted((max(low, start), min(high or end, end)) for low, high in outages)
    seconds, reached = 0, start
    for low, high in clipped:
        first = max(low, reached)
        if high > first:
            seconds += (high - first) // _SECOND
            reached = high
    return seconds


def _minutes(seconds: int) -> str:
    """Minutes with up to two decimals."""
    return text(round_half_up(Fraction(seconds, 60), 2)) or "0"
