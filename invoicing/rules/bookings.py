"""Which accounts a document moves: debit positive, credit negative, always adding up to zero (I15).

invoice        receivable (or sponsor receivable)  gross | revenue (or sponsor revenue)  -net | tax owed  -tax
               of which penalties: fees and penalties, interest on late payment (a fee note holds nothing else)
advance        receivable  gross | advance payments received  -net | tax owed  -tax: no revenue before the supply
               an invoice that sets it off moves what it uses from advance payments received to revenue
settlement     host cost  net | tax to reclaim  tax                                  | payable to hosts  -gross
credit note    the same with opposite signs
write-off      claims written off  net | tax owed  tax, where the law gives it back | receivable  -amount
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from evbilling.kernel.errors import BillingError
from evbilling.kernel.money import ZERO, add, split_largest_remainder

CHARGING = ("receivable", "revenue")
SPONSORED = ("sponsor_receivable", "sponsor_revenue")


class NotBalanced(BillingError):
    """A journal entry whose lines do not add up to zero (I15)."""

    code = "not_balanced"

    def __init__(self, source: str, rest: Decimal) -> None:
        super().__init__(f"The journal entry of {source} does not balance: its lines add up to {rest}, not to zero.")


@dataclass(frozen=True, slots=True)
class Booking:
    """One side: the role of the account, and whether the party's own balance moves with it."""

    role: str
    amount: Decimal
    of_party: bool = False


def document_bookings(
    *,
    settlement: bool,
    sponsored: bool,
    credit: bool,
    net: Decimal,
    tax: Decimal,
    fees: Decimal = ZERO,
    interest: Decimal = ZERO,
    advance: Decimal = ZERO,
) -> tuple[Booking, ...]:
    """The bookings of a document with these totals (as printed, positive); sides of zero are left out.

    `fees` and `interest` are the parts of the net that penalties make; `advance` is what of the net is money for a
    later supply: all of an advance invoice, and negative where an invoice sets such money off.
    """
    receivable, revenue = SPONSORED if sponsored else CHARGING
    sides: tuple[Booking, ...]
    if settlement:
        sides = (
            Booking("host_cost", net),
            Booking("input_tax", tax),
            Booking("host_payable", -(net + tax), of_party=True),
        )
    else:
        sides = (
            Booking(receivable, net + tax, of_party=True),
            Booking(revenue, -(net - fees - interest - advance)),
            Booking("advance_received", -advance, of_party=True),
            Booking("fee_revenue", -fees),
            Booking("interest_income", -interest),
            Booking("output_tax", -tax),
        )
    sign = -1 if credit else 1
    return tuple(Booking(side.role, sign * side.amount, side.of_party) for side in sides if side.amount)


def write_off_bookings(receivable: str, amount: Decimal, tax: Decimal) -> tuple[Booking, ...]:
    """A claim that is given up: what is lost, the tax the state gives back (`tax`, may be zero), the receivable."""
    sides = (
        Booking("write_off", amount - tax),
        Booking("output_tax", tax),
        Booking(receivable, -amount, of_party=True),
    )
    return tuple(side for side in sides if side.amount)


def write_off_tax(amount: Decimal, rows: Iterable[tuple[Decimal, Decimal]], currency: str) -> Decimal:
    """The tax in a part of a document's total: spread over the (net, tax) of its rates by largest remainder."""
    weights = [weight for row in rows for weight in row]
    if not add(weights):
        return ZERO
    return add(split_largest_remainder(amount, weights, currency)[1::2])


def require_balanced(source: str, amounts: list[Decimal]) -> None:
    """Raises NotBalanced unless debit and credit cancel out."""
    rest = add(amounts)
    if rest:
        raise NotBalanced(source, rest)
