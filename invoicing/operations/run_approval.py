"""Approval of a month close: over the operator's limit a second person lets it go (I18).

    start_run -> waits for approval -> running     (a second person approves)
                                    -> declined    (starting it again asks anew)

What counts is the net of the dry run in the operator's currency: of what customers and sponsors are billed, with fees,
allowances and penalties, or of what hosts get, whichever is more. Where that cannot be known, because sessions are not
priced yet or a currency has no exchange rate, a limited run always waits for the second person.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import Operator
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import MakerIsChecker, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.money import ZERO, quantise
from evbilling.shell.formats import format_month
from invoicing.models import BillingRun, RunState
from invoicing.operations.guards import require_person
from invoicing.queries.exchange import reporting_rate
from invoicing.queries.month_close import dry_run
from invoicing.rules.exchange import NoExchangeRate


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would bill or pay out: net in the operator's currency, and whether that is all of it."""

    net: Decimal
    known: bool

    def needs_second(self, limit: Decimal) -> bool:
        """Whether a second person has to approve it under this limit."""
        return not self.known or self.net >= limit


def plan_of(operator: Operator, period: Period) -> Plan:
    """What the dry run bills or pays out, other currencies at the rate of the last day."""
    dry = dry_run(operator, period)
    known = not dry.unrated
    sums = []
    for amounts in (dry.net, dry.settlements):
        net = ZERO
        for currency, amount in amounts.items():
            try:
                rate = reporting_rate(currency, operator.currency, period.last_day).rate
            except NoExchangeRate:
                known = False
            else:
                net += quantise(amount * rate, operator.currency)
        sums.append(net)
    return Plan(max(sums), known)


def set_going(run: BillingRun, *, by: User | None) -> None:
    """Give a locked run that is started the state running, or waiting where its plan needs a second person.

    Drafts alone need nobody; issuing them later does. A run that was approved goes on under its approval until it is
    finished. The caller saves the run.
    """
    goes_on = run.approved_at is not None and run.state in {RunState.RUNNING, RunState.PAUSED}
    if not goes_on:
        run.asked_by, run.approved_by, run.approved_at = by, None, None
        run.planned_amount, run.needs_second = ZERO, False
        limit = run.operator.run_limit_amount
        if run.issue and limit is not None:  # reckoning the plan reads every session of the month
            plan = plan_of(run.operator, run.period)
            run.planned_amount, run.needs_second = plan.net, plan.needs_second(limit)
    run.state = RunState.ASKED if run.needs_second and not goes_on else RunState.RUNNING
    run.finished_at = None


def approve_run(*, run_id: int, by: User, at: dt.datetime) -> BillingRun:
    """Let a waiting run go.

    Raises NotAllowed, NotFound, WrongState unless it waits, MakerIsChecker for who started it (I18).
    """
    require_person(by, "approve_billingrun")
    with transaction.atomic():
        run = _waiting(run_id, by)
        run.state, run.approved_by, run.approved_at = RunState.RUNNING, by, at
        run.save(update_fields=["state", "approved_by", "approved_at"])
        record_audit(
            action="invoicing.run.approve", obj=run, by=by, at=at, changes={"planned_amount": run.planned_amount}
        )
    return run


def decline_run(*, run_id: int, reason: str, by: User, at: dt.datetime) -> BillingRun:
    """Send a waiting run back with a reason; nothing of it was done. Raises as approve_run, BadInput without reason."""
    require_words("reason", reason, _("Say why the month close is declined."))
    require_person(by, "approve_billingrun")
    with transaction.atomic():
        run = _waiting(run_id, by)
        run.state, run.finished_at = RunState.DECLINED, at
        run.save(update_fields=["state", "finished_at"])
        record_audit(action="invoicing.run.decline", obj=run, by=by, at=at, reason=reason.strip())
    return run


def _waiting(run_id: int, by: User) -> BillingRun:
    run = lock(BillingRun, run_id)
    require(
        run.state == RunState.ASKED,
        WrongState(
            _("The run of %(period)s is %(state)s; only one that waits for approval is decided.")
            % {"period": format_month(run.period_from), "state": run.get_state_display()}
        ),
    )
    require(
        run.asked_by_id != by.pk,
        MakerIsChecker(_("The month close of %(period)s") % {"period": format_month(run.period_from)}),
    )
    return run
