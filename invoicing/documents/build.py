"""From the rows of a document to its view: what `render_pdf` sets in type and `compose_mail` writes about.

An issued document reads the parties as frozen on it; a draft shows them as they are today. Amounts are the rows' own:
nothing is computed here but the sums of groups, which `check_view` proves.
"""

import datetime as dt
from decimal import Decimal
from itertools import groupby
from typing import Any

from babel import Locale
from babel.numbers import format_decimal
from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import DocumentSplit, Site, SiteKind, TaxStatus, TaxWord, TextPlace
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import add, quantise
from evbilling.shell.paper.formats import formats_of, locale_of
from invoicing.documents.annex_rows import amount_label, annex_of
from invoicing.documents.blocks import (
    bank_account,
    issuer_bank,
    issuer_block,
    letterhead_of,
    own_text,
    recipient_block,
)
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
from invoicing.queries.exchange import tax_in_reporting_currency
from invoicing.queries.freezing import details_of, language_of
from sessions.models import ChargeRole, SessionCharge

_MOST_CONTRACTS = 4
"""Contracts of a group that page one names."""


def document_view(invoice: Invoice, *, annex: bool = True, on: dt.date | None = None) -> DocumentView:
    """The view of a document; a draft is shown as issued on the day `on` and marked as a draft.

    Without `annex` the sessions are left out (the mail needs none). Beyond what a PDF can hold they are left out too,
    and a note says that they come as a file.
    """
    with override(language_of(invoice)):
        return _view(invoice, annex, on)


def annex_sections(invoice: Invoice) -> tuple[AnnexSection, ...]:
    """All sessions of a document, grouped as its lines are, however many there are."""
    with override(language_of(invoice)):
        return annex_of(invoice)


def _view(invoice: Invoice, annex: bool, on: dt.date | None) -> DocumentView:
    issued = invoice.state == InvoiceState.ISSUED
    issuer, recipient = details_of(invoice)
    issued_on = invoice.issued_on or on or invoice.period_to
    due_on = invoice.due_on or issued_on + dt.timedelta(days=recipient["payment_terms_days"])
    language = language_of(invoice)
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
        tax_rows=tuple(_tax_row(row, invoice, issuer["tax_word"]) for row in taxes),
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
        notes=_notes(invoice, taxes, complete=not annex or bool(sections) or not _annex_size(invoice)),
        annex=sections,
        annex_amount_label=amount_label(invoice),
        draft=not issued,
        introduction=own_text(issuer, TextPlace.INTRODUCTION, language) if _is_invoice(invoice) else "",
        closing=own_text(issuer, TextPlace.CLOSING, language) if _is_invoice(invoice) else "",
        mail_text=own_text(issuer, TextPlace.MAIL, language),
    )


def _is_invoice(invoice: Invoice) -> bool:
    return invoice.kind in {InvoiceKind.INVOICE, InvoiceKind.ADVANCE}


def _annex_size(invoice: Invoice) -> int:
    links = BilledCharge.objects.filter(line__invoice=invoice, line__invoice__corrects=None)
    return links.values("charge__session_id").distinct().count()


def _kind(invoice: Invoice, recipient: dict[str, Any]) -> Kind:
    if invoice.kind == InvoiceKind.SETTLEMENT:
        return Kind.STATEMENT if recipient["tax_status"] == TaxStatus.NOT_TAXABLE else Kind.SETTLEMENT
    kinds = {
        InvoiceKind.CREDIT_NOTE: Kind.CREDIT_NOTE,
        InvoiceKind.FEE_NOTE: Kind.FEE_NOTE,
        InvoiceKind.ADVANCE: Kind.ADVANCE,
    }
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
            gross_amount=None if line.gross_amount is None else quantise(line.gross_amount, currency),
        )
        for line in members
    )
    grosses = [line.gross_amount for line in lines if line.gross_amount is not None]
    return LineGroup(lines, add(line.net_amount for line in lines), label, add(grosses) if grosses else None)


