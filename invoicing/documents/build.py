"""From the rows of a document to its view: what `render_pdf` sets in type and `compose_mail` writes about.

An issued document reads the parties as frozen on it; a draft shows them as they are today. Amounts are the rows' own:
nothing is computed here but the sums of groups, which `check_view` proves.
"""

import datetime as dt
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import Site, SiteKind, TaxStatus, TaxWord
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import add, quantise
from evbilling.shell.paper.formats import formats_of
from invoicing.documents.annex_rows import amount_label, annex_of
from invoicing.documents.blocks import bank_account, issuer_bank, issuer_block, letterhead_of, recipient_block
from invoicing.documents.view import (
    MAX_ANNEX_ROWS,
    AnnexSection,
    DocumentView,
    Kind,
    Line,
    LineGroup,
    PaymentBlock,
    PaymentMethod,
    References,
    TaxRow,
)
from invoicing.models import BilledCharge, Invoice, InvoiceKind, InvoiceLine, InvoiceState, InvoiceTax, TaxCategory
from invoicing.operations.freezing import issuer_details, recipient_details
from sessions.models import ChargeRole, SessionCharge


def document_view(invoice: Invoice, *, annex: bool = True, on: dt.date | None = None) -> DocumentView:
    """The view of a document; a draft is shown as issued on the day `on` and marked as a draft.

    Without `annex` the sessions are left out (the mail needs none). Beyond what a PDF can hold they are left out too,
    and a note says that they come as a file.
    """
    with override(invoice.language if invoice.state == InvoiceState.ISSUED else invoice.party.language):
        return _view(invoice, annex, on)


def annex_sections(invoice: Invoice) -> tuple[AnnexSection, ...]:
    """All sessions of a document, grouped as its lines are, however many there are."""
    with override(invoice.language if invoice.state == InvoiceState.ISSUED else invoice.party.language):
        return annex_of(invoice)


def _view(invoice: Invoice, annex: bool, on: dt.date | None) -> DocumentView:
    issued = invoice.state == InvoiceState.ISSUED
    issuer: dict[str, Any] = invoice.issuer_details if issued else issuer_details(invoice.operator)
    recipient: dict[str, Any] = (
        invoice.recipient_details
        if issued
        else recipient_details(invoice.party, invoice.contract, invoice.contract_version)
    )
    issued_on = invoice.issued_on or on or invoice.period_to
    due_on = invoice.due_on or issued_on + dt.timedelta(days=recipient["payment_terms_days"])
    language = invoice.language if issued else invoice.party.language
    taxes = list(invoice.taxes.order_by("-tax_rate", "tax_category"))
    sections = annex_of(invoice) if annex and _annex_size(invoice) <= MAX_ANNEX_ROWS else ()
    total = quantise(invoice.gross_amount, invoice.currency)
    return DocumentView(
        kind=_kind(invoice, recipient),
        title=_title(invoice, recipient),
        number=invoice.number or "",
        issued_on=issued_on,
        language=language,
        currency=invoice.currency,
        issuer=issuer_block(issuer),
        recipient=recipient_block(recipient, issuer),
        letterhead=letterhead_of(issuer, language),
        groups=_groups(invoice),
        tax_rows=tuple(_tax_row(row, invoice.currency, issuer["tax_word"]) for row in taxes),
        net_amount=quantise(invoice.net_amount, invoice.currency),
        tax_amount=quantise(invoice.tax_amount, invoice.currency),
        total_amount=total,
        amount_due=total,
        due_on=None if invoice.kind == InvoiceKind.CREDIT_NOTE else due_on,
        supply_from=invoice.period_from,
        supply_to=invoice.period_to - dt.timedelta(days=1),
        references=_references(invoice, recipient, language),
        payment=_payment(invoice, issuer, recipient),
        remarks=tuple(_sponsored(invoice)) if invoice.kind == InvoiceKind.INVOICE else (),
        notes=_notes(taxes, complete=not annex or bool(sections) or not _annex_size(invoice)),
        annex=sections,
        annex_amount_label=amount_label(invoice),
        draft=not issued,
    )


def _annex_size(invoice: Invoice) -> int:
    return BilledCharge.objects.filter(line__invoice=invoice).values("charge__session_id").distinct().count()


def _kind(invoice: Invoice, recipient: dict[str, Any]) -> Kind:
    if invoice.kind == InvoiceKind.SETTLEMENT:
        return Kind.STATEMENT if recipient["tax_status"] == TaxStatus.NOT_TAXABLE else Kind.SETTLEMENT
    kinds = {InvoiceKind.CREDIT_NOTE: Kind.CREDIT_NOTE, InvoiceKind.FEE_NOTE: Kind.FEE_NOTE}
    return kinds.get(InvoiceKind(invoice.kind), Kind.INVOICE)


def _title(invoice: Invoice, recipient: dict[str, Any]) -> str:
    """A driver's plain statement for his home is called what it is; other documents by their kind."""
    if _kind(invoice, recipient) is not Kind.STATEMENT:
        return ""
    places = {line.because.get("site") for line in invoice.lines.all()} - {None}
    at_home = places and not Site.objects.filter(pk__in=places).exclude(kind=SiteKind.HOME).exists()
    return _("Home charging reimbursement") if at_home else ""


