"""Refunds: free money of a payment goes back the way it came, decided by two people, sent once.

    asked -> declined                        (a second person says no)
          -> sending -> done                 (the processor gave it back, or a person made the transfer)
                     -> failed               (the money is the party's credit again)
                     -> unknown -> ...       (no answer: the processor is asked, the refund is never sent again)

Money that still settles a document is not free. Where a credit note stands against that document, the note takes the
payment's place first, so that what was paid too much can go back.
"""

import datetime as dt
import secrets
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, MakerIsChecker, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.money import add, require_minor
from evbilling.kernel.steps import step
from invoicing.models import Allocation, Invoice, InvoiceKind, InvoiceState
from invoicing.operations.allocations import allocate, reverse_allocation
from invoicing.operations.dating import require_bookable
from invoicing.operations.ledger import post_cash_returned
from invoicing.queries.documents import credit_source, open_amount
from payments.errors import NoAnswer
from payments.models import RESERVED_STATES, Payment, PaymentState, Refund, RefundState
from payments.operations.allocating import source_of
from payments.operations.transfers import TRANSFER
from payments.processors import Capability, ProcessorRefund, ProcessorUnreachable, processor_for
from payments.queries import unallocated_amount

REFUND_STEP = "payments.refund"
"""The outbox step that sends a refund to its processor; its payload is {"refund_id": id}."""


def ask_refund(*, payment_id: int, amount: Decimal, reason: str, by: User, at: dt.datetime) -> Refund:
    """Ask that part of a captured payment is paid back; below the operator's limit, with what one person paid back of
    it before, it is sent at once.

    Raises BadInput for an amount that is not free or without a reason, WrongState for money that is not captured or a
    processor that gives nothing back.
    """
    require_words("reason", reason, _("Say why the money goes back."))
    with transaction.atomic():
        payment = lock(Payment, payment_id)
        amount = require_minor(amount, payment.currency)
        require(
            payment.state == PaymentState.CAPTURED and _can_give_back(payment),
            WrongState(_("%(payment)s cannot be paid back: only captured money is.") % {"payment": payment}),
        )
        _free_by_credit_notes(payment, amount, by=by, at=at)
        free = unallocated_amount(payment)
        require(
            0 < amount <= free,
            BadInput(
                "amount",
                amount,
                _("%(payment)s has %(amount)s that may be paid back.")
                % {"payment": payment, "amount": f"{free} {payment.currency}"},
            ),
        )
        limit = payment.operator.refund_limit_amount
        refund = Refund.objects.create(
            public_id=f"REF-{secrets.token_hex(16)}",
            payment=payment,
            amount=amount,
            currency=payment.currency,
            reason=reason.strip()[:300],
            needs_second=limit is not None and amount + _returned_alone(payment) >= limit,
            asked_by=by,
            asked_at=at,
        )
        record_audit(
            action="payments.refund.ask", obj=refund, by=by, at=at, reason=reason.strip(), changes={"amount": amount}
        )
        if not refund.needs_second:
            _send_off(refund, at=at)
    return refund


def approve_refund(*, refund_id: int, by: User, at: dt.datetime) -> Refund:
    """Let a refund go. Raises NotFound, WrongState unless it waits, MakerIsChecker for who asked for it (I18)."""
    with transaction.atomic():
        refund = _waiting(refund_id, by)
        refund.decided_by, refund.decided_at = by, at
        record_audit(action="payments.refund.approve", obj=refund, by=by, at=at, changes={"amount": refund.amount})
        _send_off(refund, at=at)
    return refund


def decline_refund(*, refund_id: int, reason: str, by: User, at: dt.datetime) -> Refund:
    """Refuse a refund; its money is the party's credit again. Raises as approve_refund, BadInput without a reason."""
    require_words("reason", reason, _("Say why nothing is paid back."))
    with transaction.atomic():
        refund = _waiting(refund_id, by)
        refund.state, refund.decided_by, refund.decided_at = RefundState.DECLINED, by, at
        refund.save()
        record_audit(action="payments.refund.decline", obj=refund, by=by, at=at, reason=reason.strip())
    return refund


def send_refund(*, refund_id: int, at: dt.datetime) -> Refund:
    """Send a refund to its processor (outbox step). No answer makes it unknown, never a second sending."""
    refund = Refund.objects.select_related("payment").get(pk=refund_id)
    if refund.state != RefundState.SENDING or refund.payment.processor == TRANSFER:
        return refund
    adapter = processor_for(refund.payment.processor)
    step("payments.refund.sending")
    try:
        seen = adapter.refund(refund.payment.processor_ref, amount=refund.amount, idempotency_key=_key(refund))
    except ProcessorUnreachable as error:
        return _note_unknown(refund_id, str(error), at)
    step("payments.refund.answered")
    return _apply(refund_id, seen, by=None, at=at)


def ask_processor(*, refund_id: int, by: User | None, at: dt.datetime) -> Refund:
    """Ask what became of a refund without an answer, and follow it. Raises NoAnswer while the processor is silent.

    One that the processor never saw is failed: the money never left.
    """
    refund = Refund.objects.select_related("payment").get(pk=refund_id)
    if refund.state not in {RefundState.SENDING, RefundState.UNKNOWN} or refund.payment.processor == TRANSFER:
        return refund
    try:
        seen = processor_for(refund.payment.processor).find_refund(_key(refund))
    except ProcessorUnreachable as error:
        raise NoAnswer(_("The payment processor did not answer about %(refund)s.") % {"refund": refund}) from error
    if seen is None and refund.state == RefundState.SENDING:
        return refund  # its step is still to come
    return _apply(refund_id, seen, by=by, at=at)