def _tax_row(row: InvoiceTax, invoice: Invoice, tax_word: str) -> TaxRow:
    net, tax = quantise(row.net_amount, invoice.currency), quantise(row.tax_amount, invoice.currency)
    locale = locale_of(language_of(invoice), invoice.currency)
    return TaxRow(_tax_label(row, tax_word, locale), net, tax, net + tax)


def _tax_label(row: InvoiceTax, tax_word: str, locale: Locale) -> str:
    if row.tax_category == TaxCategory.REVERSE_CHARGE:
        return _("Reverse charge")
    if row.tax_category == TaxCategory.EXEMPT:
        return _("Exempt from tax")
    if row.tax_category == TaxCategory.OUTSIDE:
        return _("Not taxable")
    word = _("Sales tax") if tax_word == TaxWord.SALES_TAX else _("VAT")
    rate = format_decimal(row.tax_rate, locale=locale, decimal_quantization=False)
    return f"{word} {rate} %"


def _references(invoice: Invoice, recipient: dict[str, Any], language: str) -> References:
    by_centre = invoice.contract_version.split_documents_by == DocumentSplit.COST_CENTRE
    return References(
        customer_no=recipient["number"],
        contract_no=_contracts(invoice) or recipient["contract_number"],
        purchase_order=invoice.purchase_order or recipient["purchase_order"],
        cost_centre=invoice.split_key if by_centre else "",
        original_document=_credited(invoice, language),
        replaced_document=_named(invoice.replaces, language),
        more=((_("Reason"), invoice.reason),) if invoice.reason else (),
    )


def _contracts(invoice: Invoice) -> str:
    """The contracts of a billing group's document; empty on the document of one."""
    if invoice.billing_group_id is None:
        return ""
    numbers = list(invoice.lines.order_by("contract__number").values_list("contract__number", flat=True).distinct())
    more = len(numbers) - _MOST_CONTRACTS
    if more > 0:
        numbers = [*numbers[:_MOST_CONTRACTS], _("%(count)s more") % {"count": more}]
    return ", ".join(numbers)


def _named(document: Invoice | None, language: str) -> str:
    """Another document's number and day; empty without one."""
    if document is None or document.issued_on is None:
        return ""
    day = formats_of(language, document.currency).long_date(document.issued_on)
    return _("%(number)s of %(day)s") % {"number": document.number, "day": day}


def _credited(invoice: Invoice, language: str) -> str:
    """The original of a credit note, which may credit a part of it."""
    named = _named(invoice.corrects, language)
    if invoice.corrects is None or invoice.gross_amount >= invoice.corrects.gross_amount:
        return named
    return _("%(document)s, in part") % {"document": named}


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


def _notes(invoice: Invoice, taxes: list[InvoiceTax], *, complete: bool) -> tuple[str, ...]:
    notes = [ground for ground in dict.fromkeys(row.ground for row in taxes) if ground]
    notes += _reported_tax(invoice)
    if not complete:
        notes.append(_("The sessions are listed in the attached file."))
    return tuple(notes)


def _reported_tax(invoice: Invoice) -> list[str]:
    """The tax in the currency in which the issuer reports it, with the rate (EN 16931 BT-6, BT-111)."""
    reported = tax_in_reporting_currency(invoice)
    if reported is None or invoice.reporting_rate is None or not invoice.tax_amount:
        return []
    locale = locale_of(invoice.language, invoice.currency)
    sentence = _("The tax comes to %(amount)s at 1 %(currency)s = %(rate)s %(reporting)s.")
    return [
        sentence
        % {
            "amount": formats_of(invoice.language, invoice.reporting_currency).money(reported),
            "currency": invoice.currency,
            "rate": format_decimal(invoice.reporting_rate, locale=locale, decimal_quantization=False),
            "reporting": invoice.reporting_currency,
        }
    ]


def _sponsored(invoice: Invoice) -> list[str]:
    """Who pays the rest of these sessions, so that their price can be followed; a sponsor sees its customers' sum."""
    own = BilledCharge.objects.filter(line__invoice=invoice)
    others = (
        SessionCharge.objects.filter(session__in=own.values("charge__session_id"))
        .exclude(pk__in=own.values("charge_id"))
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
