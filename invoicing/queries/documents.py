"""What is still open on a document, and its state of payment: computed from allocations, never stored on it."""

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, TextChoices, Value, When
from django.db.models.functions import Cast, Coalesce, Concat, Round
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from evbilling.kernel.fields import AmountField, amount_sum
from evbilling.kernel.money import ZERO, quantise
from invoicing.models import (
    CLAIMS,
    Allocation,
    Correction,
    CorrectionKind,
    CorrectionState,
    Invoice,
    InvoiceKind,
    InvoiceState,
)
from invoicing.queries.cancelled import cancelled, issued_notes

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class OpenAmounts(TypedDict):
        """What `with_open_amount` annotates."""

        allocated_amount: Decimal
        open_amount: Decimal
        credited_amount: Decimal
        is_credited: bool
        is_written_off: bool

    type OpenInvoices = QuerySet[WithAnnotations[Invoice, OpenAmounts]]

CREDIT_PREFIX = "credit:"
PAYMENT_PREFIX = "payment:"
WRITE_OFF_PREFIX = "writeoff:"


class PaymentState(TextChoices):
    """How far a document is settled, on a day; a credit note, how far it settles others."""

    DRAFT = "draft", _("draft")
    OPEN = "open", _("open")
    PARTLY_PAID = "partly_paid", _("partly paid")
    PAID = "paid", _("paid")
    OVERDUE = "overdue", _("overdue")
    CREDITED = "credited", _("credited")
    PARTLY_CREDITED = "partly_credited", _("partly credited")
    WRITTEN_OFF = "written_off", _("written off")
    SETTLED = "settled", pgettext_lazy("credit note", "settled")
    PARTLY_SETTLED = "partly_settled", pgettext_lazy("credit note", "partly settled")


SETTLED_BY = {
    PaymentState.PAID: PaymentState.SETTLED,
    PaymentState.PARTLY_PAID: PaymentState.PARTLY_SETTLED,
}
"""What a credit note is called that settles other documents: nobody paid it."""
_PAID_BY = {said: state for state, said in SETTLED_BY.items()}


def credit_source(credit_note_id: int) -> str:
    """The name of a credit note as the source of an allocation."""
    return f"{CREDIT_PREFIX}{credit_note_id}"


def with_open_amount(queryset: QuerySet[Invoice]) -> "OpenInvoices":
    """Annotate `allocated_amount`, `open_amount`, `credited_amount` (gross, of its issued credit notes), `is_credited`
    (they cancel the document whole) and `is_written_off` (a second person gave up what was open).

    Of an invoice or settlement, what payments and credits settle of it. Of a credit note, what of it settles
    documents; the rest is the party's to use or to be paid back. A draft has nothing open.
    """
    onto = Allocation.objects.filter(invoice=OuterRef("pk")).order_by().values("invoice")
    out_of = (
        Allocation.objects.filter(source=Concat(Value(CREDIT_PREFIX), Cast(OuterRef("pk"), CharField())))
        .order_by()
        .values("source")
    )
    settled = Case(
        When(kind=InvoiceKind.CREDIT_NOTE, then=_sum(out_of)), default=_sum(onto), output_field=AmountField()
    )
    rest = Case(
        When(state=InvoiceState.ISSUED, then=Round(F("gross_amount") - F("allocated_amount"), precision=4)),
        default=Value(ZERO),
        output_field=AmountField(),
    )
    notes: QuerySet[Invoice, Any] = issued_notes().filter(corrects=OuterRef("pk")).order_by().values("corrects")
    given_up = Correction.objects.filter(
        invoice=OuterRef("pk"), kind=CorrectionKind.WRITE_OFF, state=CorrectionState.DONE
    )
    return queryset.annotate(
        allocated_amount=settled,
        credited_amount=Coalesce(
            Subquery(notes.annotate(total=amount_sum("gross_amount")).values("total")),
            Value(ZERO),
            output_field=AmountField(),
        ),
        is_credited=cancelled("pk"),
        is_written_off=Exists(given_up),
    ).annotate(open_amount=rest)


