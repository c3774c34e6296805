"""What a contract's terms make of a month: allowances and charges on the document, never on a session charge. Pure.

A month is that of the sessions' ends in the contract's zone. The order, each step on what the one before left:

1. session charges, as they were rounded, sponsors' parts taken off
2. included energy: the first kWh, by session end, then reference, are free: their part of the energy charges is an
   allowance. A session that crosses the limit is divided in proportion to its kWh. Never prorated.
3. graduated or volume discount, on what is left of the energy charges. All kWh of the month count towards the tiers,
   free ones too. Graduated: each kWh gets the percentage of the tier in which it lies (`from_kwh` up to the next one).
   Volume: the tier that the month's kWh reach gives its percentage to all of them.
4. base fees: amount x vehicles or sites, x days of the contract in the month / days of the month, rounded once
5. minimum commitment: the promise x the same days, less what is owed so far (1 to 4), or less the month's kWh

Energy charges of a session are the net of its ENERGY lines, caps in a window taken off; where a price limit lowers the
session they are lowered in proportion, what a minimum price adds is no energy (`energy_part`).

An allowance is reckoned exactly over the month, rounded once, and split over the tax rates by largest remainder; it
never takes more from a rate than its charges, and what it cannot take lapses. A session that comes late changes the
month: the month is reckoned again over all its billed sessions, and the difference to what its documents granted
before stands on the next document (`differences`).
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contracts.rules.terms import (
    BaseFee,
    GraduatedDiscount,
    IncludedEnergy,
    MinimumCommitment,
    Term,
    Tier,
    VolumeDiscount,
)
from evbilling.kernel.money import ZERO, add, quantise, round_half_up, split_largest_remainder
from invoicing.rules.tax import Tax

_WH = 1000
INCLUDED, GRADUATED, VOLUME = "included_energy", "graduated_discount", "volume_discount"
COMMITMENT = "minimum_commitment"


@dataclass(frozen=True, slots=True)
class MonthCharge:
    """One session charge of the month: its rounded net, and exactly how much of it is for energy."""

    session_id: int
    session_ref: str
    ended_at: dt.datetime
    energy_wh: int
    vehicle_id: int | None
    tax: Tax
    net: Decimal
    energy_net: Fraction


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """A contract's month: its billed session charges in any order, its days, and what base fees count.

    `sites` are the sites that the contract names, else those at which it charged.
    """

    charges: tuple[MonthCharge, ...]
    currency: str
    contract_days: int
    month_days: int
    vehicles: int = 0
    sites: int = 0

    @property
    def days(self) -> Fraction:
        """The part of the month in which the contract holds."""
        return Fraction(self.contract_days, self.month_days)

    @property
    def energy_wh(self) -> int:
        """The month's energy; a session with several charges counts once."""
        return sum({charge.session_id: charge.energy_wh for charge in self.charges}.values())

    def nets(self) -> dict[Tax, Decimal]:
        """The sum of the charges per tax."""
        sums: dict[Tax, Decimal] = defaultdict(lambda: ZERO)
        for charge in self.charges:
            sums[charge.tax] += charge.net
        return dict(sums)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a term takes off the month, per tax; positive. `because` is what it was reckoned from."""

    term: str
    nets: dict[Tax, Decimal]
    because: dict[str, Any]

    @property
    def net(self) -> Decimal:
        """All of it."""
        return add(self.nets.values())


@dataclass(frozen=True, slots=True)
class Fee:
    """What a term adds to the month. `because` is what it was reckoned from."""

    term: str
    net: Decimal
    because: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Month:
    """What the terms make of a month, in their order."""

    charged: Decimal
    allowances: tuple[Allowance, ...]
    fees: tuple[Fee, ...]
    shortfall: Fee | None

    @property
    def added(self) -> tuple[Fee, ...]:
        """What the terms add: base fees, then the shortfall."""
        return (*self.fees, self.shortfall) if self.shortfall else self.fees

    @property
    def net(self) -> Decimal:
        """What the month comes to."""
        return self.charged - add(allowance.net for allowance in self.allowances) + add(fee.net for fee in self.added)


@dataclass(slots=True)
class _Session:
    """A session while the terms pass over it: what is left to pay of its energy charges, and for how many Wh."""

    vehicle_id: int | None
    energy: int
    starts: int
    free: Fraction
    nets: dict[Tax, Fraction]


def energy_part(net: Decimal, lines: Iterable[tuple[str, Decimal]], *, limits: frozenset[str]) -> Fraction:
    """How much of a session charge is for energy: its price lines of that rate as (dimension, unrounded net).

    `limits` are the dimensions by which price limits stand among the lines.
    """
    energy = used = whole = Fraction(0)
    for dimension, amount in lines:
        whole += Fraction(amount)
        if dimension not in limits:
            used += Fraction(amount)
        if dimension == "ENERGY":
            energy += Fraction(amount)
    base = max(used, whole)
    return Fraction(net) * energy / base if base > 0 else Fraction(0)


def month_of(terms: Sequence[Term], facts: MonthFacts) -> Month:
    """What these terms make of these facts; those that are no monthly terms are passed over."""
    allowances = month_allowances(terms, facts)
    fees = base_fees(terms, facts)
    charged = add(facts.nets().values())
    owed = charged - add(each.net for each in allowances) + add(fee.net for fee in fees)
    return Month(charged, allowances, fees, shortfall_of(terms, facts, owed))


def month_allowances(terms: Sequence[Term], facts: MonthFacts) -> tuple[Allowance, ...]:
    """Included energy, then the discount; the same for any order of the charges, never more than the charges."""
    sessions = _in_order(facts)
    room = facts.nets()
    found = []
    for term in terms:
        if isinstance(term, IncludedEnergy):
            exact, because = _include(term, sessions)
            found.append(_rounded(INCLUDED, exact, because, room, facts.currency))
    for term in terms:
        if isinstance(term, GraduatedDiscount):
            exact, because = _graduate(term, sessions)
            found.append(_rounded(GRADUATED, exact, because, room, facts.currency))
        elif isinstance(term, VolumeDiscount):
            exact, because = _by_volume(term, sessions)
            found.append(_rounded(VOLUME, exact, because, room, facts.currency))
    return tuple(found)


def base_fees(terms: Sequence[Term], facts: MonthFacts) -> tuple[Fee, ...]:
    """The month's base fees that come to something."""
    fees = []
    for term in terms:
        if isinstance(term, BaseFee):
            count = {"contract": 1, "vehicle": facts.vehicles, "site": facts.sites}[term.per]
            net = quantise(Fraction(term.amount) * count * facts.days, facts.currency)
            because = {**_days(facts), "amount": term.amount, "per": term.per, "count": count}
            if net:
                fees.append(Fee("base_fee", net, because))
    return tuple(fees)


