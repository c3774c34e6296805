"""Payment attempts: started once, carried by the outbox, moved only by what the processor says of them."""

import datetime as dt
import secrets
from collections.abc import Callable
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_no_card_number
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BillingError, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.steps import step
from invoicing.models import CLAIMS, Invoice, InvoiceState
from invoicing.operations.ledger import post_cash_received
from invoicing.operations.penalties import assess_failed_payment
from invoicing.queries.documents import open_amount
from payments.errors import AttemptOpen, NoAnswer, NoConsent, NothingToPay
from payments.models import (
    OPEN_STATES,
    MethodState,
    Payment,
    PaymentEvent,
    PaymentEventKind,
    PaymentMethod,
    PaymentState,
)
from payments.operations.allocating import allocate_up_to
from payments.processors import ChargeRequest, ProcessorPayment, ProcessorUnreachable, processor_for
from payments.rules.state import may_follow

CHARGE_STEP = "payments.charge"
_EVENT_OF_STATE = {
    PaymentState.PROCESSING: PaymentEventKind.PROCESSING,
    PaymentState.CAPTURED: PaymentEventKind.CAPTURED,
    PaymentState.FAILED: PaymentEventKind.FAILED,
    PaymentState.CANCELLED: PaymentEventKind.CANCELLED,
    PaymentState.UNKNOWN: PaymentEventKind.UNKNOWN,
}


def new_reference() -> str:
    """A payment's public reference: 128 random bits, not guessable (ASVS 11.5.1)."""
    return f"PAY-{secrets.token_hex(16)}"


def _payable(invoice: Invoice) -> Decimal:
    require(
        invoice.state == InvoiceState.ISSUED and invoice.kind in CLAIMS,
        WrongState(_("%(document)s cannot be paid: only issued invoices and fee notes are.") % {"document": invoice}),
    )
    amount = open_amount(invoice)
    settled = _("%(document)s is settled; there is nothing to pay.") % {"document": invoice}
    require(amount > 0, NothingToPay(settled))
    attempt = Payment.objects.filter(invoice=invoice, state__in=OPEN_STATES).first()
    if attempt is not None:
        raise AttemptOpen(
            _("%(document)s: the payment %(payment)s is %(state)s; wait for it.")
            % {"document": invoice, "payment": attempt, "state": attempt.get_state_display()}
        )
    return amount


def _create(invoice: Invoice, amount: Decimal, *, processor: str, by: User | None, at: dt.datetime) -> Payment:
    payment = Payment(
        public_id=new_reference(),
        operator_id=invoice.operator_id,
        party_id=invoice.party_id,
        invoice=invoice,
        processor=processor,
        amount=amount,
        currency=invoice.currency,
        created_by=by,
        created_at=at,
    )
    payment.save()
    PaymentEvent.objects.create(payment=payment, kind=PaymentEventKind.STARTED, amount=amount, at=at)
    return payment


def start_payment(*, invoice_id: int, method_id: int, by: User | None, at: dt.datetime) -> Payment:
    """Charge an invoice's open amount to a saved method; the outbox carries it to the processor.

    Raises NothingToPay, AttemptOpen, WrongState, and NoConsent where nobody is present (`by` is None) and the
    holder has not agreed to automatic charges.
    """
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        amount = _payable(invoice)
        method = lock(PaymentMethod, method_id)
        require(
            method.state == MethodState.ACTIVE and method.party_id == invoice.party_id,
            WrongState(
                _("%(method)s cannot pay %(document)s: it was removed or belongs to another party.")
                % {"method": method, "document": invoice}
            ),
        )
        require(
            by is not None or method.consent_at is not None,
            NoConsent(
                _("%(party)s has not agreed to automatic charges of %(method)s; send a pay link.")
                % {"party": method.party, "method": method}
            ),
        )
        payment = _create(invoice, amount, processor=method.processor, by=by, at=at)
        Payment.objects.filter(pk=payment.pk).update(method=method)
        payment.method = method
        record_audit(action="payments.payment.start", obj=payment, by=by, at=at, changes={"amount": amount})
        outbox.add(kind=CHARGE_STEP, key=f"{payment.public_id}:charge", payload={"payment_id": payment.pk}, at=at)
    return payment


