"""Reads of payments for screens, operations and checks."""

from collections.abc import Collection
from decimal import Decimal

from django.db.models import QuerySet

from contracts.models import Party
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import quantise
from invoicing.models import Allocation, Invoice
from payments.models import OPEN_STATES, MethodState, Payment, PaymentMethod, PaymentState


def captured_amount(payment: Payment) -> Decimal:
    """What a payment brought, from its events."""
    total = payment.events.filter(kind="captured").aggregate(total=amount_sum("amount"))["total"]
    return quantise(total or Decimal(0), payment.currency)


def unallocated_amount(payment: Payment) -> Decimal:
    """What a payment brought and no invoice took yet."""
    taken = Allocation.objects.filter(source=f"payment:{payment.public_id}").aggregate(total=amount_sum("amount"))[
        "total"
    ]
    return captured_amount(payment) - quantise(taken or Decimal(0), payment.currency)


def credit_of(party: Party, currency: str) -> Decimal:
    """Money of a party that settles nothing yet."""
    payments = Payment.objects.filter(party=party, currency=currency, state=PaymentState.CAPTURED)
    return sum((unallocated_amount(payment) for payment in payments), quantise(0, currency))


def under_way(invoice_ids: Collection[int]) -> set[int]:
    """Those of these invoices for which an attempt may still bring money: nobody is reminded of them meanwhile."""
    rows = Payment.objects.filter(invoice__in=invoice_ids, state__in=OPEN_STATES)
    return {each for each in rows.values_list("invoice_id", flat=True) if each is not None}


def usable_methods(party: Party) -> QuerySet[PaymentMethod]:
    """The party's saved methods, the default first."""
    return PaymentMethod.objects.filter(party=party, state=MethodState.ACTIVE).order_by("-is_default", "-id")


def payments_of(invoice: Invoice) -> QuerySet[Payment]:
    """All attempts to pay an invoice, newest first."""
    return Payment.objects.filter(invoice=invoice).select_related("method").order_by("-id")
