"""Issuing: a draft becomes a document with a number, frozen parties and its journal entry (I7, I8, I9, I15)."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _
from django.utils.translation import override

from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.audit import AuditRecord, audit_row
from evbilling.kernel.bulk import insert_all, save_all
from evbilling.kernel.errors import BadInput, BillingError, WrongState, require
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.locks import lock
from evbilling.kernel.money import ZERO
from evbilling.kernel.steps import step
from invoicing.einvoice.check import require_einvoice
from invoicing.models import Invoice, InvoiceKind, InvoiceLine, InvoiceState, InvoiceTax, Penalty
from invoicing.operations.dating import require_day_of_document
from invoicing.operations.exchange_rates import keep_reporting_rate
from invoicing.operations.guards import require_right
from invoicing.operations.ledger import NewEntry, hold_open, post_entries
from invoicing.operations.numbers import take_numbers
from invoicing.queries.bookings import NO_PENALTIES, PenaltyNets, advance_nets, bookings_of, penalty_nets
from invoicing.queries.charges import replaced_sessions
from invoicing.queries.freezing import issuer_details, recipient_details
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


class NotTogether(WrongState):
    """Drafts that are not issued together: one of them has something that is looked at alone."""

    code = "not_together"

    def __init__(self) -> None:
        super().__init__(_("These drafts are not issued together; issue them one by one."))


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


def issue_draft(*, invoice_id: int, issued_on: dt.date, by: User | None, at: dt.datetime) -> Invoice:
    """A person issues a draft. Raises NotAllowed, and as issue_invoice.

    What a month close, a credit or an advance issues goes by the right to do these: a run ends as it was started, even
    when the person who started it has left.
    """
    require_right(by, "issue_invoice")
    return issue_invoice(invoice_id=invoice_id, issued_on=issued_on, by=by, at=at)


def issue_invoice(*, invoice_id: int, issued_on: dt.date, by: User | None, at: dt.datetime) -> Invoice:
    """Issue a draft under the date `issued_on` and queue the drawing of its PDF, which then goes to the accountants.

    Raises NotFound, InvoiceNotDraft, BadInput (a date before the period billed, or ahead), DraftDoesNotAddUp,
    SessionReplaced, PenaltyGroundless, NoExchangeRate, EInvoiceIncomplete, PeriodClosed.
    """
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        require(invoice.state == InvoiceState.DRAFT, InvoiceNotDraft(invoice))
        require(
            issued_on >= invoice.period_from,
            BadInput("issued on", issued_on, _("A document cannot be dated before the period it bills.")),
        )
        require(_adds_up(invoice), DraftDoesNotAddUp(invoice))
        replaced = replaced_sessions(invoice).first()
        if replaced is not None:
            raise SessionReplaced(invoice, replaced)
        groundless = groundless_penalties(invoice).first()
        if groundless is not None:
            raise PenaltyGroundless(invoice, groundless)
        return _issue([invoice], issued_on=issued_on, by=by, at=at)[0]


def issue_drafts(*, drafts: Sequence[Invoice], issued_on: dt.date, by: User | None, at: dt.datetime) -> list[Invoice]:
    """Issue drafts of one operator and kind that this very transaction wrote, numbered in their order.

    As issue_invoice does one, in a constant number of queries; what is looked at for each draft there is looked at for
    all of them here. Raises NotTogether where one of them has to be looked at alone, and as issue_invoice does.
    """
    ids = [invoice.pk for invoice in drafts]
    net: dict[int, Decimal] = dict(
        InvoiceLine.objects.filter(invoice__in=ids)
        .order_by()
        .values_list("invoice_id")
        .annotate(net=amount_sum("net_amount"))
    )
    taxes = InvoiceTax.objects.filter(invoice__in=ids).order_by().values_list("invoice_id")
    sums = {
        pk: (of_net, of_tax)
        for pk, of_net, of_tax in taxes.annotate(net=amount_sum("net_amount"), tax=amount_sum("tax_amount"))
    }
    for invoice in drafts:
        require(
            issued_on >= invoice.period_from
            and (net.get(invoice.pk, ZERO), sums.get(invoice.pk)) == (invoice.net_amount, _sums_of(invoice)),
            NotTogether(),
        )
    require(
        not replaced_sessions(*drafts).exists() and not Penalty.objects.filter(line__invoice__in=ids).exists(),
        NotTogether(),
    )
    return _issue(drafts, issued_on=issued_on, by=by, at=at)


def _sums_of(invoice: Invoice) -> tuple[Decimal, Decimal]:
    return invoice.net_amount, invoice.tax_amount


def _issue(drafts: Sequence[Invoice], *, issued_on: dt.date, by: User | None, at: dt.datetime) -> list[Invoice]:
    """Freeze, number, book and trace drafts of one operator and kind; the caller holds them and has looked at them."""
    operator, kind = drafts[0].operator, drafts[0].kind
    require_day_of_document(issued_on, operator=operator, at=at)
    prefetch_related_objects(drafts, "taxes")
    prefetch_related_objects([operator], "texts")
    issuer = issuer_details(operator)
    for invoice in drafts:
        _freeze_parties(invoice, issuer)
        keep_reporting_rate(invoice, issued_on)
        require_einvoice(invoice)
    step("invoicing.issue.frozen")
    nets = _nets_for_bookings(drafts)
    hold_open(operator_id=operator.pk, booked_on=issued_on)
    numbers = take_numbers(operator_id=operator.pk, kind=kind, issued_on=issued_on, count=len(drafts))
    step("invoicing.issue.numbered")
    for invoice, taken in zip(drafts, numbers, strict=True):
        invoice.series, invoice.sequence, invoice.number = taken.series, taken.sequence, taken.text
        invoice.issued_on, invoice.issued_at, invoice.issued_by = issued_on, at, by
        invoice.due_on = _due_on(invoice, issued_on)
        invoice.state = InvoiceState.ISSUED
    save_all(drafts)
    entries = [_entry(invoice, *nets[invoice.pk]) for invoice in drafts]
    post_entries(operator=operator, booked_on=issued_on, entries=entries, at=at)
    step("invoicing.issue.posted")
    insert_all([_record(invoice, by, at) for invoice in drafts])
    outbox.add_all(
        kind=RENDER, payloads={f"{RENDER}:{invoice.pk}": {"invoice_id": invoice.pk} for invoice in drafts}, at=at
    )
    step("invoicing.issue.queued")
    return list(drafts)


def _record(invoice: Invoice, by: User | None, at: dt.datetime) -> AuditRecord:
    changes = {"number": invoice.number, "issued_on": invoice.issued_on, "gross_amount": invoice.gross_amount}
    return audit_row(action="invoicing.invoice.issue", obj=invoice, by=by, at=at, changes=changes)


def _nets_for_bookings(drafts: Sequence[Invoice]) -> dict[int, tuple[PenaltyNets, Decimal]]:
    """Which parts of each document's net penalties and set-off advances make; two queries."""
    lines = InvoiceLine.objects.filter(invoice__in=[invoice.pk for invoice in drafts])
    penalties, advances = penalty_nets(lines), advance_nets(lines)
    return {invoice.pk: (penalties.get(invoice.pk, NO_PENALTIES), advances.get(invoice.pk, ZERO)) for invoice in drafts}