def start_checkout(
    *, invoice_id: int, processor: str, return_address: Callable[[str], str], by: User | None, at: dt.datetime
) -> tuple[Payment, str]:
    """Open the processor's hosted page for an invoice's open amount; the attempt and the page's address.

    `return_address` gives, for the attempt's public id, where the customer comes back to.

    An attempt that still waits for the customer is continued, not doubled; one over another amount than is open now
    is given up first. Raises NothingToPay, AttemptOpen, NoAnswer.
    """
    adapter = processor_for(processor)
    _give_up_stale(invoice_id, processor, by=by, at=at)
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        waiting = _waiting(invoice_id, processor).filter(amount=open_amount(invoice)).first()
        if waiting is None:
            payment = _create(invoice, _payable(invoice), processor=processor, by=by, at=at)
            Payment.objects.filter(pk=payment.pk).update(state=PaymentState.REQUIRES_ACTION)
            payment.state = PaymentState.REQUIRES_ACTION
            record_audit(action="payments.checkout.start", obj=payment, by=by, at=at)
        else:
            payment = waiting
    try:
        checkout = adapter.create_checkout(_request(payment, token=""), return_url=return_address(payment.public_id))
    except ProcessorUnreachable as error:
        raise _no_answer(payment) from error
    Payment.objects.filter(pk=payment.pk, processor_ref="").update(processor_ref=checkout.ref)
    payment.processor_ref = checkout.ref
    return payment, checkout.url


def _waiting(invoice_id: int, processor: str) -> QuerySet[Payment]:
    return Payment.objects.filter(invoice=invoice_id, state=PaymentState.REQUIRES_ACTION, processor=processor)


def _give_up_stale(invoice_id: int, processor: str, *, by: User | None, at: dt.datetime) -> None:
    """Close the hosted page of an attempt over what is no longer open: a transfer or a credit came in between."""
    stale = _waiting(invoice_id, processor).select_related("invoice").first()
    if stale is not None and stale.invoice is not None and stale.amount != open_amount(stale.invoice):
        cancel_payment(payment_id=stale.pk, reason="The open amount has changed.", by=by, at=at)


def _no_answer(payment: Payment) -> NoAnswer:
    return NoAnswer(
        _("The payment processor did not answer about %(payment)s; try again in a few minutes.") % {"payment": payment}
    )


def _request(payment: Payment, *, token: str) -> ChargeRequest:
    return ChargeRequest(
        idempotency_key=f"{payment.public_id}:charge",
        token=token,
        amount=payment.amount,
        currency=payment.currency,
        description=str(payment.invoice) if payment.invoice else payment.public_id,
    )


def charge(*, payment_id: int, at: dt.datetime) -> Payment:
    """Carry a started payment to its processor (outbox step). No answer makes it unknown, never a second charge."""
    payment = Payment.objects.select_related("method", "invoice").get(pk=payment_id)
    if payment.state != PaymentState.CREATED or payment.method is None:
        return payment
    adapter = processor_for(payment.processor)
    step("payments.charge.sending")
    try:
        seen = adapter.charge_off_session(_request(payment, token=payment.method.token))
    except ProcessorUnreachable as error:
        return _note_unknown(payment_id=payment_id, detail=str(error), at=at)
    step("payments.charge.answered")
    return apply_seen(payment_id=payment_id, seen=seen, at=at)


def _note_unknown(*, payment_id: int, detail: str, at: dt.datetime) -> Payment:
    with transaction.atomic():
        payment = lock(Payment, payment_id)
        if may_follow(payment.state, PaymentState.UNKNOWN):
            _move(payment, PaymentState.UNKNOWN, at=at, detail={"why": detail})
            record_audit(action="payments.payment.unknown", obj=payment, by=None, at=at, reason=detail)
    return payment


def apply_seen(
    *, payment_id: int, seen: ProcessorPayment, at: dt.datetime, by: User | None = None, reason: str = ""
) -> Payment:
    """Move a payment to what its processor says it is now: any order, any repetition, the same end (I13).

    A capture books the money, settles the invoice and keeps what is over as the party's credit (I12); a refused charge
    of a saved method costs the contract's fee.
    Raises WrongState when the processor speaks of another amount or currency.
    """
    with transaction.atomic():
        payment = lock(Payment, payment_id)
        require(
            (seen.amount, seen.currency) == (payment.amount, payment.currency),
            WrongState(
                _("%(payment)s: the processor speaks of %(seen)s, we asked for %(asked)s.")
                % {
                    "payment": payment,
                    "seen": f"{seen.amount} {seen.currency}",
                    "asked": f"{payment.amount} {payment.currency}",
                }
            ),
        )
        if payment.processor_ref == "":
            payment.processor_ref = seen.ref
            payment.save(update_fields=["processor_ref"])
        new_state = PaymentState(seen.state)
        if payment.state == new_state or not may_follow(payment.state, new_state):
            return payment
        _move(payment, new_state, at=at, detail={"ref": seen.ref}, failure=seen.failure)
        if new_state == PaymentState.CAPTURED:
            _take_money(payment, at=at)
        if new_state == PaymentState.FAILED:
            _charge_failure(payment, by=by, at=at)
        record_audit(action=f"payments.payment.{new_state}", obj=payment, by=by, at=at, reason=reason or seen.failure)
    return payment


