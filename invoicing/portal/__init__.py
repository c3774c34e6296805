"""Pages of documents for customers: the list, one document with its lines, and the archived files."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contracts.models import MembershipRole, PartyKind
from contracts.queries import parties_of, role_in
from evbilling.access.scope import visible
from evbilling.kernel.clock import local_date
from evbilling.shell.formats import format_period
from evbilling.shell.portal_frame import membership_of
from evbilling.shell.tables import Column, Table
from evbilling.shell.views import file_response, find_visible, portal_page
from invoicing.models import CLAIMS, Document, DocumentKind, Invoice, InvoiceKind, InvoiceState, Letter
from invoicing.queries.deliveries import archived_files
from invoicing.queries.documents import (
    CREDIT_PREFIX,
    WRITE_OFF_PREFIX,
    PaymentState,
    in_payment_state,
    open_amount,
    payment_state,
    with_open_amount,
)

STATE_TONES: dict[str, str] = {
    PaymentState.DRAFT: "neutral",
    PaymentState.OPEN: "info",
    PaymentState.PARTLY_PAID: "warning",
    PaymentState.PAID: "success",
    PaymentState.OVERDUE: "danger",
    PaymentState.CREDITED: "neutral",
    PaymentState.PARTLY_CREDITED: "info",
    PaymentState.WRITTEN_OFF: "neutral",
    PaymentState.SETTLED: "success",
    PaymentState.PARTLY_SETTLED: "info",
}
"""The badge of each state of payment."""
_TABBED = (
    PaymentState.OPEN,
    PaymentState.OVERDUE,
    PaymentState.PARTLY_PAID,
    PaymentState.PAID,
    PaymentState.CREDITED,
    PaymentState.SETTLED,
)
TABS = (("", _("All")), *((state, capfirst(state.label)) for state in _TABBED))
_HEADINGS = {PartyKind.PROPERTY_OWNER: _("Settlements"), PartyKind.EV_DRIVER: _("Receipts")}
_PAYERS = frozenset({MembershipRole.MANAGER, MembershipRole.PAYER})
_PAYABLE = frozenset({PaymentState.OPEN, PaymentState.PARTLY_PAID, PaymentState.PARTLY_CREDITED, PaymentState.OVERDUE})


def own_documents(request: HttpRequest) -> QuerySet[Invoice]:
    """Issued documents of all companies for which the visitor acts; of staff too, no more than those."""
    mine = visible(Invoice.objects.filter(state=InvoiceState.ISSUED), request.user)
    return mine.filter(party__in=parties_of(request.user))


def state_of(invoice: Invoice) -> PaymentState:
    """The state of payment today, by the operator's calendar. Needs `operator` and the open amount loaded."""
    return payment_state(invoice, on=local_date(timezone.now(), invoice.operator.zone))


def may_pay(invoice: Invoice, role: str) -> bool:
    """Whether to offer the pay page: an invoice or fee note with an open amount, to someone who may pay."""
    return invoice.kind in CLAIMS and role in _PAYERS and state_of(invoice) in _PAYABLE


def may_contest(invoice: Invoice, role: str) -> bool:
    """A manager of the company, of an invoice or fee note."""
    return invoice.kind in CLAIMS and role == MembershipRole.MANAGER


def document_rows(documents: QuerySet[Invoice]) -> QuerySet[Invoice]:
    """Documents with all that a row of a list shows: open amount, operator, whether the PDF is there. One query."""
    archived = Document.objects.filter(invoice=OuterRef("pk"), kind=DocumentKind.PDF)
    rows: QuerySet[Invoice] = with_open_amount(documents).annotate(has_pdf=Exists(archived)).select_related("operator")
    return rows


def _columns() -> Sequence[Column]:
    return [
        Column(
            "number",
            _("Number"),
            sort="number",
            title=True,
            href=lambda row: reverse("portal:invoice", args=[row.number]),
        ),
        Column("kind", _("Kind"), value=lambda row: row.get_kind_display(), minor=True),
        Column(
            "period", _("Period"), value=lambda row: format_period(row.period_from, row.period_to), sort="period_from"
        ),
        Column("issued_on", _("Issued"), format="day", sort="issued_on", minor=True),
        Column("due_on", _("Due"), format="day", sort="due_on"),
        Column("gross_amount", _("Total"), format="money", sort="gross_amount"),
        Column(
            "open_amount", pgettext_lazy("not paid yet", "Open"), format="money", value=open_amount, sort="open_amount"
        ),
        Column(
            "state",
            _("Status"),
            format="badge",
            value=lambda row: state_of(row).label,
            tone=lambda row: STATE_TONES[state_of(row)],
        ),
    ]


