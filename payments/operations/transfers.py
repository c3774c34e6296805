"""Bank transfers entered by hand from a statement."""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import Operator, Party
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import holds_card_number
from evbilling.kernel.errors import BadInput, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.money import require_minor
from invoicing.models import Invoice, InvoiceState
from invoicing.operations.dating import require_bookable
from invoicing.operations.ledger import post_cash_received
from payments.errors import CardNumberGiven
from payments.models import Payment, PaymentEvent, PaymentEventKind, PaymentState
from payments.operations.allocating import allocate_up_to
from payments.operations.payments import new_reference

TRANSFER = "transfer"


def record_transfer(
    *,
    operator_id: int,
    party_id: int,
    amount: Decimal,
    currency: str,
    received_on: dt.date,
    payer_reference: str,
    invoice_id: int | None,
    by: User | None,
    at: dt.datetime,
) -> Payment:
    """Book money that came by bank transfer and settle an invoice with it; what is over stays the party's credit.

    Raises BadInput for an amount that is not positive or a day that is not bookable, WrongState for another party's
    invoice, CardNumberGiven for a card number in the reference. The same transfer twice is refused.
    """
    amount = require_minor(amount, currency)
    require(amount > 0, BadInput("amount", amount, _("Enter what arrived, above zero.")))
    operator = Operator.objects.get(pk=operator_id)
    ahead = _("The money cannot arrive in the future.")
    require_bookable(received_on, field=_("received on"), ahead=ahead, operator=operator, at=at)
    require(not holds_card_number(payer_reference), CardNumberGiven("payer_reference"))
    with transaction.atomic():
        party = lock(Party, party_id)
        if invoice_id is not None:
            invoice = lock(Invoice, invoice_id)
            require(
                invoice.state == InvoiceState.ISSUED
                and (invoice.party_id, invoice.operator_id, invoice.currency) == (party_id, operator_id, currency),
                WrongState(
                    _("%(document)s is not an issued document of %(operator)s to %(party)s in %(currency)s.")
                    % {"document": invoice, "operator": operator, "party": party, "currency": currency}
                ),
            )
        known = Payment.objects.filter(
            processor=TRANSFER,
            party=party,
            amount=amount,
            currency=currency,
            received_on=received_on,
            payer_reference=payer_reference,
        ).first()
        require(
            known is None,
            WrongState(
                _("This transfer is booked already as %(payment)s; give its statement reference if it is another.")
                % {"payment": known}
            ),
        )
        payment = Payment.objects.create(
            public_id=new_reference(),
            operator=operator,
            party=party,
            invoice_id=invoice_id,
            processor=TRANSFER,
            amount=amount,
            currency=currency,
            state=PaymentState.CAPTURED,
            received_on=received_on,
            payer_reference=payer_reference,
            created_by=by,
            created_at=at,
        )
        PaymentEvent.objects.create(payment=payment, kind=PaymentEventKind.CAPTURED, amount=amount, at=at)
        post_cash_received(
            operator=operator,
            source=f"payment:{payment.public_id}:captured",
            party=party,
            amount=amount,
            currency=currency,
            booked_on=received_on,
            clearing=False,
            at=at,
        )
        if invoice_id is not None:
            allocate_up_to(payment=payment, invoice_id=invoice_id, by=by, at=at)
        record_audit(
            action="payments.transfer.record",
            obj=payment,
            by=by,
            at=at,
            changes={"amount": amount, "received_on": received_on},
        )
    return payment
