"""Issuing: a draft becomes a document with a number, frozen parties and its journal entry (I7, I8, I9, I15)."""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BadInput, BillingError, WrongState, require
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.locks import lock
from evbilling.kernel.money import ZERO
from evbilling.kernel.steps import step
from invoicing.einvoice.check import require_einvoice
from invoicing.models import Invoice, InvoiceKind, InvoiceLine, InvoiceState, InvoiceTax, Penalty
from invoicing.operations.freezing import issuer_details, recipient_details
from invoicing.operations.ledger import hold_open, post_journal
from invoicing.operations.numbers import take_number
from invoicing.queries.bookings import bookings_of
from invoicing.queries.charges import replaced_sessions
from invoicing.queries.penalties import groundless_penalties
from sessions.models import ChargingSession

RENDER = "invoicing.document.render"
"""The outbox step that draws and archives an issued document; its payload is {"invoice_id": id}."""


class InvoiceNotDraft(WrongState):
    """Only a draft can be issued or discarded."""

    code = "invoice_not_draft"

    def __init__(self, invoice: Invoice) -> None:
        super().__init__(_("%(document)s is issued already; it can only be credited.") % {"document": invoice})


class DraftDoesNotAddUp(BillingError):
    """A draft whose lines and tax are not its total: it must not be issued (I7)."""

    code = "draft_does_not_add_up"

    def __init__(self, invoice: Invoice) -> None:
        super().__init__(
            _("%(document)s cannot be issued: its lines and tax are not its total. Discard it and draft it again.")
            % {"document": invoice}
        )


class SessionReplaced(WrongState):
    """A draft bills a session that its source has corrected since."""

    code = "session_replaced"

    def __init__(self, invoice: Invoice, session: ChargingSession) -> None:
        super().__init__(
            _(
                "%(document)s cannot be issued: session %(session)s on it was replaced by a changed copy. "
                "Discard the draft, decide about the held copy, then draft again."
            )
            % {"document": invoice, "session": session.provider_ref}
        )


class PenaltyGroundless(WrongState):
    """A draft bills a penalty whose reason is gone since."""

    code = "penalty_groundless"

    def __init__(self, invoice: Invoice, penalty: Penalty) -> None:
        super().__init__(
            _(
                "%(document)s cannot be issued: the reason of %(penalty)s on it is gone (its session was replaced or "
                "rejected, or its late document credited or paid in time). Discard the draft, then draft again."
            )
            % {"document": invoice, "penalty": penalty}
        )


def issue_invoice(*, invoice_id: int, issued_on: dt.date, by: User | None, at: dt.datetime) -> Invoice:
    """Issue a draft under the date `issued_on` and queue the drawing of its PDF, which then goes to the accountants.

    Raises NotFound, InvoiceNotDraft, BadInput (a date before the period billed), DraftDoesNotAddUp, SessionReplaced,
    PenaltyGroundless, EInvoiceIncomplete, PeriodClosed.
    """
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        require(invoice.state == InvoiceState.DRAFT, InvoiceNotDraft(invoice))
        require(
            issued_on >= invoice.period_from,
            BadInput("issued on", issued_on.isoformat(), _("A document cannot be dated before the period it bills.")),
        )
        require(_adds_up(invoice), DraftDoesNotAddUp(invoice))
        replaced = replaced_sessions(invoice).first()
        if replaced is not None:
            raise SessionReplaced(invoice, replaced)
        groundless = groundless_penalties(invoice).first()
        if groundless is not None:
            raise PenaltyGroundless(invoice, groundless)
        _freeze_parties(invoice)
        require_einvoice(invoice)
        step("invoicing.issue.frozen")
        hold_open(operator_id=invoice.operator_id, booked_on=issued_on)
        taken = take_number(operator_id=invoice.operator_id, kind=invoice.kind, issued_on=issued_on)
        step("invoicing.issue.numbered")
        invoice.series, invoice.sequence, invoice.number = taken.series, taken.sequence, taken.text
        invoice.issued_on, invoice.issued_at, invoice.issued_by = issued_on, at, by
        invoice.due_on = _due_on(invoice, issued_on)
        invoice.state = InvoiceState.ISSUED
        invoice.save()
        _book(invoice, issued_on, at)
        step("invoicing.issue.posted")
        record_audit(
            action="invoicing.invoice.issue",
            obj=invoice,
            by=by,
            at=at,
            changes={"number": invoice.number, "issued_on": issued_on, "gross_amount": invoice.gross_amount},
        )
        outbox.add(kind=RENDER, key=f"{RENDER}:{invoice.pk}", payload={"invoice_id": invoice.pk}, at=at)
        step("invoicing.issue.queued")
    return invoice


def _adds_up(invoice: Invoice) -> bool:
    lines: Decimal = InvoiceLine.objects.filter(invoice=invoice).aggregate(net=amount_sum("net_amount"))["net"] or ZERO
    taxes = InvoiceTax.objects.filter(invoice=invoice).aggregate(
        net=amount_sum("net_amount"), tax=amount_sum("tax_amount")
    )
    net: Decimal = taxes["net"] or ZERO
    tax: Decimal = taxes["tax"] or ZERO
    return (lines, tax, net + tax) == (net, invoice.tax_amount, invoice.gross_amount) and net == invoice.net_amount


def _freeze_parties(invoice: Invoice) -> None:
    invoice.issuer_details = issuer_details(invoice.operator)
    invoice.recipient_details = recipient_details(invoice.party, invoice.contract, invoice.contract_version)
    if invoice.purchase_order:
        invoice.recipient_details["purchase_order"] = invoice.purchase_order
    invoice.language = invoice.party.language


def _due_on(invoice: Invoice, issued_on: dt.date) -> dt.date:
    days = 0 if invoice.kind == InvoiceKind.CREDIT_NOTE else invoice.contract_version.payment_terms_days
    return issued_on + dt.timedelta(days=days)


def _book(invoice: Invoice, booked_on: dt.date, at: dt.datetime) -> None:
    with override(invoice.operator.language):
        text = f"{invoice.get_kind_display()} {invoice.number}, {invoice.party.legal_name}"
    post_journal(
        operator=invoice.operator,
        source=f"invoice:{invoice.pk}",
        booked_on=booked_on,
        text=text,
        currency=invoice.currency,
        lines=[(each.role, invoice.party if each.of_party else None, each.amount) for each in bookings_of(invoice)],
        at=at,
    )
