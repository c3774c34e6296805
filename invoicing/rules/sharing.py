"""A host's revenue share: a percentage of the net session charges at a site, rounded once per line (DOMAIN)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from evbilling.kernel.money import add, quantise


@dataclass(frozen=True, slots=True)
class SharedCharge:
    """A charge billed on an issued document. `taken_back`: it was shared before and has been credited since."""

    charge_id: int
    session_id: int
    energy_wh: int
    net: Decimal
    taken_back: bool = False


@dataclass(frozen=True, slots=True)
class ShareLine:
    """The host's part of one site: of `base`, the net charges shared now less those credited after they were shared."""

    base: Decimal
    net: Decimal
    session_count: int
    energy_wh: int


def share_of(charges: Iterable[SharedCharge], percent: Decimal, currency: str) -> ShareLine:
    """The share of one site, rounded once. A session counts once although customer and sponsor both paid for it."""
    charges = list(charges)
    base = add(-charge.net if charge.taken_back else charge.net for charge in charges)
    shared = {charge.session_id: charge.energy_wh for charge in charges if not charge.taken_back}
    returned = {charge.session_id: charge.energy_wh for charge in charges if charge.taken_back}
    return ShareLine(
        base=base,
        net=quantise(Fraction(base) * Fraction(percent) / 100, currency),
        session_count=len(shared),
        energy_wh=sum(shared.values()) - sum(returned.values()),
    )
