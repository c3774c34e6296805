"""Fees of a failed payment and of a contract that ends before it may.

When a contract may end is decided when notice is given (contracts/rules/notice.py). Where it ends earlier, the fee is a
fixed amount, months of base fee, or a percent of what is committed for the days from its end to that day (a month in
part by its days).
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from contracts.rules.terms import EarlyTermination, FailedPayment
from evbilling.kernel.clock import month_of
from evbilling.kernel.money import ZERO, quantise
from invoicing.rules.penalties.fee import Fee, text


def failed_payment(term: FailedPayment, *, payment: str, document: str, failure: str, currency: str) -> Fee:
    """The fee of a payment that the customer's bank or card refused."""
    amount = quantise(term.amount, currency)
    return Fee(amount, {"payment": payment, "document": document, "failure": failure, "amount": text(amount)})


@dataclass(frozen=True, slots=True)
class Ending:
    """How a contract ends: `ends_on` is the first day without it, `may_end_on` that which its terms allowed."""

    ends_on: dt.date
    may_end_on: dt.date
    notice_on: dt.date | None
    notice_days: int
    minimum_term_until: dt.date | None


def early_termination(
    term: EarlyTermination,
    ending: Ending,
    *,
    monthly_base_fee: Decimal,
    monthly_commitment: Decimal,
    currency: str,
) -> Fee:
    """The fee of ending early; zero where the minimum term and the notice period were kept.

    `monthly_base_fee` and `monthly_commitment` are what a whole month of the contract costs at least, net.
    """
    early = ending.ends_on < ending.may_end_on
    committed = Fraction(0)
    if not early:
        exact = Fraction(0)
    elif term.amount is not None:
        exact = Fraction(term.amount)
    elif term.months_of_base_fee is not None:
        exact = Fraction(monthly_base_fee) * term.months_of_base_fee
    else:
        committed = Fraction(monthly_commitment) * _months(ending.ends_on, ending.may_end_on)
        exact = committed * Fraction(term.remaining_commitment_percent or ZERO) / 100
    amount = quantise(exact, currency)
    return Fee(
        amount,
        {
            "ends_on": ending.ends_on.isoformat(),
            "may_end_on": ending.may_end_on.isoformat(),
            "minimum_term_until": ending.minimum_term_until and ending.minimum_term_until.isoformat(),
            "notice_on": ending.notice_on and ending.notice_on.isoformat(),
            "notice_days": ending.notice_days,
            "fixed_amount": text(term.amount),
            "months_of_base_fee": term.months_of_base_fee,
            "monthly_base_fee": text(monthly_base_fee),
            "monthly_commitment": text(monthly_commitment),
            "remaining_commitment": text(quantise(committed, currency)),
            "percent": text(term.remaining_commitment_percent),
            "amount": text(amount),
        },
    )


def _months(start: dt.date, end: dt.date) -> Fraction:
    """Months in the days [start, end), a part of one by its days."""
    found, month = Fraction(0), month_of(start)
    while month.start < end:
        days = (min(end, month.end) - max(start, month.start)).days
        found += Fraction(days, (month.end - month.start).days)
        month = month.next_month()
    return found
