"""A person's hand on a month close that runs: pause, go on, try again what failed."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import ContractKind
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import WrongState, require
from evbilling.kernel.locks import lock
from evbilling.shell.formats import format_month
from invoicing.models import BillingRun, BillingRunItem, ItemState, RunState
from invoicing.operations.guards import require_right
from invoicing.operations.runs import open_again


def pause_run(*, run_id: int, by: User | None, at: dt.datetime) -> BillingRun:
    """Stop after the contracts that are being billed now. Raises NotAllowed, WrongState unless the run is running."""
    return _switch(run_id, RunState.RUNNING, RunState.PAUSED, "invoicing.run.pause", by=by, at=at)


def resume_run(*, run_id: int, by: User | None, at: dt.datetime) -> BillingRun:
    """Go on with a paused run. Raises NotAllowed, WrongState unless it is paused."""
    return _switch(run_id, RunState.PAUSED, RunState.RUNNING, "invoicing.run.resume", by=by, at=at)


def retry_item(*, item_id: int, by: User | None, at: dt.datetime) -> BillingRunItem:
    """Try one failed contract again. Raises NotAllowed, WrongState unless it failed."""
    require_right(by, "run_billing")
    with transaction.atomic():
        item = lock(BillingRunItem, item_id)
        require(
            item.state == ItemState.FAILED,
            WrongState(
                _("%(contract)s is %(state)s in this run; only failed contracts are tried again.")
                % {"contract": item.contract, "state": item.get_state_display()}
            ),
        )
        record_audit(action="invoicing.run.retry", obj=item, by=by, at=at, reason=item.reason)
        open_again(BillingRunItem.objects.filter(pk=item_id))
        _go_on(item.run_id)
    item.refresh_from_db()
    return item


def retry_failed_items(*, run_id: int, by: User | None, at: dt.datetime) -> int:
    """Try all failed contracts of a run again; how many there are. Raises NotAllowed."""
    require_right(by, "run_billing")
    with transaction.atomic():
        run = lock(BillingRun, run_id)
        failed = list(run.items.filter(state=ItemState.FAILED).values_list("contract__number", flat=True))
        if failed:
            record_audit(action="invoicing.run.retry", obj=run, by=by, at=at, members=failed)
            open_again(BillingRunItem.objects.filter(run=run, state=ItemState.FAILED))
            _go_on(run_id)
    return len(failed)


def _go_on(run_id: int) -> None:
    """Take a finished run up again; a paused one stays paused until a person resumes it.

    Sponsors and hosts who had nothing are looked at again: they pay for, or share in, what is billed now.
    """
    followers = [ContractKind.SPONSORSHIP, ContractKind.HOSTING]
    open_again(BillingRunItem.objects.filter(run_id=run_id, state=ItemState.SKIPPED, contract__kind__in=followers))
    BillingRun.objects.filter(pk=run_id, state=RunState.FINISHED).update(state=RunState.RUNNING, finished_at=None)


def _switch(
    run_id: int, before: RunState, after: RunState, action: str, *, by: User | None, at: dt.datetime
) -> BillingRun:
    require_right(by, "run_billing")
    with transaction.atomic():
        run = lock(BillingRun, run_id)
        require(
            run.state == before,
            WrongState(
                _("The run of %(period)s is %(state)s, not %(needed)s.")
                % {
                    "period": format_month(run.period_from),
                    "state": run.get_state_display(),
                    "needed": before.label,
                }
            ),
        )
        run.state = after
        run.save(update_fields=["state"])
        record_audit(action=action, obj=run, by=by, at=at)
    return run
