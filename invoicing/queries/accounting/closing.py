"""Before a month is closed: which months are open, and what is still to do in one."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from django.db.models import CharField, Count, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat, TruncMonth
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contracts.models import Operator
from evbilling.kernel.clock import Period, local_date, month_of, months_between
from evbilling.kernel.money import ZERO
from invoicing.models import (
    AccountingPeriod,
    AccountRole,
    BillingRun,
    BooksCheck,
    Dispute,
    DisputeState,
    Invoice,
    InvoiceState,
    JournalEntry,
    RunState,
)
from invoicing.queries.accounting.reconciliation import ledger_balances


@dataclass(frozen=True, slots=True)
class LedgerMonth:
    """A calendar month of an operator's ledger. `closing` is its row while it is closed; `history` are earlier ones."""

    period: Period
    entries: int
    closing: AccountingPeriod | None
    history: tuple[AccountingPeriod, ...]
    is_over: bool

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was booked on it and nobody ever closed it."""
        return not (self.entries or self.closing or self.history)

    @property
    def state(self) -> str:
        """open, asked (to be opened again) or closed."""
        if self.closing is None:
            return "open"
        return "asked" if self.closing.asked_by_id else "closed"


@dataclass(frozen=True, slots=True)
class ClosingCheck:
    """One point of the list before closing. `name` says which; `count` is what is still to do."""

    name: str
    title: str | Promise
    advice: str | Promise
    count: int


def ledger_months(operator: Operator, *, at: dt.datetime) -> list[LedgerMonth]:
    """The months from the first booking or closing to today's at the operator, the latest first. Two queries."""
    today = month_of(local_date(at, operator.zone))
    booked = _booked(operator)
    rows: dict[dt.date, list[AccountingPeriod]] = defaultdict(list)
    closings = AccountingPeriod.objects.filter(operator=operator).select_related("closed_by", "asked_by", "reopened_by")
    for row in closings.order_by("pk"):
        rows[row.month].append(row)
    first = min([*booked, *rows, today.start])
    last = max([*booked, today.start])
    return [
        LedgerMonth(
            period=month,
            entries=booked.get(month.start, 0),
            closing=next((row for row in rows[month.start] if row.reopened_at is None), None),
            history=tuple(row for row in rows[month.start] if row.reopened_at is not None),
            is_over=month.end <= today.end and month != today,
        )
        for month in reversed(months_between(month_of(first), month_of(last)))
    ]


def _booked(operator: Operator) -> dict[dt.date, int]:
    months = JournalEntry.objects.filter(operator=operator).order_by().annotate(month=TruncMonth("booked_on"))
    return dict(months.values_list("month").annotate(count=Count("pk")))


def closing_checks(operator: Operator, period: Period) -> list[ClosingCheck]:
    """What an accountant looks at before a month is closed; nothing of it forbids closing. Seven queries."""
    documents = Invoice.objects.filter(operator=operator)
    issued = documents.filter(
        state=InvoiceState.ISSUED, issued_on__gte=period.start, issued_on__lt=period.end
    ).annotate(source_name=Concat(Value("invoice:"), Cast("pk", CharField())))
    unposted = issued.filter(~Exists(JournalEntry.objects.filter(source=OuterRef("source_name"))))
    runs = BillingRun.objects.filter(operator=operator, period_from__lt=period.end).exclude(
        state__in=[RunState.FINISHED, RunState.DECLINED]
    )
    credit = ledger_balances((AccountRole.CUSTOMER_CREDIT,), operator)
    proof = BooksCheck.objects.order_by("-finished_at", "-pk").first()
    return [
        ClosingCheck(
            "drafts",
            _("Drafts left"),
            _("Issue or discard them: once the month is closed they take a later date."),
            documents.filter(state=InvoiceState.DRAFT, period_from__lt=period.end).count(),
        ),
        ClosingCheck(
            "runs", _("Month closes under way"), _("Wait until they are finished, or pause them."), runs.count()
        ),
        ClosingCheck(
            "unposted",
            _("Issued documents without a booking"),
            _("This must not be: prove the books and call for help."),
            unposted.count(),
        ),
        ClosingCheck(
            "credit",
            _("Customers with money that settles nothing"),
            _("Allocate it to open documents, or keep it as their credit."),
            sum(amount != ZERO for amount in credit.values()),
        ),
        ClosingCheck(
            "disputes",
            _("Open disputes"),
            _("What is accepted later is credited in a later month."),
            Dispute.objects.filter(invoice__operator=operator, state=DisputeState.OPEN).count(),
        ),
        ClosingCheck(
            "proof",
            _("Findings of the last proof of the books"),
            _("Resolve them first; no proof at all counts as one."),
            1 if proof is None else len(proof.findings),
        ),
    ]