def shortfall_of(terms: Sequence[Term], facts: MonthFacts, owed: Decimal) -> Fee | None:
    """What the month falls short of the minimum commitment; `owed` is what charges and base fees come to."""
    for term in terms:
        if not isinstance(term, MinimumCommitment):
            continue
        if term.amount is not None:
            promised = quantise(Fraction(term.amount) * facts.days, facts.currency)
            because = {**_days(facts), "promised_amount": promised, "owed_amount": owed}
            return Fee(COMMITMENT, max(promised - owed, ZERO), because)
        wanted = Fraction(term.kwh or ZERO) * facts.days
        missing = max(wanted - Fraction(facts.energy_wh, _WH), Fraction(0))
        net = quantise(missing * Fraction(term.price_per_kwh or ZERO), facts.currency)
        because = {
            **_days(facts),
            "promised_kwh": _kwh(wanted),
            "kwh": _kwh(Fraction(facts.energy_wh, _WH)),
            "missing_kwh": _kwh(missing),
            "price_per_kwh": term.price_per_kwh,
        }
        return Fee(COMMITMENT, net, because)
    return None


@dataclass(frozen=True, slots=True)
class Difference:
    """What a document grants of a term at one tax: negative takes back. `left` waits for the next document."""

    term: str
    tax: Tax
    net: Decimal
    left: Decimal


def differences(
    now: Mapping[tuple[str, Tax], Decimal], before: Mapping[tuple[str, Tax], Decimal], room: dict[Tax, Decimal]
) -> list[Difference]:
    """What is to be granted beyond what was granted before, per term and tax, in the order of `now`.

    `room` is what the document charges per tax; it is lowered by what is granted, so that no rate falls below zero.
    """
    keys = [*now, *(key for key in before if key not in now)]
    changes = {key: now.get(key, ZERO) - before.get(key, ZERO) for key in keys}
    found = []
    for (term, tax), change in sorted(changes.items(), key=lambda item: item[1] > 0):
        given = change if change < 0 else min(change, max(room.get(tax, ZERO), ZERO))
        room[tax] = room.get(tax, ZERO) - given
        if change:
            found.append(Difference(term, tax, given, change - given))
    order = {key: place for place, key in enumerate(keys)}
    return sorted(found, key=lambda each: order[each.term, each.tax])


def _in_order(facts: MonthFacts) -> list[_Session]:
    ordered = sorted(facts.charges, key=lambda charge: (charge.ended_at, charge.session_ref, charge.session_id))
    sessions: dict[int, _Session] = {}
    reached = 0
    for charge in ordered:
        session = sessions.get(charge.session_id)
        if session is None:
            session = _Session(charge.vehicle_id, charge.energy_wh, reached, Fraction(0), defaultdict(Fraction))
            sessions[charge.session_id] = session
            reached += charge.energy_wh
        session.nets[charge.tax] += charge.energy_net
    return list(sessions.values())


