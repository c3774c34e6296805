"""Who pays which part of a session's price: customer and sponsor, per VAT rate (DOMAIN, Sponsorship)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

from evbilling.kernel.money import add, split_largest_remainder

CUSTOMER = "customer"
SPONSOR = "sponsor"


@dataclass(frozen=True, slots=True)
class Share:
    """One payer's part of the price at one VAT rate (percent; None: the tax table decides).

    The amount is in the basis of the price: net, or gross where the price includes tax (DOMAIN, Sponsorship).
    """

    role: str
    vat_rate: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Claim:
    """A session in the queue for a promise with a limit (Wh of a vehicle and month, or minor units of a budget).

    `wanted` is what it would get without a limit, `limit` what all sessions up to it may get together under the terms
    of its day, `standing` what it was given on a document before: that is never taken away.
    """

    wanted: int
    limit: int
    standing: int | None = None


def allot(claims: Sequence[Claim]) -> list[int]:
    """What each session gets, in the order of session end, then reference: the earlier takes first.

    No session gets anything beyond its limit, counted up to itself. The result of one does not depend on which others
    are settled already, so documents may be drafted in any order. A session that comes late takes what is left: as
    much as neither its own limit nor a later grant that stands forbids.
    """
    standing = list(accumulate(claim.standing or 0 for claim in claims))
    ceilings: list[int | None] = []
    least: int | None = None
    for claim, so_far in zip(reversed(claims), reversed(standing), strict=True):
        ceilings.append(least)
        if claim.standing:
            room = claim.limit - so_far
            least = room if least is None else min(least, room)
    given = 0
    granted = []
    for claim, so_far, ceiling in zip(claims, standing, reversed(ceilings), strict=True):
        if claim.standing is not None:
            granted.append(claim.standing)
            continue
        room = claim.limit - so_far if ceiling is None else min(claim.limit - so_far, ceiling)
        grant = max(0, min(claim.wanted, room - given))
        given += grant
        granted.append(grant)
    return granted


def covered_percent(percent: Decimal, covered_wh: int, energy_wh: int) -> Fraction:
    """The percent of a session's price that a sponsor pays who covers so much of its energy: by its kWh."""
    return Fraction(percent) * covered_wh / energy_wh if energy_wh else Fraction(0)


def share_parts(
    parts: Iterable[tuple[Decimal | None, Decimal]],
    *,
    sponsor_percent: Decimal | Fraction | None,
    currency: str,
    sponsor_most: Decimal | None = None,
) -> list[Share]:
    """Split each part (VAT rate, amount in the basis of the price) between customer and sponsor by largest remainder; a
    tie goes to the customer.

    The shares add up to the price. The customer always has one per rate, even of 0.00: so the session stands on a
    document of the contract that pays for it. Without a sponsor the customer's is the whole. `sponsor_most`: the
    sponsor pays no more than this in all, spread over the rates as its parts by largest remainder.
    """
    parts = list(parts)
    if sponsor_percent is None:
        return [Share(CUSTOMER, vat_rate, amount) for vat_rate, amount in parts]
    weights = [100 - Fraction(sponsor_percent), Fraction(sponsor_percent)]
    sponsored = [split_largest_remainder(amount, weights, currency)[1] for _rate, amount in parts]
    if sponsor_most is not None and add(sponsored) > sponsor_most:
        sponsored = split_largest_remainder(sponsor_most, sponsored, currency)
    shares = []
    for (vat_rate, amount), paid in zip(parts, sponsored, strict=True):
        shares += [Share(CUSTOMER, vat_rate, amount - paid), Share(SPONSOR, vat_rate, paid)]
    return shares


def complete_shares(
    shares: Iterable[Share], existing: Mapping[tuple[str, Decimal | None], Decimal]
) -> list[Share] | None:
    """The shares still to be made where some stand already (an issued split is never redone).

    `existing` maps role and VAT rate to the amount that stands; the missing payer gets what is left of the price. None
    where what stands and what is expected cannot add up to the price.
    """
    wanted = list(shares)
    roles = {share.role for share in wanted}
    if any(role not in roles for role, _rate in existing):
        wanted += [Share(role, rate, Decimal(0)) for role, rate in existing if role not in roles]
    made = []
    for rate in dict.fromkeys(share.vat_rate for share in wanted):
        at_rate = [share for share in wanted if share.vat_rate == rate]
        missing = [share for share in at_rate if (share.role, rate) not in existing]
        left = sum((share.amount for share in at_rate), Decimal(0)) - sum(
            existing[share.role, rate] for share in at_rate if (share.role, rate) in existing
        )
        if left < 0 or (left > 0 and not missing):
            return None
        if len(missing) == len(at_rate):
            made += missing
        elif missing:
            made.append(Share(missing[0].role, rate, left))
    return made
