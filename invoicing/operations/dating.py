"""The days that people give for what is booked: within the books' ten years, never ahead of the operator's calendar."""

import datetime as dt

from django.db.models import Min
from django.utils.translation import gettext as _

from contracts.models import Operator
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, require
from evbilling.shell.formats import format_day
from invoicing.models import Invoice, JournalEntry

BOOK_YEARS = 10
"""Whole calendar years before the present one in which something may still be booked: so long books are kept (10
years, section 147 of the German Abgabenordnung). An earlier day is a slip of the pen, unless the operator's books go
back further themselves.
"""


def first_bookable_day(*, operator: Operator, at: dt.datetime) -> dt.date:
    """The first of January ten years before today's year where the operator is, or of the year of its first booking."""
    booked = JournalEntry.objects.filter(operator=operator).aggregate(first=Min("booked_on"))["first"]
    years = dt.date(local_date(at, operator.zone).year - BOOK_YEARS, 1, 1)
    return years if booked is None else min(years, booked.replace(month=1, day=1))


def require_bookable(day: dt.date, *, field: str, ahead: str, operator: Operator, at: dt.datetime) -> None:
    """Raises BadInput for a day on which nothing is booked by hand: before the books begin, or after today where the
    operator is, which `ahead` says. Each operation that books on a given day asks this.
    """
    today = local_date(at, operator.zone)
    require(day <= today, BadInput(field, day, ahead))
    if day.year >= today.year - BOOK_YEARS:
        return
    advice = _("The books take days from %(first)s on; check the year.")
    first = first_bookable_day(operator=operator, at=at)
    require(day >= first, BadInput(field, day, advice % {"first": format_day(first)}))


def require_day_of_document(issued_on: dt.date, *, operator: Operator, at: dt.datetime) -> None:
    """Raises BadInput for a day that is not bookable. One ahead would begin the numbers of a year that is not there yet
    (I9), and what is issued is never changed (I8).
    """
    today = format_day(local_date(at, operator.zone))
    ahead = _("A document cannot be dated in the future; give %(today)s or an earlier day.") % {"today": today}
    require_bookable(issued_on, field=_("issued on"), ahead=ahead, operator=operator, at=at)


def day_of_credit(original: Invoice, issued_on: dt.date | None, *, at: dt.datetime) -> dt.date:
    """The day of a credit note of an issued document: by default that of `at` where the operator is.

    Raises BadInput for a day before the document's own: it would be settled while the books do not hold it yet.
    """
    day = issued_on or local_date(at, original.operator.zone)
    advice = _("A credit note cannot be dated before the document that it credits.")
    require(original.issued_on is None or day >= original.issued_on, BadInput(_("issued on"), day, advice))
    return day
