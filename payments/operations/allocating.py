"""Which money settles which invoice: the payments' side of allocations (I12)."""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.shell.formats import format_money
from invoicing.models import Allocation, Invoice
from invoicing.operations.allocations import allocate
from invoicing.queries.documents import open_amount
from payments.models import Payment, PaymentState
from payments.queries import unallocated_amount


def source_of(payment: Payment) -> str:
    """The name under which a payment's money appears in allocations."""
    return f"payment:{payment.public_id}"


def allocate_up_to(*, payment: Payment, invoice_id: int, by: User | None, at: dt.datetime) -> Allocation | None:
    """Settle as much of an invoice as the payment's free money covers; the rest stays the party's credit.

    The caller holds the payment's lock.
    """
    invoice = lock(Invoice, invoice_id)
    amount = min(unallocated_amount(payment), open_amount(invoice))
    if amount <= 0:
        return None
    return allocate(
        invoice_id=invoice_id,
        source=source_of(payment),
        amount=amount,
        allocated_on=payment.received_on or local_date(at, payment.operator.zone),
        by=by,
        at=at,
    )


def allocate_payment(
    *, payment_id: int, invoice_id: int, amount: Decimal, by: User | None, at: dt.datetime
) -> Allocation:
    """Settle part of an invoice with free money of a captured payment of the same party.

    Raises WrongState for money not captured, of another party, operator or currency, BadInput for more than is free.
    """
    with transaction.atomic():
        payment = lock(Payment, payment_id)
        invoice = lock(Invoice, invoice_id)
        require(
            payment.state == PaymentState.CAPTURED
            and (payment.party_id, payment.operator_id, payment.currency)
            == (invoice.party_id, invoice.operator_id, invoice.currency),
            WrongState(
                _(
                    "%(payment)s cannot settle %(document)s: it is not captured, or of another party, operator or "
                    "currency."
                )
                % {"payment": payment, "document": invoice}
            ),
        )
        free = unallocated_amount(payment)
        require(
            0 < amount <= free,
            BadInput(
                "amount",
                amount,
                _("%(payment)s has %(amount)s free.")
                % {"payment": payment, "amount": format_money(free, payment.currency)},
            ),
        )
        return allocate(
            invoice_id=invoice_id,
            source=source_of(payment),
            amount=amount,
            allocated_on=local_date(at, payment.operator.zone),
            by=by,
            at=at,
        )
