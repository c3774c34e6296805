"""Who pays which part of a session's price: customer and sponsor, per VAT rate (DOMAIN, Sponsorship)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from evbilling.kernel.money import split_largest_remainder

CUSTOMER = "customer"
SPONSOR = "sponsor"
_WHOLE = Decimal(100)


@dataclass(frozen=True, slots=True)
class Share:
    """One payer's part of the price at one VAT rate (percent; None: the tax table decides), net."""

    role: str
    vat_rate: Decimal | None
    net: Decimal


def share_parts(
    parts: Iterable[tuple[Decimal | None, Decimal]], *, sponsor_percent: Decimal | None, currency: str
) -> list[Share]:
    """Split each part (VAT rate, net) between customer and sponsor by largest remainder; a tie goes to the customer.

    The shares add up to the price. The customer always has one per rate, even of 0.00: so the session stands on a
    document of the contract that pays for it. Without a sponsor the customer's is the whole.
    """
    shares = []
    for vat_rate, net in parts:
        if sponsor_percent is None:
            shares.append(Share(CUSTOMER, vat_rate, net))
            continue
        customer, sponsor = split_largest_remainder(net, [_WHOLE - sponsor_percent, sponsor_percent], currency)
        shares += [Share(CUSTOMER, vat_rate, customer), Share(SPONSOR, vat_rate, sponsor)]
    return shares


def complete_shares(
    shares: Iterable[Share], existing: Mapping[tuple[str, Decimal | None], Decimal]
) -> list[Share] | None:
    """The shares still to be made where some stand already (an issued split is never redone).

    `existing` maps role and VAT rate to the net that stands; the missing payer gets what is left of the price. None
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
        left = sum((share.net for share in at_rate), Decimal(0)) - sum(
            existing[share.role, rate] for share in at_rate if (share.role, rate) in existing
        )
        if left < 0 or (left > 0 and not missing):
            return None
        if len(missing) == len(at_rate):
            made += missing
        elif missing:
            made.append(Share(missing[0].role, rate, left))
    return made
