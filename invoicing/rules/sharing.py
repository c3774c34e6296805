"""What a host earns: per session or on the totals of a calendar month, rounded once per line (DOMAIN, RevenueShare).

    percent      net session charges shared now, less what was credited of those shared before, x percent
    per kWh      kWh of the same sessions x price; a session's kWh count with the part that its customer pays
    rent         rent x days of the terms / days of the month, due also when nothing was charged
    greater of   the month's percent part, its rent and, where agreed, its kWh x price: the greatest of them
    cost         kWh metered at the site in the month x price

The last three are reckoned on the whole month so far; a line settles the difference to what was settled of the month
before. So a session that comes late, or one that is credited, changes the month by exactly what it makes of it.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from contracts.rules.shares import Share, ShareTerms
from evbilling.kernel.money import add, quantise

Days = tuple[dt.date, dt.date]
"""Local dates, half open."""


@dataclass(frozen=True, slots=True)
class SharedCharge:
    """A charge billed on an issued document. `taken_back`: it was shared before and has been credited since.

    `is_part`: only a part of its net was credited; its kWh stay with the host. `carries_energy`: it is the customer's
    part; the sponsor's part of the same session counts no kWh again.
    """

    charge_id: int
    session_id: int
    energy_wh: int
    net: Decimal
    taken_back: bool = False
    carries_energy: bool = True
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class ShareBase:
    """What some charges come to: net, and the energy of their sessions, each session once."""

    net: Decimal
    session_count: int
    energy_wh: int
    paid_wh: int

    def __add__(self, other: "ShareBase") -> "ShareBase":
        return ShareBase(
            self.net + other.net,
            self.session_count + other.session_count,
            self.energy_wh + other.energy_wh,
            self.paid_wh + other.paid_wh,
        )


def base_of(charges: Iterable[SharedCharge]) -> ShareBase:
    """The sums of some charges, those taken back subtracted.

    `session_count` and `energy_wh` are those of the sessions on the line, whoever paid; `paid_wh` is what an amount
    per kWh is paid on: once per session, although customer and sponsor may be billed in different months.
    """
    charges = list(charges)
    net = add(-charge.net if charge.taken_back else charge.net for charge in charges)
    charges = [charge for charge in charges if not charge.is_part]
    shared = {charge.session_id: charge.energy_wh for charge in charges if not charge.taken_back}
    returned = {charge.session_id: charge.energy_wh for charge in charges if charge.taken_back}
    carried = [charge for charge in charges if charge.carries_energy]
    paid = {charge.session_id: charge.energy_wh for charge in carried if not charge.taken_back}
    back = {charge.session_id: charge.energy_wh for charge in carried if charge.taken_back}
    return ShareBase(
        net=net,
        session_count=len(shared),
        energy_wh=sum(shared.values()) - sum(returned.values()),
        paid_wh=sum(paid.values()) - sum(back.values()),
    )


def part_of_net(percent: Decimal, net: Decimal, currency: str) -> Decimal:
    """The percent part of a net, rounded once."""
    return quantise(Fraction(net) * Fraction(percent) / 100, currency)


def price_of_energy(per_kwh: Decimal, energy_wh: int, currency: str) -> Decimal:
    """Energy at a price per kWh, rounded once."""
    return quantise(Fraction(per_kwh) * energy_wh / 1000, currency)


def rent_for(rent: Decimal, days: int, month_days: int, currency: str) -> Decimal:
    """A month's rent for so many of its days, rounded once."""
    return quantise(Fraction(rent) * days / month_days, currency)


def session_share(terms: ShareTerms, base: ShareBase, currency: str) -> Decimal:
    """What a share per session (percent, amount per kWh) comes to on one line."""
    if terms.kind == Share.PER_KWH:
        return price_of_energy(terms.per_kwh or Decimal(0), base.paid_wh, currency)
    return part_of_net(terms.percent or Decimal(0), base.net, currency)


@dataclass(frozen=True, slots=True)
class MonthTotals:
    """A site's month under one set of terms: net charges and energy (billed; for costs: metered), days it held."""

    net: Decimal
    energy_wh: int
    days: int
    month_days: int


def month_due(terms: ShareTerms, totals: MonthTotals, currency: str) -> Decimal:
    """What a monthly share comes to for the whole month so far."""
    zero = Decimal(0)
    if terms.kind == Share.COST:
        return price_of_energy(terms.per_kwh or zero, totals.energy_wh, currency)
    rent = rent_for(terms.rent or zero, totals.days, totals.month_days, currency)
    if terms.kind == Share.FIXED_RENT:
        return rent
    parts = [rent, part_of_net(terms.percent or zero, totals.net, currency)]
    if terms.per_kwh is not None:
        parts.append(price_of_energy(terms.per_kwh, totals.energy_wh, currency))
    return max(parts)


def days_in(spans: Iterable[Days]) -> int:
    """How many days the half-open spans have."""
    return sum((last - first).days for first, last in spans)


@dataclass(frozen=True, slots=True)
class ShareStep:
    """What a settlement does with one charge: shares it or takes it back, whole or (`part`) so much of its net."""

    taken_back: bool
    part: Decimal | None = None


def share_steps(
    net: Decimal, *, billed: int, live: int, credited: Decimal, shared: bool, returned: Decimal
) -> list[ShareStep]:
    """How a host's share of a charge is brought to what is due on it: its net after credits (DOMAIN, RevenueShare).

    `net` of the charge; on how many issued documents it was `billed`, on how many that `live` now; what was `credited`
    of it in all; whether it is `shared` with the host now and how much of it he `returned`. A charge of which nothing
    is left is taken back whole, with its energy; of one that was credited in part only the credited net is.
    """
    before = net * (billed - live)
    credit = credited - before
    gone = not live or (net > 0 and credit >= net)
    wanted, part = (False, Decimal(0)) if gone else (True, max(credit, Decimal(0)))
    steps = [] if wanted == shared else [ShareStep(taken_back=shared)]
    if part != returned:
        steps.append(ShareStep(taken_back=part > returned, part=abs(part - returned)))
    return steps
