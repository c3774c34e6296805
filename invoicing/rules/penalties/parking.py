"""Staying after charging has ended, and reservations that nobody used.

    overstay   whole minutes from the end of charging and the grace to the end of the session, times the price,
               at most the session's cap, at most what the day's cap leaves
    no-show    a fixed amount where a reservation ended later than its grace without any energy

Only whole minutes count, and a grace that is exactly reached costs nothing. A day is the local day at the site on which
the session ended; its cap holds for a vehicle (or token where no vehicle is known) and is used up in the order of
session end, then reference.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.rules.terms import NoShow, Overstay
from evbilling.kernel.clock import local_date
from evbilling.kernel.money import ZERO, quantise
from invoicing.rules.penalties.fee import Fee, text

_MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Stay:
    """A session that stood on after charging. `who`: the vehicle or token whose day it is; `zone`: the site's."""

    session_id: int
    ref: str
    who: str
    charging_ended_at: dt.datetime
    left_at: dt.datetime
    zone: str

    @property
    def day(self) -> tuple[str, dt.date]:
        """Whose day it uses up: (who, local day at the site on which the session ended)."""
        return self.who, local_date(self.left_at, self.zone)


def end_of_charging(periods: Sequence[Mapping[str, Any]]) -> dt.datetime | None:
    """When charging ended: the start of the first of the parking periods that end the session.

    None where it is not known: no such period, or none before them in which the vehicle charged.
    """
    found = None
    for period in reversed(periods):
        if period.get("charging_s") or period.get("energy_wh"):
            return found
        if period.get("parking_s"):
            found = dt.datetime.fromisoformat(period["start_at"])
    return None


def overstays(
    stays: Iterable[tuple[Stay, Overstay]], currency: str, used: Mapping[tuple[str, dt.date], Decimal]
) -> list[tuple[Stay, Fee]]:
    """The fee of each stay, in the order of session end, then reference; `used` is what earlier bills took of a day."""
    taken = dict(used)
    found = []
    for stay, term in sorted(stays, key=lambda pair: (pair[0].left_at, pair[0].ref, pair[0].session_id)):
        fee = _overstay(stay, term, currency, taken.get(stay.day, ZERO))
        taken[stay.day] = taken.get(stay.day, ZERO) + fee.amount
        found.append((stay, fee))
    return found


def _overstay(stay: Stay, term: Overstay, currency: str, used: Decimal) -> Fee:
    stayed = stay.left_at - stay.charging_ended_at
    minutes = max(0, (stayed - term.grace_minutes * _MINUTE) // _MINUTE)
    full = quantise(term.price_per_minute * minutes, currency)
    amount = full if term.session_cap is None else min(full, quantise(term.session_cap, currency))
    if term.day_cap is not None:
        amount = min(amount, max(ZERO, quantise(term.day_cap, currency) - used))
    return Fee(
        amount,
        {
            "session": stay.ref,
            "who": stay.who,
            "day": stay.day[1].isoformat(),
            "charging_ended_at": stay.charging_ended_at.isoformat(),
            "left_at": stay.left_at.isoformat(),
            "stayed_minutes": stayed // _MINUTE,
            "grace_minutes": term.grace_minutes,
            "billed_minutes": minutes,
            "price_per_minute": text(term.price_per_minute),
            "full_amount": text(full),
            "session_cap": text(term.session_cap),
            "day_cap": text(term.day_cap),
            "day_used": text(used),
            "amount": text(amount),
        },
    )


def no_show(
    term: NoShow,
    *,
    ref: str,
    reserved_from: dt.datetime,
    ended_at: dt.datetime,
    energy_wh: int,
    priced: Decimal,
    currency: str,
) -> Fee:
    """The fee of a reservation. None is due once energy was drawn, inside the grace, or where the tariff has already
    priced the reserved time (`priced`, net): a driver never pays twice for the same reservation.
    """
    due = not energy_wh and not priced and ended_at - reserved_from > term.grace_minutes * _MINUTE
    amount = quantise(term.amount, currency) if due else quantise(ZERO, currency)
    return Fee(
        amount,
        {
            "session": ref,
            "reserved_from": reserved_from.isoformat(),
            "ended_at": ended_at.isoformat(),
            "waited_minutes": (ended_at - reserved_from) // _MINUTE,
            "grace_minutes": term.grace_minutes,
            "energy_wh": energy_wh,
            "priced_by_tariff": text(priced),
            "amount": text(amount),
        },
    )