def _sum(rows: QuerySet[Allocation, Any]) -> Coalesce:
    return Coalesce(
        Subquery(rows.annotate(total=amount_sum("amount")).values("total")), Value(ZERO), output_field=AmountField()
    )


def open_amount(invoice: Invoice) -> Decimal:
    """What is still to be settled of a document, in its currency's minor digits; zero for a draft.

    Reads the annotation of `with_open_amount` where it is there; otherwise one query.
    """
    known = getattr(invoice, "open_amount", None)
    if known is None:
        known = with_open_amount(Invoice.objects.filter(pk=invoice.pk)).get().open_amount
    return quantise(known, invoice.currency)


def payment_state(invoice: Invoice, *, on: dt.date) -> PaymentState:
    """The state of payment on a day. Overdue begins on the day after the due date; a cancelled document is never due.

    Reads the annotations of `with_open_amount` where they are there; otherwise one query.
    """
    if invoice.state == InvoiceState.DRAFT:
        return PaymentState.DRAFT
    if not hasattr(invoice, "is_credited"):
        return payment_state(with_open_amount(Invoice.objects.filter(pk=invoice.pk)).get(), on=on)
    left = open_amount(invoice)
    if invoice.is_credited:
        return PaymentState.CREDITED
    if left <= 0:
        return PaymentState.WRITTEN_OFF if invoice.is_written_off else _said(invoice, PaymentState.PAID)  # type: ignore[attr-defined]
    if invoice.kind in CLAIMS and invoice.due_on is not None and invoice.due_on < on:
        return PaymentState.OVERDUE
    return _unpaid(invoice, left)


def _unpaid(invoice: Invoice, left: Decimal) -> PaymentState:
    """What settled the rest of a document that is open: nothing, credit notes alone, or money too."""
    if left == invoice.gross_amount:
        return PaymentState.OPEN
    credits_alone = left == quantise(invoice.gross_amount - invoice.credited_amount, invoice.currency)  # type: ignore[attr-defined]
    return PaymentState.PARTLY_CREDITED if credits_alone else _said(invoice, PaymentState.PARTLY_PAID)


def _said(invoice: Invoice, state: PaymentState) -> PaymentState:
    return SETTLED_BY[state] if invoice.kind == InvoiceKind.CREDIT_NOTE else state


def in_payment_state(queryset: QuerySet[Invoice], state: str, *, on: dt.date) -> "OpenInvoices":
    """The documents of `queryset` in this state of payment on a day; the same rule as `payment_state`, in SQL."""
    rows = with_open_amount(queryset)
    if state == PaymentState.DRAFT:
        return rows.filter(state=InvoiceState.DRAFT)
    issued = rows.filter(state=InvoiceState.ISSUED)
    if state == PaymentState.CREDITED:
        return issued.filter(is_credited=True)
    live = issued.filter(is_credited=False)
    if state in SETTLED_BY:
        live = live.exclude(kind=InvoiceKind.CREDIT_NOTE)
    elif state in _PAID_BY:
        live, state = live.filter(kind=InvoiceKind.CREDIT_NOTE), _PAID_BY[PaymentState(state)]
    if state in {PaymentState.PAID, PaymentState.WRITTEN_OFF}:
        return live.filter(open_amount__lte=ZERO, is_written_off=state == PaymentState.WRITTEN_OFF)
    overdue = Q(kind__in=CLAIMS, due_on__lt=on)
    unpaid = live.filter(open_amount__gt=ZERO)
    if state == PaymentState.OVERDUE:
        return unpaid.filter(overdue)
    untouched = Q(open_amount=F("gross_amount"))
    credits_alone = Q(open_amount=Round(F("gross_amount") - F("credited_amount"), precision=4))
    waiting = unpaid.exclude(overdue)
    if state == PaymentState.OPEN:
        return waiting.filter(untouched)
    return waiting.filter(~untouched, credits_alone if state == PaymentState.PARTLY_CREDITED else ~credits_alone)
