"""Receipts: what a payment brought and settled, as a letter that is made once and kept."""

import datetime as dt

from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from evbilling.access.models import User
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import NotFound, WrongState, require
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import add, quantise
from invoicing.models import Allocation, Invoice, Letter, LetterKind
from invoicing.operations.letters import file_letter
from invoicing.operations.notices import addressee
from invoicing.queries.documents import open_amount
from invoicing.queries.freezing import issuer_details
from payments.models import Payment, PaymentState
from payments.operations.allocating import source_of
from payments.queries import captured_amount, unallocated_amount


def file_receipt(*, payment_id: int, by: User | None, at: dt.datetime) -> Letter:
    """The receipt of money that has arrived, in its party's language: drawn the first time, the same bytes ever after.

    Raises NotFound; WrongState for money that has not arrived, and for money of which a part went back or is held.
    """
    payment = Payment.objects.select_related("operator", "party", "method").filter(pk=payment_id).first()
    if payment is None:
        raise NotFound(_("There is no payment with the id %(id)s.") % {"id": payment_id})
    require(
        payment.state == PaymentState.CAPTURED and payment.received_on is not None,
        WrongState(_("%(payment)s has not arrived yet; there is a receipt when it has.") % {"payment": payment}),
    )
    source = f"receipt:{payment.public_id}"
    kept = Letter.objects.filter(source=source).first()
    if kept is not None:
        return kept
    language = payment.party.language
    on = local_date(at, payment.operator.zone)
    with override(language):
        word = pgettext("file name", "Receipt")
        content = _drawn(payment, language, on)
    return file_letter(
        kind=LetterKind.RECEIPT,
        operator=payment.operator,
        party=payment.party,
        source=source,
        language=language,
        dated_on=on,
        file_name=f"{word}_{_number(payment)}_{on.isoformat()}.pdf",
        content_type="application/pdf",
        content=content,
        by=by,
        at=at,
    )


def _number(payment: Payment) -> str:
    """The first digits of the payment's reference, as people say it; the whole of it stands beside."""
    return payment.public_id[:12].upper()


def _drawn(payment: Payment, language: str, on: dt.date) -> bytes:
    from invoicing.documents import blocks  # noqa: PLC0415 - loads WeasyPrint, which the web needs for this alone
    from invoicing.documents.letters.pdf import render_receipt  # noqa: PLC0415
    from invoicing.documents.letters.views import ReceiptView, SettledItem  # noqa: PLC0415
    from invoicing.documents.view import References  # noqa: PLC0415

    currency, issuer = payment.currency, issuer_details(payment.operator)
    allocated = Allocation.objects.filter(source=source_of(payment)).order_by("invoice__number")
    sums = {row["invoice"]: row["paid"] for row in allocated.values("invoice").annotate(paid=amount_sum("amount"))}
    invoices = Invoice.objects.in_bulk(sums)
    items = tuple(
        SettledItem(
            number=str(invoices[pk]),
            issued_on=invoices[pk].issued_on or on,
            total_amount=quantise(invoices[pk].gross_amount, currency),
            paid_amount=quantise(paid, currency),
            left_amount=quantise(open_amount(invoices[pk]), currency),
        )
        for pk, paid in sums.items()
        if paid
    )
    amount = quantise(captured_amount(payment), currency)
    credit = amount - add(item.paid_amount for item in items)
    require(
        credit == quantise(unallocated_amount(payment), currency),
        WrongState(
            _("A part of %(payment)s went back or is held as security: the statement of account shows it.")
            % {"payment": payment}
        ),
    )
    return render_receipt(
        ReceiptView(
            language=language,
            currency=currency,
            dated_on=on,
            issuer=blocks.issuer_block(issuer),
            letterhead=blocks.letterhead_of(issuer, language),
            recipient=blocks.recipient_block(addressee(payment.party), issuer),
            references=References(customer_no=payment.party.number, more=((_("Payment"), payment.public_id),)),
            number=_number(payment),
            paid_on=payment.received_on or on,
            amount=amount,
            method=str(payment.method or _("bank transfer")),
            reference=payment.payer_reference,
            items=items,
            credit_amount=credit,
        )
    )
