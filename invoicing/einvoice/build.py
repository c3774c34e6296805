"""From a document's rows to its e-invoice (`einvoice_of`), and which format it has at all (`format_of`).

An issued document reads the parties as frozen on it; a draft shows them as they are today, under a placeholder number.
"""

import datetime as dt
from dataclasses import replace

from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import PriceBasis
from evbilling.kernel.money import ZERO, add, quantise
from evbilling.shell.paper.formats import formats_of
from invoicing.einvoice import preflight
from invoicing.einvoice.model import (
    Allowance,
    Contact,
    EInvoice,
    Endpoint,
    Format,
    Line,
    Means,
    Payment,
    Preceding,
    TaxRow,
    Totals,
    TradeParty,
    TypeCode,
)
from invoicing.einvoice.preflight import Asked, Details, contact_of
from invoicing.models import Invoice, InvoiceKind, InvoiceLine, InvoiceTax, LineKind
from invoicing.queries.exchange import tax_in_reporting_currency
from invoicing.queries.freezing import details_of, language_of
from invoicing.rules.tax import Category

PLACEHOLDER = "DRAFT"
"""The number of a draft: its e-invoice can be checked before it has one."""
_TAKEN_OFF = (LineKind.ALLOWANCE, LineKind.UPTIME_CREDIT)
_CODES = {Category.REVERSE_CHARGE: "VATEX-EU-AE", Category.OUTSIDE: "VATEX-EU-O"}


def format_of(invoice: Invoice) -> Format | None:
    """The format of a document's e-invoice; None where there is none, for one of the reasons of `why_none`."""
    return None if why_none(invoice) else Format(details_of(invoice)[1]["einvoice_format"])


def why_none(invoice: Invoice) -> str:
    """Why a document has no e-invoice, as a sentence; empty where it has one."""
    return preflight.why_none(*details_of(invoice), _settled(invoice) if is_self_billed(invoice) else None)


def is_self_billed(invoice: Invoice) -> bool:
    """Whether the recipient is the seller: settlements, and what corrects one."""
    original = invoice.corrects if invoice.kind == InvoiceKind.CREDIT_NOTE else None
    return InvoiceKind.SETTLEMENT in (invoice.kind, original.kind if original else "")


def _settled(invoice: Invoice) -> Details:
    """The host as he stood when he was settled."""
    return details_of(invoice)[1] if invoice.corrects is None else invoice.corrects.recipient_details


def asked_of(invoice: Invoice, format: Format) -> Asked:
    """What preflight looks at."""
    issuer, recipient = details_of(invoice)
    return Asked(
        format=format,
        issuer=issuer,
        recipient=recipient,
        currency=invoice.currency,
        grounds=[(row.tax_category, row.ground or row.ground_code) for row in invoice.taxes.all()],
        self_billed=is_self_billed(invoice),
        purchase_order=_purchase_order(invoice, recipient),
    )


def einvoice_of(invoice: Invoice, *, format: Format, on: dt.date | None = None) -> EInvoice:
    """The e-invoice of a document; a draft is shown as issued on the day `on`. Three queries."""
    with override(language_of(invoice)):
        return _einvoice(invoice, format, on)


def _einvoice(invoice: Invoice, format: Format, on: dt.date | None) -> EInvoice:
    issuer, recipient = details_of(invoice)
    self_billed = is_self_billed(invoice)
    taxes = list(invoice.taxes.order_by("-tax_rate", "tax_category"))
    outside = any(row.tax_category == Category.OUTSIDE for row in taxes)
    operator, party = (_party(each, outside=outside) for each in (issuer, recipient))
    seller, buyer = (party, operator) if self_billed else (operator, party)
    lines, allowances = _lines(invoice)
    issued_on = invoice.issued_on or on or invoice.period_to
    due_on = invoice.due_on or issued_on + dt.timedelta(days=recipient["payment_terms_days"])
    is_credit = invoice.kind == InvoiceKind.CREDIT_NOTE
    return EInvoice(
        type_code=_type_code(invoice, self_billed, format),
        number=invoice.number or PLACEHOLDER,
        issued_on=issued_on,
        due_on=None if is_credit else due_on,
        currency=invoice.currency,
        seller=_as_seller(seller, issuer if not self_billed else recipient, self_billed, outside),
        buyer=buyer,
        supply_from=invoice.period_from,
        supply_to=invoice.period_to - dt.timedelta(days=1),
        payment=_payment(invoice, issuer, recipient, due_on),
        lines=lines,
        allowances=allowances,
        taxes=tuple(_tax_row(row, invoice.currency) for row in taxes),
        totals=_totals(invoice, lines, allowances),
        buyer_reference=recipient["contract_number"] if self_billed else recipient.get("buyer_reference", ""),
        purchase_order="" if self_billed else _purchase_order(invoice, recipient),
        contract_number=recipient["contract_number"],
        preceding=_preceding(invoice),
        note=invoice.reason,
        gross_priced=invoice.price_basis == PriceBasis.GROSS,
    )


def _type_code(invoice: Invoice, self_billed: bool, format: Format) -> TypeCode:
    """XRechnung does not list 386 (BR-DE-17): an advance is an ordinary invoice there."""
    if invoice.kind == InvoiceKind.CREDIT_NOTE:
        return TypeCode.SELF_BILLED_CREDIT if self_billed else TypeCode.CREDIT_NOTE
    if self_billed:
        return TypeCode.SELF_BILLED
    if invoice.kind == InvoiceKind.ADVANCE and format is not Format.XRECHNUNG:
        return TypeCode.ADVANCE
    return TypeCode.INVOICE


def _purchase_order(invoice: Invoice, recipient: Details) -> str:
    return str(invoice.purchase_order or recipient["purchase_order"])