def _adds_up(invoice: Invoice) -> bool:
    lines: Decimal = InvoiceLine.objects.filter(invoice=invoice).aggregate(net=amount_sum("net_amount"))["net"] or ZERO
    taxes = InvoiceTax.objects.filter(invoice=invoice).aggregate(
        net=amount_sum("net_amount"), tax=amount_sum("tax_amount")
    )
    net: Decimal = taxes["net"] or ZERO
    tax: Decimal = taxes["tax"] or ZERO
    return (lines, tax, net + tax) == (net, invoice.tax_amount, invoice.gross_amount) and net == invoice.net_amount


def _freeze_parties(invoice: Invoice, issuer: dict[str, object]) -> None:
    invoice.issuer_details = issuer
    invoice.recipient_details = recipient_details(invoice.party, invoice.contract, invoice.contract_version)
    invoice.language = invoice.party.language


def _due_on(invoice: Invoice, issued_on: dt.date) -> dt.date:
    days = 0 if invoice.kind == InvoiceKind.CREDIT_NOTE else invoice.contract_version.payment_terms_days
    return issued_on + dt.timedelta(days=days)


def _entry(invoice: Invoice, penalties: PenaltyNets, advance: Decimal) -> NewEntry:
    with override(invoice.operator.language):
        text = f"{invoice.get_kind_display()} {invoice.number}, {invoice.party.legal_name}"
    bookings = bookings_of(invoice, penalties, advance)
    lines = [(each.role, invoice.party if each.of_party else None, each.amount) for each in bookings]
    return NewEntry(f"invoice:{invoice.pk}", text, invoice.currency, lines)
