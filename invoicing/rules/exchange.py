"""Exchange rates: how the European Central Bank publishes them, and which one a document takes. Pure.

Its file of reference rates (eurofxref-hist.csv) has a row a day and a column a currency: units for one euro, N/A where
there is none. A rate between two other currencies is the quotient of the two, of one day, rounded to eight decimals.
The newest rate on or before the day holds, for `MOST_DAYS` at most: on weekends and holidays none are published.
"""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BadInput, BillingError, require
from evbilling.kernel.money import round_half_up
from evbilling.shell.formats import format_day

EURO = "EUR"
MOST_DAYS = 7
"""How old the rate of a document may be."""
DIGITS = 8


class NoExchangeRate(BillingError):
    """A document in another currency than the operator's books: nothing says what it is worth there."""

    code = "no_exchange_rate"

    def __init__(self, currency: str, target: str, on: dt.date, newest: dt.date | None) -> None:
        known = _("the newest one is of %s") % format_day(newest) if newest else _("none is known")
        super().__init__(
            _(
                "There is no exchange rate from %(currency)s to %(target)s of the %(days)s days up to %(day)s: "
                "%(known)s. Enter it or load the central bank's file, then issue again."
            )
            % {"currency": currency, "target": target, "days": MOST_DAYS, "day": format_day(on), "known": known}
        )


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of `target` for one of `currency` on a day."""

    currency: str
    target: str
    on: dt.date
    rate: Decimal


def read_reference_rates(text: str, currencies: Iterable[str], since: dt.date) -> Iterator[Rate]:
    """The rates of these currencies from a day on, in the layout of the European Central Bank's file.

    Raises BadInput naming the line for a file that is another one, or a rate that is no number above zero.
    """
    rows = csv.reader(text.splitlines())
    heading = [cell.strip() for cell in next(rows, [])]
    require(
        heading[:1] == ["Date"] and "USD" in heading,
        BadInput("file", ", ".join(heading[:3]), _("Choose the file eurofxref-hist.csv of the European Central Bank.")),
    )
    wanted = [(place, code) for place, code in enumerate(heading) if code in set(currencies) - {EURO}]
    for number, row in enumerate(rows, 2):
        if not row or not row[0].strip():
            continue
        try:
            on = dt.date.fromisoformat(row[0].strip())
            found = [(code, row[place].strip()) for place, code in wanted]
            rates = [(code, Decimal(text)) for code, text in found if text not in {"", "N/A"}]
        except (ValueError, ArithmeticError, IndexError):
            raise BadInput(_("line %s") % number, ",".join(row[:3]), _("It is no day with its rates.")) from None
        for code, rate in rates if on >= since else ():
            require(rate.is_finite() and rate > 0, BadInput(_("line %s") % number, rate, _("A rate is above zero.")))
            yield Rate(EURO, code, on, rate)


def rate_on(rates: Iterable[Rate], currency: str, target: str, on: dt.date) -> Rate | None:
    """The newest rate on or before a day, however old: as it is stated, turned round, or through the euro.

    Of one day the stated one goes before the turned one, and that before the quotient.
    """
    known = {(rate.currency, rate.target, rate.on): Fraction(rate.rate) for rate in rates if rate.on <= on}
    for day in sorted({key[2] for key in known}, reverse=True):
        exact = _exact(known, currency, target, day)
        if exact is not None:
            return Rate(currency, target, day, round_half_up(exact, DIGITS))
    return None


def require_fresh(rate: Rate | None, currency: str, target: str, on: dt.date) -> Rate:
    """The rate, where there is one and it is not too old. Raises NoExchangeRate."""
    if rate is None or (on - rate.on).days > MOST_DAYS:
        raise NoExchangeRate(currency, target, on, rate.on if rate else None)
    return rate


def _exact(
    known: dict[tuple[str, str, dt.date], Fraction], currency: str, target: str, day: dt.date
) -> Fraction | None:
    def of(one: str, other: str) -> Fraction | None:
        if one == other:
            return Fraction(1)
        stated, turned = known.get((one, other, day)), known.get((other, one, day))
        return stated if stated is not None else None if turned is None else 1 / turned

    direct = of(currency, target)
    if direct is not None:
        return direct
    there, back = of(currency, EURO), of(EURO, target)
    return None if there is None or back is None else there * back