def _groups(invoice: Invoice) -> tuple[LineGroup, ...]:
    lines = invoice.lines.order_by("position")
    return tuple(
        _group(label, list(members), invoice.currency)
        for label, members in groupby(lines, lambda line: line.group_label)
    )


def _group(label: str, members: list[InvoiceLine], currency: str) -> LineGroup:
    lines = tuple(
        Line(
            label=line.text,
            net_amount=quantise(line.net_amount, currency),
            text=line.because.get("sentence", ""),
            sessions=line.session_count or None,
            energy_wh=line.energy_wh or None,
        )
        for line in members
    )
    return LineGroup(lines, add(line.net_amount for line in lines), label)


def _tax_row(row: InvoiceTax, currency: str, tax_word: str) -> TaxRow:
    net, tax = quantise(row.net_amount, currency), quantise(row.tax_amount, currency)
    return TaxRow(_tax_label(row, tax_word), net, tax, net + tax)


def _tax_label(row: InvoiceTax, tax_word: str) -> str:
    if row.tax_category == TaxCategory.REVERSE_CHARGE:
        return _("Reverse charge")
    if row.tax_category == TaxCategory.EXEMPT:
        return _("Exempt from tax")
    if row.tax_category == TaxCategory.OUTSIDE:
        return _("Not taxable")
    word = _("Sales tax") if tax_word == TaxWord.SALES_TAX else _("VAT")
    rate = format(row.tax_rate.normalize(), "f")
    return f"{word} {rate} %"


def _references(invoice: Invoice, recipient: dict[str, Any], language: str) -> References:
    original = ""
    if invoice.corrects is not None and invoice.corrects.issued_on is not None:
        day = formats_of(language, invoice.currency).long_date(invoice.corrects.issued_on)
        original = _("%(number)s of %(day)s") % {"number": invoice.corrects.number, "day": day}
    return References(
        customer_no=recipient["number"],
        contract_no=recipient["contract_number"],
        purchase_order=recipient["purchase_order"],
        original_document=original,
        more=((_("Reason"), invoice.reason),) if invoice.reason else (),
    )


def _payment(invoice: Invoice, issuer: dict[str, Any], recipient: dict[str, Any]) -> PaymentBlock:
    number = invoice.number or ""
    if invoice.kind == InvoiceKind.CREDIT_NOTE:
        about = invoice.corrects.number if invoice.corrects is not None else ""
        text = _("The amount is set off against %(number)s; what remains is kept as your credit.") % {"number": about}
        return PaymentBlock(PaymentMethod.NONE, number, text)
    if invoice.kind == InvoiceKind.SETTLEMENT:
        bank = bank_account(recipient["legal_name"], recipient["iban"])
        text = _("We transfer the amount to this account.")
        if bank is None:
            text = _(
                "We do not have your bank account yet. Send its details to %(email)s and we will transfer the amount."
            )
            text %= {"email": issuer["billing_email"]}
        return PaymentBlock(PaymentMethod.PAYOUT, number, text, bank)
    bank = issuer_bank(issuer)
    text = _("Please give the reference %(number)s with your payment.") % {"number": number} if number else ""
    return PaymentBlock(PaymentMethod.TRANSFER, number, text, bank)


def _notes(taxes: list[InvoiceTax], *, complete: bool) -> tuple[str, ...]:
    notes = [ground for ground in dict.fromkeys(row.ground for row in taxes) if ground]
    if not complete:
        notes.append(_("The sessions are listed in the attached CSV file."))
    return tuple(notes)


def _sponsored(invoice: Invoice) -> list[str]:
    """Who pays the rest of these sessions, so that their price can be followed; a sponsor sees its customers' sum."""
    own = BilledCharge.objects.filter(line__invoice=invoice)
    others = (
        SessionCharge.objects.filter(session__in=own.values("charge__session_id"))
        .exclude(contract=invoice.contract_id)
        .values("contract__party__legal_name", "role")
        .annotate(net=amount_sum("net_amount"))
        .order_by("contract__party__legal_name")
    )
    money = formats_of(invoice.language, invoice.currency).money
    sponsors = [row for row in others if row["role"] == ChargeRole.SPONSOR]
    customers = [row for row in others if row["role"] != ChargeRole.SPONSOR]
    sentences = [
        _("%(party)s sponsors these sessions with %(amount)s before tax, which is not part of this invoice.")
        % {"party": row["contract__party__legal_name"], "amount": money(_minor(row["net"], invoice))}
        for row in sponsors
    ]
    if customers:
        rest = money(_minor(add(row["net"] for row in customers), invoice))
        sentences.append(
            _("The customers pay the remaining %(amount)s before tax of these sessions.") % {"amount": rest}
        )
    return sentences


def _minor(amount: Decimal, invoice: Invoice) -> Decimal:
    return quantise(amount, invoice.currency)
