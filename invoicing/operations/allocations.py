"""Allocations: which money or which credit note settles which document (I12)."""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import holds_card_number, require_no_card_number
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, BillingError, NotFound, WrongState, require
from evbilling.kernel.locks import lock_all
from evbilling.kernel.money import require_minor
from evbilling.shell.formats import format_minor
from invoicing.models import CLAIMS, AccountRole, Allocation, Invoice, InvoiceKind, InvoiceState
from invoicing.operations.guards import require_right
from invoicing.operations.ledger import post_journal
from invoicing.queries.bookings import receivable_of
from invoicing.queries.documents import CREDIT_PREFIX, PAYMENT_PREFIX, WRITE_OFF_PREFIX, open_amount


class AllocationTooHigh(BillingError):
    """More would be allocated than is open (I12); what is over stays with the payment as the party's credit."""

    code = "allocation_too_high"

    def __init__(self, document: Invoice, amount: Decimal, left: Decimal) -> None:
        super().__init__(
            _("%(amount)s %(currency)s cannot be allocated: only %(left)s is open on %(document)s.")
            % {
                "amount": format_minor(amount, document.currency),
                "currency": document.currency,
                "left": format_minor(left, document.currency),
                "document": document,
            }
        )


def allocate(
    *, invoice_id: int, source: str, amount: Decimal, allocated_on: dt.date, by: User | None, at: dt.datetime
) -> Allocation:
    """Settle part of an issued document by `source`: "payment:<public id>" or "credit:<credit note id>".

    Money moves in the ledger from the party's unallocated credit to the receivable; a credit note has already lowered
    it. What came before the document settles it on the document's own day: until then it was the party's credit. The
    caller makes sure that a payment is not allocated beyond its own amount; of a credit note this is done here. Raises
    NotFound, WrongState, BadInput, AllocationTooHigh, PeriodClosed, MoneyError.
    """
    note_id = _credit_note_id(source)
    with transaction.atomic():
        rows = {row.pk: row for row in lock_all(Invoice, [invoice_id] if note_id is None else [invoice_id, note_id])}
        invoice = rows[invoice_id]
        require(
            invoice.state == InvoiceState.ISSUED and invoice.kind != InvoiceKind.CREDIT_NOTE,
            WrongState(_("%(document)s takes no allocation; only issued invoices do.") % {"document": invoice}),
        )
        amount = require_minor(amount, invoice.currency)
        require(amount > 0, BadInput("amount", amount, _("Allocate more than zero.")))
        if note_id is not None:
            _require_credit(rows[note_id], invoice, amount)
        else:
            require(
                invoice.kind in CLAIMS,
                WrongState(_("%(document)s is what we owe; it is paid out, not paid.") % {"document": invoice}),
            )
        left = open_amount(invoice)
        require(amount <= left, AllocationTooHigh(invoice, amount, left))
        allocation = Allocation.objects.create(
            invoice=invoice,
            source=source,
            amount=amount,
            currency=invoice.currency,
            allocated_on=allocated_on if invoice.issued_on is None else max(allocated_on, invoice.issued_on),
            allocated_at=at,
            allocated_by=by,
        )
        _book(allocation, invoice, at)
        record_audit(
            action="invoicing.allocation.make",
            obj=invoice,
            by=by,
            at=at,
            changes={"allocation": allocation.pk, "source": source, "amount": amount},
        )
    return allocation


def reverse_allocation(*, allocation_id: int, by: User | None, at: dt.datetime, reason: str) -> Allocation:
    """Undo one allocation by a row of its own; the money is the party's unallocated credit again.

    Raises NotAllowed, NotFound, WrongState (undone already, or itself a reversal), BadInput without a reason,
    PeriodClosed.
    """
    require_right(by, "undo_allocation")
    require(reason.strip(), BadInput("reason", reason, _("Say why the allocation is undone.")))
    with transaction.atomic():
        made = Allocation.objects.filter(pk=allocation_id).first()
        if made is None:
            raise NotFound(_("There is no allocation with the id %(id)s.") % {"id": allocation_id})
        own_id = made.source.partition(":")[2]
        own_too = holds_card_number(own_id)  # it looks like one, and the reason may name it all the same
        require_no_card_number("reason", reason.replace(own_id, "\N{HORIZONTAL ELLIPSIS}") if own_too else reason)
        invoice = lock_all(Invoice, [made.invoice_id])[0]
        require(
            not made.source.startswith(WRITE_OFF_PREFIX),
            WrongState(_("A claim that was written off stays so; money that comes later is the party's credit.")),
        )
        require(
            made.reverses_id is None and not Allocation.objects.filter(reverses=made).exists(),
            WrongState(_("Allocation %(id)s is undone already.") % {"id": made.pk}),
        )
        undone = Allocation.objects.create(
            invoice=invoice,
            source=made.source,
            amount=-made.amount,
            currency=made.currency,
            allocated_on=local_date(at, invoice.operator.zone),
            allocated_at=at,
            allocated_by=by,
            reverses=made,
        )
        _book(undone, invoice, at)
        record_audit(
            action="invoicing.allocation.reverse",
            obj=invoice,
            by=by,
            at=at,
            reason=reason,
            changes={"allocation": made.pk, "source": made.source, "amount": made.amount},
        )
    return undone


def _credit_note_id(source: str) -> int | None:
    """The credit note that the source names; None for a payment. Raises BadInput for anything else."""
    if source.startswith(PAYMENT_PREFIX) and len(source) > len(PAYMENT_PREFIX):
        return None
    number = source.removeprefix(CREDIT_PREFIX)
    require(
        source.startswith(CREDIT_PREFIX) and number.isdecimal(),
        BadInput("source", source, _("Name the money as payment:<id> or credit:<credit note id>.")),
    )
    return int(number)


def _require_credit(note: Invoice, invoice: Invoice, amount: Decimal) -> None:
    """The credit note is issued, of the same party, kind of account and currency, and holds enough."""
    require(
        note.kind == InvoiceKind.CREDIT_NOTE
        and note.state == InvoiceState.ISSUED
        and note.corrects is not None
        and (note.party_id, note.operator_id, note.currency, note.corrects.kind, receivable_of(note))
        == (invoice.party_id, invoice.operator_id, invoice.currency, invoice.kind, receivable_of(invoice)),
        WrongState(
            _("%(note)s cannot settle %(document)s: it must be an issued credit note of the same party and currency.")
            % {"note": note, "document": invoice}
        ),
    )
    left = open_amount(note)
    require(amount <= left, AllocationTooHigh(note, amount, left))


def _book(allocation: Allocation, invoice: Invoice, at: dt.datetime) -> None:
    """Money settles the receivable; a credit note did so when it was issued."""
    if allocation.source.startswith(CREDIT_PREFIX):
        return
    post_journal(
        operator=invoice.operator,
        source=f"allocation:{allocation.pk}",
        booked_on=allocation.allocated_on,
        text=f"{invoice.number}, {allocation.source.partition(':')[2]}",
        currency=allocation.currency,
        lines=[
            (AccountRole.CUSTOMER_CREDIT, invoice.party, allocation.amount),
            (receivable_of(invoice), invoice.party, -allocation.amount),
        ],
        at=at,
    )
