"""Reads of payments for screens, operations and checks."""

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal

from django.db.models import QuerySet

from contracts.models import Operator, Party
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import add, quantise
from invoicing.models import CLAIMS, AccountRole, Allocation, Deposit, DepositKind, Invoice, InvoiceState
from invoicing.queries.accounting.reconciliation import Comparison, Key, compare, ledger_balances
from invoicing.queries.deposits import held_of
from invoicing.queries.documents import with_open_amount
from payments.models import (
    OPEN_STATES,
    RESERVED_STATES,
    MethodState,
    Payment,
    PaymentMethod,
    PaymentState,
    Refund,
    RefundState,
)


def captured_amount(payment: Payment) -> Decimal:
    """What a payment brought, from its events."""
    total = payment.events.filter(kind="captured").aggregate(total=amount_sum("amount"))["total"]
    return quantise(total or Decimal(0), payment.currency)


def unallocated_amount(payment: Payment) -> Decimal:
    """What a payment brought, no invoice took yet, no refund took or may still take, and no deposit holds (I12)."""
    source = f"payment:{payment.public_id}"
    taken = Allocation.objects.filter(source=source).aggregate(total=amount_sum("amount"))["total"]
    returned = Refund.objects.filter(payment=payment, state__in=[*RESERVED_STATES, RefundState.DONE])
    back = returned.aggregate(total=amount_sum("amount"))["total"]
    used = (taken or Decimal(0)) + (back or Decimal(0)) + held_of(source)
    return captured_amount(payment) - quantise(used, payment.currency)


def credit_of(party: Party, currency: str) -> Decimal:
    """Money of a party that settles nothing yet."""
    payments = Payment.objects.filter(party=party, currency=currency, state=PaymentState.CAPTURED)
    return sum((unallocated_amount(payment) for payment in payments), quantise(0, currency))


def expected_of(invoice: Invoice) -> Decimal:
    """What is open of the invoice's party with its operator, in its currency: the most that it has reason to send."""
    claims = Invoice.objects.filter(
        party=invoice.party_id,
        operator=invoice.operator_id,
        currency=invoice.currency,
        kind__in=CLAIMS,
        state=InvoiceState.ISSUED,
    )
    return add(with_open_amount(claims).values_list("open_amount", flat=True))


def far_above(amount: Decimal, expected: Decimal) -> bool:
    """Whether a transfer is more than twice what is open: a slip of the point or of a line is, a payment in advance of
    one more invoice is not.
    """
    return amount > 2 * expected


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


def credit_balances(operator: Operator | None = None) -> list[Comparison]:
    """Unallocated customer money of the ledger against the payments: captured, less what is allocated,
    paid back and held as deposit.

    Per operator, party and currency. Five queries.
    """
    captured = Payment.objects.filter(state=PaymentState.CAPTURED)
    taken = Allocation.objects.filter(source__startswith="payment:")
    deposits = Deposit.objects.all()
    if operator is not None:
        captured = captured.filter(operator=operator)
        taken = taken.filter(invoice__operator=operator)
        deposits = deposits.filter(contract__operator=operator)
    role = AccountRole.CUSTOMER_CREDIT.value
    found: dict[Key, Decimal] = defaultdict(Decimal)
    sums = captured.order_by().values_list("operator_id", "party_id", "currency").annotate(total=amount_sum("amount"))
    for operator_id, party_id, currency, total in sums:
        found[operator_id, role, party_id, currency] += total
    used = taken.order_by().values_list("invoice__operator_id", "invoice__party_id", "currency")
    for operator_id, party_id, currency, total in used.annotate(total=amount_sum("amount")):
        found[operator_id, role, party_id, currency] -= total
    returned = Refund.objects.filter(state=RefundState.DONE)
    if operator is not None:
        returned = returned.filter(payment__operator=operator)
    back = returned.order_by().values_list("payment__operator_id", "payment__party_id", "currency")
    for operator_id, party_id, currency, total in back.annotate(total=amount_sum("amount")):
        found[operator_id, role, party_id, currency] -= total
    moved = deposits.order_by().values_list("contract__operator_id", "contract__party_id", "currency", "kind")
    for operator_id, party_id, currency, kind, total in moved.annotate(total=amount_sum("amount")):
        found[operator_id, role, party_id, currency] += total if kind == DepositKind.RETURNED else -total
    return compare(ledger_balances((AccountRole.CUSTOMER_CREDIT,), operator), found)