@never_cache
@require_safe
@portal_page
def invoices(request: HttpRequest) -> HttpResponse:
    """The company's documents, newest first; `?state=` narrows to one state of payment."""
    party = membership_of(request).party
    documents = own_documents(request).filter(party=party)
    state = request.GET.get("state", "")
    if state in dict(TABS) and state:
        documents = in_payment_state(documents, state, on=local_date(timezone.now(), _zone(documents)))
    table = Table(
        document_rows(documents),
        _columns(),
        request.GET,
        caption=_("Documents"),
        default_sort="-issued_on",
        empty=_("No document here."),
    )
    heading = _HEADINGS.get(party.kind, _("Invoices"))
    context = {"table": table, "tabs": TABS, "state": state, "heading": heading}
    return render(request, "portal/invoices/list.html", context)


def _zone(documents: QuerySet[Invoice]) -> str:
    """The operator's zone: its calendar says what is overdue."""
    return documents.values_list("operator__zone", flat=True).order_by().first() or "UTC"


@never_cache
@require_safe
@portal_page
def invoice(request: HttpRequest, number: str) -> HttpResponse:
    """One document: what it is for, its lines and taxes, what was settled, its files."""
    found = find_visible(
        document_rows(own_documents(request)).select_related("operator", "contract", "corrects", "party"),
        request.user,
        number=number,
    )
    state, role = state_of(found), role_in(request.user, found.party_id)
    context: dict[str, Any] = {
        "invoice": found,
        "open": open_amount(found),
        "state": state,
        "tone": STATE_TONES[state],
        "recipient": found.recipient_details,
        "issuer": found.issuer_details,
        "period": format_period(found.period_from, found.period_to),
        "sessions_url": ""
        if found.kind == InvoiceKind.FEE_NOTE
        else f"{reverse('portal:sessions')}?month={found.period_from:%Y-%m}",
        "lines": [(each, each.tax_rate / 100) for each in found.lines.all()],
        "taxes": [(each, each.tax_rate / 100) for each in found.taxes.all()],
        "settled": _settled(found),
        "credits": found.corrections.filter(state=InvoiceState.ISSUED),
        "documents": archived_files(found).defer("content"),
        "may_pay": may_pay(found, role),
        "may_contest": may_contest(found, role) and state != PaymentState.CREDITED,
        "disputes": found.disputes.select_related("session"),
    }
    return render(request, "portal/invoices/detail.html", context)


def _source_text(source: str) -> Any:
    if source.startswith(WRITE_OFF_PREFIX):
        return _("Written off")
    return _("Credit note") if source.startswith(CREDIT_PREFIX) else _("Payment")


def _settled(found: Invoice) -> list[dict[str, Any]]:
    """What settled the document, in order; a reversal has a negative amount."""
    return [
        {
            "on": each.allocated_on,
            "amount": each.amount,
            "text": _source_text(each.source),
            "undone": each.reverses_id is not None,
        }
        for each in found.allocations.order_by("pk")
    ]


@never_cache
@require_safe
@portal_page
def document(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    """The archived bytes as they were sent; `?show=1` opens a PDF in the browser instead of saving it."""
    parent = find_visible(own_documents(request), request.user, number=number)
    found = find_visible(Document.objects.filter(invoice=parent), request.user, kind=kind)
    return archived_file(found, show="show" in request.GET)


def archived_file(found: Document | Letter, *, show: bool) -> HttpResponse:
    """The bytes of an archived file; in the browser's window only where it is asked for and the type is harmless."""
    response = file_response(bytes(found.content), found.content_type, found.file_name, show=show)
    response["Content-Length"] = str(found.size)
    response["ETag"] = f'"{found.sha256}"'
    return response