def _include(term: IncludedEnergy, sessions: Iterable[_Session]) -> tuple[dict[Tax, Fraction], dict[str, Any]]:
    granted: dict[Tax, Fraction] = defaultdict(Fraction)
    whole = Fraction(term.kwh) * _WH
    left: dict[int | None, Fraction] = defaultdict(lambda: whole)
    for session in sessions:
        if not session.energy or (term.per == "vehicle" and session.vehicle_id is None):
            continue
        of = session.vehicle_id if term.per == "vehicle" else None
        session.free = min(left[of], Fraction(session.energy))
        left[of] -= session.free
        for tax, net in session.nets.items():
            part = net * session.free / session.energy
            granted[tax] += part
            session.nets[tax] = net - part
    used = sum((whole - rest for rest in left.values()), Fraction(0))
    vehicles = {"vehicles": len(left)} if term.per == "vehicle" else {}
    return granted, {"included_kwh": term.kwh, "per": term.per, "used_kwh": _kwh(used / _WH)} | vehicles


def _graduate(term: GraduatedDiscount, sessions: Sequence[_Session]) -> tuple[dict[Tax, Fraction], dict[str, Any]]:
    granted: dict[Tax, Fraction] = defaultdict(Fraction)
    base = [Fraction(0)] * len(term.tiers)
    for session in sessions:
        first, last = session.starts + session.free, Fraction(session.starts + session.energy)
        for place, (tier, start, end) in enumerate(_bounds(term.tiers)):
            inside = min(last, end if end is not None else last) - max(first, start)
            if inside <= 0:
                continue
            for tax, net in session.nets.items():
                part = net * inside / (last - first)
                base[place] += part
                granted[tax] += part * Fraction(tier.percent) / 100
    return granted, _tiers_because(term.tiers, sessions, base)


def _by_volume(term: VolumeDiscount, sessions: Sequence[_Session]) -> tuple[dict[Tax, Fraction], dict[str, Any]]:
    granted: dict[Tax, Fraction] = defaultdict(Fraction)
    base = [Fraction(0)] * len(term.tiers)
    energy = sum(session.energy for session in sessions)
    reached = [place for place, tier in enumerate(term.tiers) if Fraction(tier.from_kwh) * _WH <= energy]
    if reached and energy:
        place = reached[-1]
        for session in sessions:
            for tax, net in session.nets.items():
                base[place] += net
                granted[tax] += net * Fraction(term.tiers[place].percent) / 100
    return granted, _tiers_because(term.tiers, sessions, base)


def _bounds(tiers: Sequence[Tier]) -> list[tuple[Tier, Fraction, Fraction | None]]:
    starts = [Fraction(tier.from_kwh) * _WH for tier in tiers]
    return list(zip(tiers, starts, [*starts[1:], None], strict=True))


def _tiers_because(tiers: Sequence[Tier], sessions: Iterable[_Session], base: Sequence[Fraction]) -> dict[str, Any]:
    return {
        "kwh": _kwh(Fraction(sum(session.energy for session in sessions), _WH)),
        "tiers": [
            {"from_kwh": tier.from_kwh, "percent": tier.percent, "energy_net": _plain(part)}
            for tier, part in zip(tiers, base, strict=True)
            if part
        ],
    }


def _rounded(
    term: str, exact: Mapping[Tax, Fraction], because: dict[str, Any], room: dict[Tax, Decimal], currency: str
) -> Allowance:
    """Rounded once, split over the taxes, held within what is left of each tax's charges; lowers `room`."""
    taxes = sorted((tax for tax, part in exact.items() if part > 0), key=lambda tax: (-tax.percent, tax.category))
    total = quantise(sum((exact[tax] for tax in taxes), Fraction(0)), currency)
    parts = split_largest_remainder(total, [exact[tax] for tax in taxes], currency) if taxes else []
    nets = {tax: min(part, room.get(tax, ZERO)) for tax, part in zip(taxes, parts, strict=True)}
    for tax, net in nets.items():
        room[tax] = room.get(tax, ZERO) - net
    return Allowance(term, {tax: net for tax, net in nets.items() if net}, because)


def _days(facts: MonthFacts) -> dict[str, Any]:
    return {"days": facts.contract_days, "month_days": facts.month_days}


def _kwh(value: Fraction) -> Decimal:
    """For reading: to the Wh."""
    return _shown(value, 3)


def _plain(value: Fraction) -> Decimal:
    """For reading: an unrounded amount to six decimals."""
    return _shown(value, 6)


def _shown(value: Fraction, digits: int) -> Decimal:
    """A number to so many decimals, half up, without needless zeros; for reading alone."""
    shown = round_half_up(value, digits)
    return shown.normalize() if shown != shown.to_integral() else shown.quantize(Decimal(1))
