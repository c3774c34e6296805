"""The month close: one billing run per operator and month, one item per due contract (I16, I17).

    start -> items claimed in chunks: rate, assess, draft, issue, note in one transaction -> finished

The database is the queue. Items are claimed in a step that is committed first, so that a contract which
kills its worker is seen by its attempts; then its row is locked while it is billed. A claim that is old and not locked
belongs to a worker that is gone, and is released. Starting a run again continues it; nothing is done twice.
"""

import datetime as dt
import logging
from collections.abc import Collection, Sequence

from django.db import OperationalError, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from contracts.models import ContractKind, Operator
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import Period, month_of
from evbilling.kernel.errors import BadInput, BillingError, NotFound, WrongState, require
from evbilling.kernel.locks import lock, lock_all
from evbilling.kernel.steps import step
from evbilling.shell.formats import format_month
from invoicing.models import BillingRun, BillingRunItem, Invoice, InvoiceState, ItemState, RunState
from invoicing.operations.book_checks import request_check
from invoicing.operations.bulk_close import NotAllTogether, bill_together, groups_of
from invoicing.operations.dating import require_day_of_document
from invoicing.operations.drafting import MonthCarriedOver, NothingToSettle, draft_documents
from invoicing.operations.fee_notes import draft_fee_note
from invoicing.operations.guards import require_right
from invoicing.operations.issuing import issue_invoice
from invoicing.operations.preparing import prepare_month
from invoicing.operations.run_approval import set_going
from invoicing.operations.run_reports import request_report
from invoicing.queries.due import PHASES, due_contracts

log = logging.getLogger(__name__)
CLAIM_LIMIT = dt.timedelta(seconds=90)
"""A claim this old whose row nobody holds locked was left by a worker that ended."""
QUIET_LIMIT = dt.timedelta(seconds=60)
"""A running run in which nothing was claimed or finished for so long has lost its tasks."""
UNDECIDED = (RunState.ASKED, RunState.DECLINED)
"""Nothing is billed for such a run, whatever a worker had claimed before it was asked to issue (I18)."""
MOST_ATTEMPTS = 5
"""An item that ended its worker this often fails with that cause instead of ending the next one."""


def start_run(
    *, operator_id: int, period: Period, issued_on: dt.date, issue: bool, by: User | None, at: dt.datetime
) -> BillingRun:
    """Start the billing of a month, or continue it: new due contracts join, failed and skipped ones are tried again.

    With `issue`, drafts that the run left before are issued. Without it, contracts stop at drafts. The date of the
    documents may change as long as none is issued. Over the operator's limit the run waits for a second person before
    anything is issued (run_approval.py). Raises BadInput for a period that is no calendar month or is not
    over in a due contract's zone and for a date ahead, WrongState for drafts only where the run already issues, and
    NotAllowed.
    """
    require_right(by, "run_billing")
    require(
        period == month_of(period.start),
        BadInput("period", period.code, _("A billing run covers one calendar month, for example 2026-10.")),
    )
    require(
        issued_on >= period.start,
        BadInput("issued on", issued_on, _("Documents cannot be dated before the month that they bill.")),
    )
    with transaction.atomic():
        operator = Operator.objects.filter(pk=operator_id).first()
        if operator is None:
            raise NotFound(_("There is no operator with the id %(id)s.") % {"id": operator_id})
        due = list(due_contracts(operator_id=operator_id, period=period).values_list("pk", "zone"))
        over_at = max(period.instants(zone)[1] for zone in {operator.zone, *(zone for _pk, zone in due)})
        require(
            at >= over_at,
            BadInput("period", period.code, _("The month is not over yet; sessions may still end in it.")),
        )
        require_day_of_document(issued_on, operator=operator, at=at)
        run, new = BillingRun.objects.get_or_create(
            operator=operator,
            period_from=period.start,
            period_to=period.end,
            defaults={"issue": issue, "issued_on": issued_on, "created_by": by, "created_at": at},
        )
        run = lock(BillingRun, run.pk)
        require(
            issue or not run.issue or new,
            WrongState(
                _("The run of %(period)s already issues documents; pause it to look at what it did.")
                % {"period": format_month(period.start)}
            ),
        )
        if not run.items.filter(state=ItemState.ISSUED).exists():
            run.issued_on = issued_on
        run.issue = issue
        set_going(run, by=by)
        run.save()
        BillingRunItem.objects.bulk_create(
            [BillingRunItem(run=run, contract_id=pk) for pk, _zone in due], ignore_conflicts=True, batch_size=1000
        )
        again = Q(state__in=[ItemState.FAILED, ItemState.SKIPPED]) | Q(state=ItemState.DRAFTED, invoice__isnull=True)
        if issue:
            again |= Q(state=ItemState.DRAFTED)
        open_again(BillingRunItem.objects.filter(again, run=run))
        _release_claims(run_id=run.pk, claimed_before=at)
        record_audit(
            action="invoicing.run.start" if new else "invoicing.run.continue",
            obj=run,
            by=by,
            at=at,
            changes={"issue": issue, "issued_on": run.issued_on, "contracts": len(due)},
        )
    return run


