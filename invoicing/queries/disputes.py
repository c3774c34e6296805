"""Disputes: what customers contest of a document, and what a session comes to on it."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Least

from contracts.models import Party, PriceBasis
from evbilling.kernel.fields import AmountField, amount_sum
from evbilling.kernel.money import ZERO, add, quantise, vat_of
from invoicing.models import BilledCharge, ChargeUse, CreditedCharge, Dispute, DisputeState, Invoice, InvoiceState
from invoicing.queries.documents import open_amount, with_open_amount
from sessions.models import ChargingSession

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations


def open_disputes() -> QuerySet[Dispute]:
    """Those that wait for a clerk, the oldest first."""
    return Dispute.objects.filter(state=DisputeState.OPEN).order_by("raised_at", "pk")


def contested_amount(invoice: Invoice) -> Decimal:
    """What open disputes contest of a document, gross, never more than is open on it: dunning leaves it out."""
    known = getattr(invoice, "contested_amount", None)
    if known is None:
        rows = Dispute.objects.filter(invoice=invoice, state=DisputeState.OPEN)
        known = min(add(rows.values_list("contested_amount", flat=True)), max(open_amount(invoice), ZERO))
    return quantise(known, invoice.currency)


def with_contested_amount(queryset: QuerySet[Invoice]) -> "QuerySet[WithAnnotations[Invoice, Any]]":
    """Annotate `contested_amount` (the same rule, in SQL) beside what `with_open_amount` annotates."""
    sums: Any = (
        Dispute.objects.filter(invoice=OuterRef("pk"), state=DisputeState.OPEN)
        .order_by()
        .values("invoice")
        .annotate(total=amount_sum("contested_amount"))
    )
    contested = Coalesce(Subquery(sums.values("total")), Value(ZERO), output_field=AmountField())
    rows: Any = with_open_amount(queryset)
    return rows.annotate(contested_sum=contested).annotate(contested_amount=Least("contested_sum", "open_amount"))


def left_of_session(invoice: Invoice, session_id: int) -> Decimal:
    """What is left of a session on a document after its credits, in the document's price basis. Two queries."""
    return add(amount for amount, _rate in _left(invoice, session_id))


def gross_of_session(invoice: Invoice, session_id: int) -> Decimal:
    """The same with tax: the session's gross part of the document. Two queries."""
    if invoice.price_basis == PriceBasis.GROSS:
        return left_of_session(invoice, session_id)
    return add(amount + vat_of(amount, rate, invoice.currency) for amount, rate in _left(invoice, session_id))


def _left(invoice: Invoice, session_id: int) -> list[tuple[Decimal, Decimal]]:
    """What is left of each of its charges, with the tax rate of the line."""
    gross = invoice.price_basis == PriceBasis.GROSS
    credits: dict[int, Decimal] = {}
    for charge_id, net, whole in CreditedCharge.objects.filter(
        charge__session=session_id, line__corrects__invoice=invoice, line__invoice__state=InvoiceState.ISSUED
    ).values_list("charge_id", "net_amount", "gross_amount"):
        credits[charge_id] = credits.get(charge_id, ZERO) + (whole if gross and whole is not None else net)
    billed = BilledCharge.objects.filter(line__invoice=invoice, charge__session=session_id, use=ChargeUse.BILLED)
    return [
        (
            quantise((whole if gross and whole is not None else net) - credits.get(charge_id, ZERO), invoice.currency),
            rate,
        )
        for charge_id, net, whole, rate in billed.order_by("pk").values_list(
            "charge_id", "charge__net_amount", "charge__gross_amount", "line__tax_rate"
        )
    ]


def documents_of_session(session: ChargingSession, party: Party) -> QuerySet[Invoice]:
    """A party's issued documents that bill a session, the newest first."""
    billed = BilledCharge.objects.filter(charge__session=session, use=ChargeUse.BILLED)
    return Invoice.objects.filter(
        party=party, state=InvoiceState.ISSUED, pk__in=billed.values("line__invoice")
    ).order_by("-pk")


def disputes_of(invoice: Invoice) -> QuerySet[Dispute]:
    """All disputes of a document, the newest first."""
    return Dispute.objects.filter(invoice=invoice).select_related("session", "credit_note", "raised_by")
