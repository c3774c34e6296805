"""Disputes: what customers contest of a document, and what a session comes to on it."""

from decimal import Decimal

from django.db.models import QuerySet

from contracts.models import PriceBasis
from evbilling.kernel.money import ZERO, add, quantise, vat_of
from invoicing.models import BilledCharge, ChargeUse, CreditedCharge, Dispute, DisputeState, Invoice, InvoiceState


def open_disputes() -> QuerySet[Dispute]:
    """Those that wait for a clerk, the oldest first."""
    return Dispute.objects.filter(state=DisputeState.OPEN).order_by("raised_at", "pk")


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


def disputes_of(invoice: Invoice) -> QuerySet[Dispute]:
    """All disputes of a document, the newest first."""
    return Dispute.objects.filter(invoice=invoice).select_related("session", "credit_note", "raised_by")