def next_items(*, run_id: int) -> list[int]:
    """Items to work on now: pending, unclaimed, of the first phase (PHASES) that is not done yet.

    Empty while the last items of a phase are in other hands, when the run is paused, and when all is done.
    """
    free = _pending(run_id).filter(contract__kind=phase_of(run_id=run_id), claimed_at__isnull=True)
    return list(free.order_by("contract__number").values_list("pk", flat=True))


def phase_of(*, run_id: int) -> str:
    """The kind of contracts that the run is at; empty when nothing is pending or the run does not run."""
    kinds = set(_pending(run_id).values_list("contract__kind", flat=True).distinct())
    return next((kind.value for kind in PHASES if kind in kinds), "")


def _pending(run_id: int) -> QuerySet[BillingRunItem]:
    return BillingRunItem.objects.filter(run_id=run_id, run__state=RunState.RUNNING, state=ItemState.PENDING)


def process_items(*, run_id: int, item_ids: list[int], at: dt.datetime) -> dict[int, str]:
    """Bill these items; the new state per item that was there to claim.

    Plain contracts are billed together (bulk_close.py), the others one after the other, each in a transaction of its
    own. One that fails keeps the cause on its item and the others go on (I17). A paused run gives nothing to claim.
    """
    attempts = _claim(run_id, item_ids, at)
    if not attempts:
        return {}
    step("invoicing.run.claimed")
    done: dict[int, str] = {}
    for group in groups_of([item_id for item_id, attempt in attempts.items() if attempt == 1]):
        done |= _bill_together(group, at)
    for item_id, attempt in attempts.items():
        if item_id not in done:
            state = _bill_or_note_cause(item_id, attempt, at)
            if state:
                done[item_id] = state
    return {item_id: done[item_id] for item_id in attempts if item_id in done}


def finish_run(*, run_id: int, at: dt.datetime) -> bool:
    """Mark a run finished when nothing in it is pending; whether it is finished. Failed items do not hold it open.

    What became of the month's sessions is then kept as a report, and the books are proved.
    """
    pending = BillingRunItem.objects.filter(run=OuterRef("pk"), state=ItemState.PENDING)
    with transaction.atomic():
        done = BillingRun.objects.filter(~Exists(pending), pk=run_id, state=RunState.RUNNING)
        if done.update(state=RunState.FINISHED, finished_at=at):
            record_audit(action="invoicing.run.finish", obj=BillingRun.objects.get(pk=run_id), by=None, at=at)
            request_report(run_id=run_id, at=at)
            request_check(run_id=run_id, at=at)
    return BillingRun.objects.filter(pk=run_id, state=RunState.FINISHED).exists()


def open_again(items: QuerySet[BillingRunItem]) -> None:
    """Put items back in the queue, with all their attempts before them."""
    items.update(state=ItemState.PENDING, reason="", attempts=0, claimed_at=None, finished_at=None)


def sweep_runs(*, at: dt.datetime) -> list[int]:
    """Release what dead workers held, close what is done; the runs whose tasks were lost and must be queued again."""
    lost = []
    for run_id in BillingRun.objects.filter(state=RunState.RUNNING).order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            _release_claims(run_id=run_id, claimed_before=at - CLAIM_LIMIT)
        if finish_run(run_id=run_id, at=at):
            continue
        items = BillingRunItem.objects.filter(run_id=run_id)
        signs = items.aggregate(claimed=Max("claimed_at"), finished=Max("finished_at"))
        last = max((sign for sign in signs.values() if sign), default=None)
        if last is None or last < at - QUIET_LIMIT:
            lost.append(run_id)
    return lost


def _claim(run_id: int, item_ids: Collection[int], at: dt.datetime) -> dict[int, int]:
    """Claim items in a committed step; the number of this attempt of each that was there to claim, in the given order.

    The rows are locked in the order of their keys; those that another worker is just claiming are his.
    """
    with transaction.atomic():
        free = BillingRunItem.objects.filter(
            pk__in=item_ids, run_id=run_id, run__state=RunState.RUNNING, state=ItemState.PENDING, claimed_at=None
        )
        rows = free.select_for_update(of=("self",), skip_locked=True, no_key=True).order_by("pk")
        attempts = {item.pk: item.attempts + 1 for item in rows}
        BillingRunItem.objects.filter(pk__in=attempts).update(claimed_at=at, attempts=F("attempts") + 1)
    return {item_id: attempts[item_id] for item_id in item_ids if item_id in attempts}


