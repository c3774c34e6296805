"""Several documents of one month: what belongs to which part, and which months are too small for a document. Pure.

A contract's month may be split by cost centre or purchase order. Sessions go to their own part. What the contract's
terms take off the month (allowances) was reckoned over all parts: it is divided over them by largest remainder, in
proportion to what is left of their charges at its tax. So no part is lowered below nothing, and the parts of a line add
up to it. What belongs to no part (base fees, a shortfall, penalties) stands on the part without a name, else the first.

A month whose total with tax is below the contract's smallest invoice is carried over: no document is made of it, and
the next one bills it. At most `MOST_CARRIED` months in a row, never past the end of the contract or of a calendar year.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from decimal import Decimal

from evbilling.kernel.clock import Period
from evbilling.kernel.money import ZERO, split_largest_remainder

MOST_CARRIED = 2
"""How many months in a row may be carried over."""


def main_part(parts: Collection[str]) -> str:
    """The part that takes what belongs to none: the one without a name, else the first by name."""
    return min(parts, default="")


def largest_part(sums: Mapping[str, Decimal]) -> str:
    """The part with most on it, the first by name among equals: where a credit finds room."""
    return min(sums, key=lambda part: (-sums[part], part), default="")


def divided(amount: Decimal, room: Mapping[str, Decimal], currency: str) -> dict[str, Decimal]:
    """An amount over the parts in proportion to their room, by largest remainder; parts that get nothing left out.

    Empty when no part has room: the amount then belongs to none of them. Where it is at most all the room, no part gets
    more than its own.
    """
    open_parts = [part for part in sorted(room) if room[part] > ZERO]
    if not open_parts:
        return {}
    shares = split_largest_remainder(amount, [room[part] for part in open_parts], currency)
    return {part: share for part, share in zip(open_parts, shares, strict=True) if share}


def is_carried(
    gross: Decimal, minimum: Decimal | None, *, period: Period, ends_on: dt.date | None, carried_before: int
) -> bool:
    """Whether a month of this total makes no document. `ends_on` is the first day without the contract, if it ends;
    `carried_before` how many months right before this one were carried over.
    """
    if minimum is None or gross >= minimum or carried_before >= MOST_CARRIED:
        return False
    ends = ends_on is not None and ends_on <= period.end
    return not ends and period.end.year == period.start.year
