"""Closed months of the ledger: closing one, and opening it again by two persons (I15, I18)."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import Operator
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.clock import local_date, month_of
from evbilling.kernel.errors import BadInput, MakerIsChecker, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.steps import step
from evbilling.shell.formats import format_month
from invoicing.models import AccountingPeriod
from invoicing.operations.dating import first_bookable_day
from invoicing.operations.guards import require_person, require_right


def close_period(*, operator_id: int, month: dt.date, by: User | None, at: dt.datetime) -> AccountingPeriod:
    """Close a calendar month: from now on nothing is booked into it (I15). `month` is any day in it.

    A month that was opened again is closed by a row of its own. Raises NotAllowed, WrongState when it is closed
    already, and BadInput for a month that is not over in the operator's zone, or in which nothing can be booked any
    more.
    """
    require_right(by, "close_period")
    period = month_of(month)
    with transaction.atomic():
        operator = lock(Operator, operator_id)
        require(
            local_date(at, operator.zone) >= period.end,
            BadInput("month", period.code, _("A month is closed when it is over.")),
        )
        first = first_bookable_day(operator=operator, at=at)
        advice = _("The books begin in %(first)s; check the year.") % {"first": f"{first:%Y-%m}"}
        require(period.start >= first, BadInput("month", period.code, advice))
        require(
            not AccountingPeriod.objects.filter(operator=operator, month=period.start, reopened_at=None).exists(),
            WrongState(_("%(month)s is closed already.") % {"month": format_month(period.start)}),
        )
        closed = AccountingPeriod.objects.create(operator=operator, month=period.start, closed_at=at, closed_by=by)
        record_audit(action="invoicing.ledger.close", obj=closed, by=by, at=at, changes={"month": period.code})
        step("period.close")
    return closed


def ask_reopening(*, period_id: int, reason: str, by: User | None, at: dt.datetime) -> AccountingPeriod:
    """Ask that a closed month is opened again; a second person decides.

    Raises NotAllowed, BadInput without a reason, WrongState where it is open or asked for already, NotFound.
    """
    require_person(by, "ask_reopening")
    require_words("reason", reason, _("Say why the month has to be opened again."))
    with transaction.atomic():
        period = _closed(period_id)
        require(
            period.asked_by_id is None,
            WrongState(_("Opening %(month)s again is asked for already.") % {"month": period}),
        )
        period.asked_by, period.asked_at, period.reason = by, at, reason.strip()[:300]
        period.save(update_fields=["asked_by", "asked_at", "reason"])
        record_audit(action="invoicing.ledger.ask_reopening", obj=period, by=by, at=at, reason=period.reason)
        step("period.ask")
    return period


def decline_reopening(*, period_id: int, reason: str, by: User | None, at: dt.datetime) -> AccountingPeriod:
    """Refuse or take back what was asked; the month stays closed.

    Raises NotAllowed, BadInput, WrongState, NotFound.
    """
    require_person(by, "ask_reopening")
    require_words("reason", reason, _("Say why the month stays closed."))
    with transaction.atomic():
        period = _asked(period_id)
        period.asked_by, period.asked_at, period.reason = None, None, ""
        period.save(update_fields=["asked_by", "asked_at", "reason"])
        record_audit(action="invoicing.ledger.decline_reopening", obj=period, by=by, at=at, reason=reason.strip()[:300])
    return period


def reopen_period(*, period_id: int, by: User | None, at: dt.datetime) -> AccountingPeriod:
    """Open a closed month again, as another person asked (I18): from now on it takes bookings until it is closed anew.

    What was booked before stays as it is. Raises NotAllowed, MakerIsChecker, WrongState where nobody asked, NotFound.
    """
    require_person(by, "reopen_period")
    with transaction.atomic():
        operator_id = AccountingPeriod.objects.filter(pk=period_id).values_list("operator_id", flat=True).first()
        if operator_id is not None:
            lock(Operator, operator_id)  # as closing does: no booking is on its way into the month meanwhile
        period = _asked(period_id)
        require(
            by is not None and period.asked_by_id != by.pk,
            MakerIsChecker(_("The request to open %(month)s again") % {"month": period}),
        )
        period.reopened_by, period.reopened_at = by, at
        period.save(update_fields=["reopened_by", "reopened_at"])
        record_audit(
            action="invoicing.ledger.reopen",
            obj=period,
            by=by,
            at=at,
            reason=period.reason,
            changes={"month": str(period), "asked_by": str(period.asked_by), "closed_at": period.closed_at.isoformat()},
        )
        step("period.reopen")
    return period


def _closed(period_id: int) -> AccountingPeriod:
    period = lock(AccountingPeriod, period_id)
    require(period.reopened_at is None, WrongState(_("%(month)s is open again already.") % {"month": period}))
    return period


def _asked(period_id: int) -> AccountingPeriod:
    period = _closed(period_id)
    require(
        period.asked_by_id is not None,
        WrongState(_("Nobody asked that %(month)s is opened again.") % {"month": period}),
    )
    return period