def _bill_together(item_ids: Sequence[int], at: dt.datetime) -> dict[int, str]:
    """Bill the plain ones among items that were claimed for the first time, in one transaction; their new states.

    One that ended its worker before is never among them: so it can only end its own attempts. Whatever goes wrong,
    nothing of the chunk stays, and who is not in the answer is billed alone, where the cause is kept (I17).
    """
    left = list(item_ids)
    while len(left) > 1:
        try:
            with transaction.atomic():
                items = [
                    item
                    for item in lock_all(BillingRunItem, left)
                    if (item.state, item.attempts) == (ItemState.PENDING, 1)
                ]
                if not items:
                    return {}
                run = BillingRun.objects.select_related("operator", "created_by").get(pk=items[0].run_id)
                if run.state in UNDECIDED:
                    return {}
                for item in items:
                    item.run = run
                items.sort(key=lambda item: left.index(item.pk))
                done = bill_together(run=run, items=items, at=at)
        except NotAllTogether as some:
            left = [item_id for item_id in left if item_id not in some.item_ids]
        except Exception:
            log.warning("A chunk of %s contracts is billed one by one", len(left), exc_info=True)
            return {}
        else:
            step("invoicing.run.committed")
            return done
    return {}


def _bill_or_note_cause(item_id: int, attempt: int, at: dt.datetime) -> str | None:
    """Bill one claimed item; whatever goes wrong with its contract becomes the cause on its item (I17)."""
    if attempt > MOST_ATTEMPTS:
        return _note_failure(
            item_id, attempt, _("Its worker ended %(count)s times while billing it.") % {"count": MOST_ATTEMPTS}, at
        )
    try:
        return _bill(item_id, attempt, at)
    except BillingError as error:
        cause = error.message
    except OperationalError:
        log.warning("Billing item %s meets a busy database and is tried again", item_id, exc_info=True)
        BillingRunItem.objects.filter(pk=item_id, attempts=attempt, state=ItemState.PENDING).update(claimed_at=None)
        return None
    except Exception as error:
        log.exception("Billing item %s failed", item_id)
        cause = _("Unexpected: %(error)s") % {"error": f"{type(error).__name__}: {error}"}
    return _note_failure(item_id, attempt, cause, at)


def _bill(item_id: int, attempt: int, at: dt.datetime) -> str | None:
    """Rate, assess penalties, draft and issue one contract, its fee note too, in one transaction; of a billing group
    all its contracts with the first of them. None when another worker took the item over, or the run waits by now.
    """
    with transaction.atomic():
        item = lock(BillingRunItem, item_id)
        if item.state != ItemState.PENDING or item.attempts != attempt:
            return None
        run, contract = item.run, item.contract
        if run.state in UNDECIDED:
            BillingRunItem.objects.filter(pk=item_id).update(claimed_at=None)
            return None
        if contract.kind == ContractKind.HOSTING and not run.issue:
            return _note(
                item, ItemState.SKIPPED, at, reason=_("Shares are settled when the month's documents are issued.")
            )
        period = run.period
        prepare_month(contract=contract, period=period, by=run.created_by, at=at)
        item.carried_amount, nothing = None, _("Nothing to bill.")
        try:
            drafted = draft_documents(contract_id=contract.pk, period=period, by=run.created_by, at=at)
        except NothingToSettle as reason:
            return _note(item, ItemState.SKIPPED, at, reason=reason.message[:300])
        except MonthCarriedOver as carried:
            drafted, item.carried_amount, nothing = [], carried.amount, carried.message[:300]
        step("invoicing.run.drafted")
        note = draft_fee_note(contract_id=contract.pk, period=period, by=run.created_by, at=at)
        documents = drafted if note is None else [*drafted, note]
        if not documents:
            return _note(item, ItemState.SKIPPED, at, reason=nothing)
        for document in documents:
            if run.issue and document.state == InvoiceState.DRAFT:
                issue_invoice(invoice_id=document.pk, issued_on=run.issued_on, by=run.created_by, at=at)
                step("invoicing.run.issued")
        issued = run.issue or all(each.state == InvoiceState.ISSUED for each in documents)
        state = _note(
            item,
            ItemState.ISSUED if issued else ItemState.DRAFTED,
            at,
            invoice=documents[0],
            reason="" if item.carried_amount is None else nothing,
        )
        step("invoicing.run.noted")
    step("invoicing.run.committed")
    return state


def _note(
    item: BillingRunItem, state: ItemState, at: dt.datetime, *, invoice: Invoice | None = None, reason: str = ""
) -> str:
    """Write what became of a locked item."""
    item.state, item.invoice, item.reason, item.finished_at = state, invoice, reason, at
    item.save(update_fields=["state", "invoice", "reason", "carried_amount", "finished_at"])
    return state.value


def _note_failure(item_id: int, attempt: int, cause: str, at: dt.datetime) -> str | None:
    """Keep the cause on the item, unless another worker took it over meanwhile."""
    noted = BillingRunItem.objects.filter(pk=item_id, attempts=attempt, state=ItemState.PENDING).update(
        state=ItemState.FAILED, reason=cause[:300], finished_at=at
    )
    return ItemState.FAILED.value if noted else None


def _release_claims(*, run_id: int, claimed_before: dt.datetime) -> None:
    """Give back the items of workers that are gone: a worker that lives holds its item's row locked."""
    left = BillingRunItem.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        run_id=run_id, state=ItemState.PENDING, claimed_at__lte=claimed_before
    )
    BillingRunItem.objects.filter(pk__in=[item.pk for item in left]).update(claimed_at=None)
