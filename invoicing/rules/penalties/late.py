"""Late payment: a flat fee once per document, and interest for each day on what was open that day.

    interest of a day = open amount at the end of the day x yearly percent / 100 / 365
    accrued(a, b)     = the exact sum over the days from a up to, not including, b; so accrued(a,b) + accrued(b,c) =
                        accrued(a,c) (I14)
    booked            = accrued(day after due, b) rounded once - what was booked before: no day twice, and roundings
                        never add up

A year has 365 parts, in leap years too (actual/365 fixed): 366 days of a leap year cost 366/365 of the yearly percent.
Money lowers the open amount on the day it was received. The statutory default (Directive 2011/7/EU) holds between
businesses alone: the reference rate in force on 1 January for the first half of the year, on 1 July for the second, and
eight points; 40 EUR flat.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from contracts.rules.terms import LatePayment
from evbilling.kernel.errors import BillingError
from evbilling.kernel.money import ZERO, add, quantise
from evbilling.shell.formats import format_day
from invoicing.rules.penalties.fee import Fee, text

EU_POINTS = Decimal(8)
"""Directive 2011/7/EU, article 2 (6): points above the reference rate."""
EU_FLAT_AMOUNTS = {"EUR": Decimal(40)}
"""Article 6 (1): the minimum compensation for recovery costs; in other currencies the contract states its amount."""
DAYS_OF_A_YEAR = 365
_DAY = dt.timedelta(days=1)


class MissingReferenceRate(BillingError):
    """No reference rate is known for the first day of a half year."""

    code = "missing_reference_rate"

    def __init__(self, on: dt.date) -> None:
        super().__init__(
            _("There is no reference rate for %(day)s. Add it to the reference rates, then bill again.")
            % {"day": format_day(on)}
        )


@dataclass(frozen=True, slots=True)
class Debt:
    """A document to be paid: its total, its due date, and what settled it on which day (undone: negative)."""

    gross: Decimal
    due_on: dt.date
    settled: tuple[tuple[dt.date, Decimal], ...] = ()

    @property
    def late_from(self) -> dt.date:
        """The first day that bears interest."""
        return self.due_on + _DAY

    def open_on(self, day: dt.date) -> Decimal:
        """What was open at the end of a day."""
        return max(ZERO, self.gross - add(amount for on, amount in self.settled if on <= day))


@dataclass(frozen=True, slots=True)
class Segment:
    """Days [start, end) with one open amount and one yearly percent."""

    start: dt.date
    end: dt.date
    open_amount: Decimal
    percent: Decimal

    @property
    def days(self) -> int:
        """How many."""
        return (self.end - self.start).days

    @property
    def exact(self) -> Fraction:
        """The interest of these days, unrounded."""
        return Fraction(self.open_amount) * Fraction(self.percent) * self.days / (100 * DAYS_OF_A_YEAR)


def applies(term: LatePayment, *, business: bool) -> bool:
    """Whether the term binds this debtor: the statutory default does not bind a consumer."""
    return business or not term.eu_default


def yearly_rates(
    term: LatePayment, references: Sequence[tuple[dt.date, Decimal]], start: dt.date, end: dt.date
) -> list[tuple[dt.date, Decimal]]:
    """(first day, yearly percent) over the days [start, end), the first at `start`; empty without interest.

    `references` are (valid from, percent) in any order. Raises MissingReferenceRate.
    """
    if term.yearly_percent is not None:
        return [(start, term.yearly_percent)]
    if not term.eu_default:
        return []
    found, day = [], start
    while day < end:
        half = dt.date(day.year, 1 if day.month < 7 else 7, 1)
        known = [(valid_from, percent) for valid_from, percent in references if valid_from <= half]
        if not known:
            raise MissingReferenceRate(half)
        found.append((day, max(known)[1] + EU_POINTS))
        day = dt.date(half.year, 7, 1) if half.month == 1 else dt.date(half.year + 1, 1, 1)
    return found


def accrue(debt: Debt, rates: Sequence[tuple[dt.date, Decimal]], start: dt.date, end: dt.date) -> list[Segment]:
    """The days [start, end) after the due date on which something was open, in stretches of one amount and percent."""
    first = max(start, debt.late_from)
    if first >= end or not rates:
        return []
    turns = {first, *(day for day, _percent in rates), *(on for on, _amount in debt.settled)}
    edges = [*sorted(day for day in turns if first <= day < end), end]
    found = []
    for low, high in zip(edges, edges[1:], strict=False):
        open_amount = debt.open_on(low)
        percent = max((each for each in rates if each[0] <= low), default=(low, ZERO))[1]
        if open_amount and percent:
            found.append(Segment(low, high, open_amount, percent))
    return found


def accrued(segments: Sequence[Segment]) -> Fraction:
    """The exact interest of these days."""
    return sum((segment.exact for segment in segments), Fraction(0))


def late_interest(
    debt: Debt, rates: Sequence[tuple[dt.date, Decimal]], end: dt.date, booked: Decimal, currency: str
) -> Fee:
    """What is to be booked for all days from the day after due up to, not including, `end`, after `booked` before.

    `rates` begin on the first day that bears interest. Zero or less (money was received on an earlier day than was
    known) books nothing; the next days make up for it.
    """
    segments = accrue(debt, rates, debt.late_from, end)
    exact = accrued(segments)
    amount = quantise(exact, currency) - booked
    return Fee(
        max(amount, quantise(ZERO, currency)),
        {
            "total": text(debt.gross),
            "due_on": debt.due_on.isoformat(),
            "until": end.isoformat(),
            "days": sum(segment.days for segment in segments),
            "day_count": f"actual/{DAYS_OF_A_YEAR}",
            "segments": [
                {
                    "from": segment.start.isoformat(),
                    "to": segment.end.isoformat(),
                    "days": segment.days,
                    "open": text(segment.open_amount),
                    "percent": text(segment.percent),
                }
                for segment in segments
            ],
            "accrued": text(quantise(exact, currency)),
            "booked_before": text(booked),
            "amount": text(max(amount, ZERO)),
        },
    )


def late_fee(term: LatePayment, debt: Debt, currency: str) -> Fee:
    """The flat fee of a document that was not paid in full by the end of its due date.

    The contract's own amount, else the statutory one in its currency; none where neither is known.
    """
    flat = term.flat_amount
    if flat is None and term.eu_default:
        flat = EU_FLAT_AMOUNTS.get(currency)
    left = debt.open_on(debt.due_on)
    amount = quantise(flat if flat is not None and left else ZERO, currency)
    return Fee(
        amount,
        {
            "total": text(debt.gross),
            "due_on": debt.due_on.isoformat(),
            "open_when_due": text(left),
            "statutory": term.flat_amount is None and term.eu_default,
            "amount": text(amount),
        },
    )
