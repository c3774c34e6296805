"""The day of a document: never ahead of the operator's calendar, for its year names the number series (I9)."""

import datetime as dt

from django.utils.translation import gettext as _

from contracts.models import Operator
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, require
from evbilling.shell.formats import format_day
from invoicing.models import Invoice


def require_not_ahead(issued_on: dt.date, *, operator: Operator, at: dt.datetime) -> None:
    """Raises BadInput for a day after that of `at` in the operator's zone: a year that is typed wrong would begin the
    numbers of a year that is not there yet, and what is issued is never changed (I8).
    """
    today = local_date(at, operator.zone)
    advice = _("A document cannot be dated in the future; give %(today)s or an earlier day.")
    require(issued_on <= today, BadInput(_("issued on"), issued_on, advice % {"today": format_day(today)}))


def day_of_credit(original: Invoice, issued_on: dt.date | None, *, at: dt.datetime) -> dt.date:
    """The day of a credit note of an issued document: by default that of `at` where the operator is.

    Raises BadInput for a day before the document's own: it would be settled while the books do not hold it yet.
    """
    day = issued_on or local_date(at, original.operator.zone)
    advice = _("A credit note cannot be dated before the document that it credits.")
    require(original.issued_on is None or day >= original.issued_on, BadInput(_("issued on"), day, advice))
    return day