def _party(details: Details, *, outside: bool) -> TradeParty:
    """Category O admits no VAT id on either side (BR-O-02)."""
    endpoint = Endpoint(details.get("endpoint_scheme", ""), details.get("endpoint_id", ""))
    return TradeParty(
        name=details["legal_name"],
        street=details["street"],
        city=details["city"],
        postal_code=details["postal_code"],
        country=details["country"],
        region=details["region"],
        vat_id="" if outside else details["vat_id"],
        endpoint=endpoint if endpoint.value else None,
    )


def _as_seller(party: TradeParty, details: Details, self_billed: bool, outside: bool) -> TradeParty:
    """With what buyers identify him by (BR-CO-26) and ask him through; his mail address is always an address."""
    contact = contact_of(details, self_billed=self_billed)
    email = contact.get("email", "")
    identifier = details.get("number", "")
    registration = details.get("register_entry", "")
    if outside and not identifier and not registration:
        identifier = details["vat_id"] or details.get("tax_number", "")
    return replace(
        party,
        tax_number=details.get("tax_number", ""),
        registration=registration,
        identifier=identifier,
        endpoint=party.endpoint or (Endpoint("EM", email) if email else None),
        contact=Contact(contact["name"], contact.get("phone", ""), email) if contact.get("name") else None,
    )


def _lines(invoice: Invoice) -> tuple[tuple[Line, ...], tuple[Allowance, ...]]:
    """Discounts become allowances of the document, unless nothing else stands on it: one line there must be (BR-16)."""
    rows = list(invoice.lines.order_by("position"))
    taken_off = [row for row in rows if row.kind in _TAKEN_OFF and row.net_amount < 0]
    if len(taken_off) == len(rows):
        taken_off = []
    skipped = {row.pk for row in taken_off}
    return (
        tuple(_line(row, invoice) for row in rows if row.pk not in skipped),
        tuple(
            Allowance(-quantise(row.net_amount, invoice.currency), row.text, row.tax_category, row.tax_rate)
            for row in taken_off
        ),
    )


def _line(row: InvoiceLine, invoice: Invoice) -> Line:
    return Line(
        position=str(row.position),
        name=row.text,
        description=_description(row, invoice),
        net=quantise(row.net_amount, invoice.currency),
        category=row.tax_category,
        rate=row.tax_rate,
    )


def _description(row: InvoiceLine, invoice: Invoice) -> str:
    """Group, sessions and energy, and how it was reckoned: the line itself is one time its net."""
    formats = formats_of(invoice.language, invoice.currency)
    parts = [row.group_label]
    if row.session_count:
        parts.append(_("%(count)s sessions") % {"count": formats.whole(row.session_count)})
    if row.energy_wh:
        parts.append(f"{formats.kwh(row.energy_wh)} kWh")
    parts.append(row.because.get("sentence", ""))
    return " · ".join(part for part in parts if part)


def _tax_row(row: InvoiceTax, currency: str) -> TaxRow:
    taxed = row.tax_category in (Category.STANDARD, Category.ZERO)
    return TaxRow(
        category=row.tax_category,
        rate=row.tax_rate,
        net=quantise(row.net_amount, currency),
        tax=quantise(row.tax_amount, currency),
        reason="" if taxed else row.ground,
        reason_code="" if taxed else row.ground_code or _CODES.get(Category(row.tax_category), ""),
    )


def _totals(invoice: Invoice, lines: tuple[Line, ...], allowances: tuple[Allowance, ...]) -> Totals:
    currency, gross = invoice.currency, quantise(invoice.gross_amount, invoice.currency)
    reported = tax_in_reporting_currency(invoice)
    return Totals(
        lines=add(line.net for line in lines) or quantise(ZERO, currency),
        allowances=add(each.amount for each in allowances),
        net=quantise(invoice.net_amount, currency),
        tax=quantise(invoice.tax_amount, currency),
        gross=gross,
        due=gross,
        tax_currency="" if reported is None else invoice.reporting_currency,
        tax_in_currency=reported,
    )


def _preceding(invoice: Invoice) -> Preceding | None:
    original = invoice.corrects if invoice.kind == InvoiceKind.CREDIT_NOTE else None
    if original is None or original.number is None or original.issued_on is None:
        return None
    return Preceding(original.number, original.issued_on)


def _payment(invoice: Invoice, issuer: Details, recipient: Details, due_on: dt.date) -> Payment:
    reference = invoice.number or PLACEHOLDER
    if invoice.kind == InvoiceKind.CREDIT_NOTE:
        number = invoice.corrects.number if invoice.corrects else ""
        terms = _("The amount is set off against %(number)s; what remains is kept as your credit.")
        return Payment(Means.CLEARING, reference, terms=terms % {"number": number})
    day = formats_of(invoice.language, invoice.currency).long_date(due_on)
    if invoice.kind == InvoiceKind.SETTLEMENT:
        return _transfer(invoice, recipient, reference, _("We transfer the amount by %(day)s.") % {"day": day})
    return _transfer(invoice, issuer, reference, _("Payable by %(day)s.") % {"day": day})


def _transfer(invoice: Invoice, payee: Details, reference: str, terms: str) -> Payment:
    """An IBAN begins with two letters; in euros it takes a SEPA transfer. Without an account the means is open."""
    account = "".join(payee["iban"].split())
    if not account:
        return Payment(Means.UNKNOWN, reference, terms=terms)
    sepa = account[:2].isalpha() and invoice.currency == "EUR"
    return Payment(
        means=Means.SEPA_TRANSFER if sepa else Means.TRANSFER,
        reference=reference,
        account=account,
        holder=payee["legal_name"],
        bic=payee.get("bic", "") if account[:2].isalpha() else "",
        terms=terms,
    )
