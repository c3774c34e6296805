"""Reads of penalties: which are to be billed, what became of each, and why it is due, in words."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Case, CharField, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, TextChoices, Value, When
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract
from evbilling.kernel.fields import AmountField, amount_sum
from evbilling.kernel.money import ZERO
from invoicing.models import Allocation, Dispute, Invoice, InvoiceKind, InvoiceState, Penalty, PenaltyKind, PenaltyState
from invoicing.queries.cancelled import cancelled
from invoicing.queries.documents import CREDIT_PREFIX
from invoicing.rules.penalties import penalty_sentence
from sessions.models import Hold, HoldState

NOTE_KINDS = (PenaltyKind.LATE_FEE, PenaltyKind.INTEREST, PenaltyKind.DUNNING_FEE, PenaltyKind.FAILED_PAYMENT)
"""Billed on a fee note of their own: no price of a supply (VAT category O, which stands beside no other)."""
INVOICE_KINDS = (PenaltyKind.OVERSTAY, PenaltyKind.NO_SHOW, PenaltyKind.EARLY_TERMINATION)
"""Billed on the month's invoice, taxed as the place is."""


class PenaltyStatus(TextChoices):
    """What became of a penalty; computed, each is in exactly one."""

    OPEN = "open", _("to be billed")
    ASKED = "waiver_asked", _("waiver asked for")
    WAIVED = "waived", _("waived")
    DRAFTED = "drafted", _("on a draft")
    BILLED = "billed", _("billed")
    CREDITED = "credited", _("billed and credited")
    VOID = "void", _("its reason is gone")


def _void() -> Q:
    """What it was for is no more: a changed copy replaced the session, a person rejected it, the late document was
    credited, or its money turned out to have come in time."""
    rejected = Hold.objects.filter(session=OuterRef("session"), state=HoldState.REJECTED)
    return Q(session__superseded_at__isnull=False) | Q(Exists(rejected)) | Q(cancelled("invoice")) | Q(_paid_in_time())


def _paid_in_time() -> Q:
    """Fees and interest for late payment of what was settled in full by its due date, as is known by now: what was
    credited because it was rightly contested never was due. Interest stays where money was taken back since."""
    accepted = Dispute.objects.filter(invoice=OuterRef("invoice"), credit_note__isnull=False).annotate(
        money=Concat(Value(CREDIT_PREFIX), Cast("credit_note", CharField()), output_field=CharField())
    )
    onto = Allocation.objects.filter(invoice=OuterRef("pk")).order_by().values("invoice")
    never_due = Q(Exists(accepted.filter(money=OuterRef("source"))))
    in_time = (
        onto.filter(Q(allocated_on__lte=OuterRef("due_on")) | never_due)
        .annotate(total=amount_sum("amount"))
        .values("total")
    )
    whole = Invoice.objects.annotate(in_time=Subquery(in_time, output_field=AmountField())).filter(
        pk=OuterRef("invoice"), in_time__gte=F("gross_amount")
    )
    taken_back = Allocation.objects.filter(
        invoice=OuterRef("invoice"), amount__lt=ZERO, allocated_on__gt=F("invoice__due_on")
    )
    late = Q(kind__in=[PenaltyKind.LATE_FEE, PenaltyKind.DUNNING_FEE]) | (
        Q(kind=PenaltyKind.INTEREST) & ~Q(Exists(taken_back))
    )
    return late & Q(Exists(whole))


def with_status(penalties: QuerySet[Penalty]) -> QuerySet[Penalty]:
    """Penalties with `status` (PenaltyStatus)."""
    return penalties.annotate(
        status=Case(
            When(state=PenaltyState.WAIVED, then=Value(PenaltyStatus.WAIVED)),
            When(cancelled("line__invoice"), then=Value(PenaltyStatus.CREDITED)),
            When(line__invoice__state=InvoiceState.ISSUED, then=Value(PenaltyStatus.BILLED)),
            When(line__isnull=False, then=Value(PenaltyStatus.DRAFTED)),
            When(_void(), then=Value(PenaltyStatus.VOID)),
            When(state=PenaltyState.WAIVER_ASKED, then=Value(PenaltyStatus.ASKED)),
            default=Value(PenaltyStatus.OPEN),
            output_field=CharField(),
        )
    )


def billable_penalties(contract: Contract, kinds: Iterable[str], before: dt.date) -> QuerySet[Penalty]:
    """What the next document of a contract bills of these kinds: assessed for days before `before`, on no document,
    not waived and no waiver asked for, its session not held, its reason still there."""
    return (
        _billable(before)
        .filter(contract=contract, kind__in=list(kinds))
        .select_related("session", "site", "invoice", "contract__party", "contract_version")
        .order_by("occurred_on", "source")
    )


def billable_net(contracts: QuerySet[Contract], before: dt.date) -> dict[str, Decimal]:
    """By currency what the next documents of these contracts bill of penalties of days before `before`, less what
    they give back for missed uptime.
    """
    rows = _billable(before).filter(contract__in=contracts).order_by().values_list("currency", "kind")
    found: dict[str, Decimal] = {}
    for currency, kind, amount in rows.annotate(amount_net=amount_sum("amount")):
        signed = -amount if kind == PenaltyKind.UPTIME else amount
        found[currency] = found.get(currency, ZERO) + signed
    return found


def _billable(before: dt.date) -> QuerySet[Penalty]:
    waiting = Hold.objects.filter(session=OuterRef("session"), state=HoldState.OPEN)
    return Penalty.objects.filter(
        ~_void(), ~Exists(waiting), state=PenaltyState.OPEN, line__isnull=True, occurred_on__lt=before
    )


def groundless_penalties(draft: Invoice) -> QuerySet[Penalty]:
    """Penalties on a draft whose reason is gone since it was drafted."""
    return Penalty.objects.filter(_void(), line__invoice=draft).order_by("pk")


def unbilled_penalties() -> QuerySet[Penalty]:
    """All that wait for a document or for a decision about their waiver."""
    return Penalty.objects.filter(~_void(), line__isnull=True).exclude(state=PenaltyState.WAIVED)


def asked_waivers() -> QuerySet[Penalty]:
    """Penalties whose waiver waits for a second person."""
    return Penalty.objects.filter(state=PenaltyState.WAIVER_ASKED)


def interest_so_far(invoice_ids: Iterable[int]) -> dict[int, tuple[dt.date, Decimal]]:
    """By document: the first day that bears no interest yet, and what was booked for the days before (I14)."""
    rows = (
        Penalty.objects.filter(kind=PenaltyKind.INTEREST, invoice__in=list(invoice_ids))
        .order_by()
        .values_list("invoice_id")
        .annotate(until=Max("period_to"), booked=amount_sum("amount"))
    )
    return {invoice_id: (until, booked or ZERO) for invoice_id, until, booked in rows if invoice_id is not None}


def late_documents(contract: Contract, before: dt.date) -> list[Invoice]:
    """Issued invoices of a contract that were due before a day and not credited, with their allocations; two queries.

    Fee notes are not among them: there is no interest on interest.
    """
    rows = Invoice.objects.filter(
        ~cancelled("pk"),
        contract=contract,
        kind=InvoiceKind.INVOICE,
        state=InvoiceState.ISSUED,
        due_on__lt=before,
        gross_amount__gt=ZERO,
    )
    return list(rows.prefetch_related("allocations").order_by("due_on", "pk"))


def sentence_of(penalty: Penalty, language: str) -> str:
    """Why the penalty is due, in one sentence."""
    return penalty_sentence(penalty.kind, penalty.because, penalty.currency, language)