def _move(
    payment: Payment, new_state: PaymentState, *, at: dt.datetime, detail: dict[str, str], failure: str = ""
) -> None:
    payment.state, payment.failure = new_state, failure
    payment.save(update_fields=["state", "failure"])
    if new_state in _EVENT_OF_STATE:
        PaymentEvent.objects.create(
            payment=payment,
            kind=_EVENT_OF_STATE[new_state],
            amount=payment.amount if new_state == PaymentState.CAPTURED else 0,
            detail=detail,
            at=at,
        )


def _take_money(payment: Payment, *, at: dt.datetime) -> None:
    payment.received_on = local_date(at, payment.operator.zone)
    payment.save(update_fields=["received_on"])
    post_cash_received(
        operator=payment.operator,
        source=f"payment:{payment.public_id}:captured",
        party=payment.party,
        amount=payment.amount,
        currency=payment.currency,
        booked_on=payment.received_on,
        clearing=True,
        at=at,
    )
    if payment.invoice_id is not None:
        allocate_up_to(payment=payment, invoice_id=payment.invoice_id, by=None, at=at)


def _charge_failure(payment: Payment, *, by: User | None, at: dt.datetime) -> None:
    """The contract's fee where a saved method was refused. A page that its visitor left, or a charge that never reached
    the processor, costs nothing.
    """
    if payment.method_id is not None and payment.invoice_id is not None:
        assess_failed_payment(
            invoice_id=payment.invoice_id, payment_ref=payment.public_id, failure=payment.failure, by=by, at=at
        )


def refresh_payment(*, payment_id: int, at: dt.datetime, by: User | None = None) -> Payment:
    """Ask the processor for a payment that is still open, and follow its answer; `by` is who had it asked, if anybody.

    A payment whose charge the processor never saw is failed: asking was safe, charging again would not have been.
    """
    payment = Payment.objects.get(pk=payment_id)
    if payment.state not in OPEN_STATES:
        return payment
    adapter = processor_for(payment.processor)
    try:
        seen = (
            adapter.fetch_payment(payment.processor_ref)
            if payment.processor_ref
            else adapter.find_payment(f"{payment.public_id}:charge")
        )
    except ProcessorUnreachable:
        return payment
    if seen is not None:
        return apply_seen(payment_id=payment_id, seen=seen, at=at, by=by)
    if payment.state == PaymentState.UNKNOWN:
        return _fail_unseen(payment_id=payment_id, at=at, by=by)
    return payment


def _fail_unseen(*, payment_id: int, at: dt.datetime, by: User | None) -> Payment:
    with transaction.atomic():
        payment = lock(Payment, payment_id)
        if payment.state == PaymentState.UNKNOWN:
            _move(payment, PaymentState.FAILED, at=at, detail={}, failure="never_reached_processor")
            record_audit(action="payments.payment.failed", obj=payment, by=by, at=at, reason=payment.failure)
    return payment


def cancel_payment(*, payment_id: int, reason: str, by: User | None, at: dt.datetime) -> Payment:
    """Give up an attempt that waits for the customer: its hosted page is closed first.

    Raises WrongState for any other, NoAnswer when the processor is silent.
    """
    payment = Payment.objects.get(pk=payment_id)
    require(
        payment.state == PaymentState.REQUIRES_ACTION,
        WrongState(
            _("%(payment)s is %(state)s; only one that waits for the customer is cancelled.")
            % {"payment": payment, "state": payment.get_state_display()}
        ),
    )
    require(reason.strip(), BillingError(_("Say why the payment is cancelled.")))
    require_no_card_number("reason", reason)
    adapter = processor_for(payment.processor)
    try:
        made = None if payment.processor_ref else adapter.find_payment(f"{payment.public_id}:charge")
        ref = payment.processor_ref or (made.ref if made else "")
        seen = adapter.expire_checkout(ref) if ref else None
    except ProcessorUnreachable as error:
        raise _no_answer(payment) from error
    if seen is None:
        return _cancel_unseen(payment_id=payment_id, at=at, by=by, reason=reason)
    return apply_seen(payment_id=payment_id, seen=seen, at=at, by=by, reason=reason)


def _cancel_unseen(*, payment_id: int, at: dt.datetime, by: User | None, reason: str) -> Payment:
    """The processor never saw it: there is no page to close."""
    with transaction.atomic():
        payment = lock(Payment, payment_id)
        if payment.state == PaymentState.REQUIRES_ACTION and not payment.processor_ref:
            _move(payment, PaymentState.CANCELLED, at=at, detail={})
            record_audit(action="payments.payment.cancelled", obj=payment, by=by, at=at, reason=reason)
    return payment