def confirm_transfer(*, refund_id: int, paid_on: dt.date, by: User, at: dt.datetime) -> Refund:
    """Note that a person made the transfer of an approved refund.

    Raises WrongState, BadInput for a day that is not bookable.
    """
    with transaction.atomic():
        refund = lock(Refund, refund_id)
        require(
            refund.state == RefundState.SENDING and refund.payment.processor == TRANSFER,
            WrongState(_("%(refund)s is no transfer that is on its way.") % {"refund": refund}),
        )
        ahead = _("The money cannot have left in the future.")
        require_bookable(paid_on, field=_("paid on"), ahead=ahead, operator=refund.payment.operator, at=at)
        _pay(refund, paid_on, by=by, at=at)
    return refund


def _can_give_back(payment: Payment) -> bool:
    if payment.processor == TRANSFER:
        return True
    return Capability.REFUND in processor_for(payment.processor).capabilities


def _free_by_credit_notes(payment: Payment, amount: Decimal, *, by: User, at: dt.datetime) -> None:
    """Let open credit notes settle what this payment settles, as far as the refund needs it."""
    standing = Allocation.objects.filter(source=source_of(payment), amount__gt=0, reversal__isnull=True)
    for allocation in standing.order_by("pk"):
        missing = amount - unallocated_amount(payment)
        if missing <= 0:
            return
        notes = Invoice.objects.filter(
            corrects=allocation.invoice_id, kind=InvoiceKind.CREDIT_NOTE, state=InvoiceState.ISSUED
        )
        credit = {note.pk: open_amount(note) for note in notes.order_by("pk")}
        freed = min(allocation.amount, missing, sum(credit.values(), Decimal(0)))
        if freed <= 0:
            continue
        on = local_date(at, payment.operator.zone)
        reason = _("A credit note takes the place of %(payment)s, which is paid back.") % {"payment": payment}
        reverse_allocation(allocation_id=allocation.pk, by=by, at=at, reason=reason)
        rest = require_minor(allocation.amount - freed, payment.currency)
        if rest:
            allocate(
                invoice_id=allocation.invoice_id,
                source=source_of(payment),
                amount=rest,
                allocated_on=on,
                by=by,
                at=at,
            )
        for note_id, held in credit.items():
            part = require_minor(min(held, freed), payment.currency)
            if part > 0:
                freed -= part
                allocate(
                    invoice_id=allocation.invoice_id,
                    source=credit_source(note_id),
                    amount=part,
                    allocated_on=on,
                    by=by,
                    at=at,
                )


def _returned_alone(payment: Payment) -> Decimal:
    """What of a payment goes, or went, back without a second person: several small refunds are one large one (I18)."""
    alone = Refund.objects.filter(payment=payment, needs_second=False, state__in=[*RESERVED_STATES, RefundState.DONE])
    return add(alone.values_list("amount", flat=True))


def _waiting(refund_id: int, by: User) -> Refund:
    refund = lock(Refund, refund_id)
    require(
        refund.state == RefundState.ASKED,
        WrongState(
            _("%(refund)s is %(state)s; only one that waits is decided.")
            % {"refund": refund, "state": refund.get_state_display()}
        ),
    )
    require(refund.asked_by_id != by.pk, MakerIsChecker(_("The refund %(refund)s") % {"refund": refund}))
    return refund


def _send_off(refund: Refund, *, at: dt.datetime) -> None:
    """On its way: a transfer waits for the person who makes it, anything else for its step."""
    refund.state = RefundState.SENDING
    refund.save()
    if refund.payment.processor != TRANSFER:
        outbox.add(kind=REFUND_STEP, key=_key(refund), payload={"refund_id": refund.pk}, at=at)


def _key(refund: Refund) -> str:
    return f"{refund.public_id}:refund"


def _note_unknown(refund_id: int, why: str, at: dt.datetime) -> Refund:
    with transaction.atomic():
        refund = lock(Refund, refund_id)
        if refund.state == RefundState.SENDING:
            refund.state = RefundState.UNKNOWN
            refund.save(update_fields=["state"])
            record_audit(action="payments.refund.unknown", obj=refund, by=None, at=at, reason=why)
    return refund


def _apply(refund_id: int, seen: ProcessorRefund | None, *, by: User | None, at: dt.datetime) -> Refund:
    """Follow the processor's answer once; None says that it never saw the refund."""
    with transaction.atomic():
        refund = lock(Refund, refund_id)
        if refund.state not in {RefundState.SENDING, RefundState.UNKNOWN}:
            return refund
        if seen is not None and seen.done:
            require(
                seen.amount == refund.amount,
                WrongState(
                    _("%(refund)s: the processor gave back %(seen)s, we asked for %(asked)s.")
                    % {"refund": refund, "seen": seen.amount, "asked": refund.amount}
                ),
            )
            refund.processor_ref = seen.ref
            _pay(refund, local_date(at, refund.payment.operator.zone), by=by, at=at)
            return refund
        refund.state = RefundState.FAILED
        refund.processor_ref = seen.ref if seen else ""
        refund.failure = seen.failure if seen else "never_reached_processor"
        refund.save()
        record_audit(action="payments.refund.failed", obj=refund, by=by, at=at, reason=refund.failure)
    return refund


def _pay(refund: Refund, paid_on: dt.date, *, by: User | None, at: dt.datetime) -> None:
    refund.state, refund.paid_on = RefundState.DONE, paid_on
    refund.save()
    payment = refund.payment
    post_cash_returned(
        operator=payment.operator,
        source=f"refund:{refund.public_id}",
        party=payment.party,
        amount=refund.amount,
        currency=refund.currency,
        booked_on=paid_on,
        clearing=payment.processor != TRANSFER,
        at=at,
    )
    step("payments.refund.booked")
    record_audit(action="payments.refund.done", obj=refund, by=by, at=at, changes={"amount": refund.amount})
