"""How far a billing run is: counts per state, throughput, time left, and what became of its documents and mails."""

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from django.db.models import CharField, Count, Min, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from contracts.models import ContractKind
from evbilling.kernel.outbox import OutboxMessage, OutboxState
from invoicing.models import (
    BillingRun,
    BillingRunItem,
    Delivery,
    DeliveryState,
    Document,
    DocumentKind,
    Invoice,
    InvoiceKind,
    InvoiceState,
    ItemState,
    RunState,
)

RENDER_KEY = "invoicing.document.render:"
RECENT = dt.timedelta(minutes=5)
"""Throughput is measured over the last minutes, so that a pause in the past does not count."""
FOLLOWING = Q(state=ItemState.SKIPPED, run__issue=False, contract__kind=ContractKind.HOSTING)
"""Items of hosts whom a run of drafts left for the day on which its documents are issued."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Counts of contracts per state, of documents drawn (still to be drawn, impossible to draw) and of mails per state.

    `following` are hosts of a run of drafts: they are settled when its documents are issued, and are not `skipped`.
    `per_minute` is contracts a minute over the last minutes of work; `eta_seconds` the time left at that pace. Both are
    None where nothing was measured, nothing is left, or the run does not run.
    """

    state: str
    total: int
    pending: int
    in_work: int
    drafted: int
    issued: int
    skipped: int
    following: int
    failed: int
    documents: int
    documents_waiting: int
    documents_failed: int
    mails: dict[str, int]
    per_minute: Decimal | None
    eta_seconds: int | None

    @property
    def done(self) -> int:
        """Contracts with a result."""
        return self.total - self.pending

    @property
    def percent(self) -> int:
        """Whole percent of the contracts that are done; 100 for a run without contracts."""
        return 100 * self.done // self.total if self.total else 100

    @property
    def settled(self) -> bool:
        """Whether nothing moves any more: run over or paused, no document and no mail under way."""
        moving = self.documents_waiting + self.mails[DeliveryState.QUEUED] + self.mails[DeliveryState.SENDING]
        return self.state != RunState.RUNNING and not moving

    @property
    def needs_person(self) -> int:
        """Contracts, documents and mails that somebody has to look at."""
        mails = self.mails[DeliveryState.FAILED] + self.mails[DeliveryState.UNKNOWN]
        return self.failed + self.documents_failed + mails


def run_progress(run: BillingRun, *, at: dt.datetime) -> RunProgress:
    """The progress of a run at an instant, in five queries whatever its size."""
    items = BillingRunItem.objects.filter(run=run)
    counts = dict(items.values_list("state").annotate(count=Count("pk")).order_by())
    by_state = {state: counts.get(state, 0) for state in ItemState.values}
    work = items.aggregate(
        in_work=Count("pk", filter=Q(state=ItemState.PENDING, claimed_at__isnull=False)),
        first=Min("claimed_at", filter=Q(claimed_at__gte=at - RECENT)),
        following=Count("pk", filter=FOLLOWING),
        recent=Count("pk", filter=Q(finished_at__gte=at - RECENT, claimed_at__gte=at - RECENT)),
    )
    pace = _pace(work["recent"], work["first"], at) if run.state == RunState.RUNNING else None
    pending = by_state[ItemState.PENDING]
    invoices = _issued_by(run).values("pk")
    mails = dict(
        Delivery.objects.filter(invoice__in=invoices).values_list("state").annotate(count=Count("pk")).order_by()
    )
    keys = _issued_by(run).values(key=Concat(Value(RENDER_KEY), Cast("pk", CharField())))
    draws = OutboxMessage.objects.filter(key__in=keys).aggregate(
        waiting=Count("pk", filter=Q(state__in=[OutboxState.QUEUED, OutboxState.IN_FLIGHT])),
        failed=Count("pk", filter=Q(state__in=[OutboxState.FAILED, OutboxState.UNKNOWN])),
    )
    return RunProgress(
        state=run.state,
        total=sum(by_state.values()),
        pending=pending,
        in_work=work["in_work"],
        drafted=by_state[ItemState.DRAFTED],
        issued=by_state[ItemState.ISSUED],
        skipped=by_state[ItemState.SKIPPED] - work["following"],
        following=work["following"],
        failed=by_state[ItemState.FAILED],
        documents=Document.objects.filter(invoice__in=invoices, kind=DocumentKind.PDF).count(),
        documents_waiting=draws["waiting"],
        documents_failed=draws["failed"],
        mails={state: mails.get(state, 0) for state in DeliveryState.values},
        per_minute=pace,
        eta_seconds=int((pending * 60 / pace).to_integral_value(ROUND_CEILING)) if pace and pending else None,
    )


def _issued_by(run: BillingRun) -> QuerySet[Invoice]:
    """The issued documents of a run: those of its contracts, and the fee notes beside them."""
    issued = BillingRunItem.objects.filter(run=run, state=ItemState.ISSUED)
    notes = Q(
        kind=InvoiceKind.FEE_NOTE,
        state=InvoiceState.ISSUED,
        contract__in=issued.values("contract"),
        period_from=run.period_from,
        period_to=run.period_to,
    )
    return Invoice.objects.filter(Q(pk__in=issued.values("invoice")) | notes)


def _pace(finished: int, since: dt.datetime | None, at: dt.datetime) -> Decimal | None:
    """Contracts a minute; None before the first is done."""
    if not finished or since is None or at <= since:
        return None
    return (60 * finished / (Decimal((at - since) // dt.timedelta(milliseconds=1)) / 1000)).quantize(Decimal("0.1"))


def open_items(run: BillingRun) -> QuerySet[BillingRunItem]:
    """What a person has to look at in a run: the failed contracts with their causes."""
    return (
        run.items.filter(state=ItemState.FAILED)
        .select_related("contract", "contract__party")
        .order_by("contract__number")
    )
