"""The e-invoice as UBL 2.1 Invoice or CreditNote: XRechnung 3.0 and Peppol BIS Billing 3 (self-billing included)."""

from decimal import Decimal

from invoicing.einvoice.cii import rate_text
from invoicing.einvoice.model import Allowance, EInvoice, Format, Line, TaxRow, TradeParty
from invoicing.einvoice.writing import Node
from invoicing.rules.tax import Category

XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
PEPPOL = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PEPPOL_SELF_BILLING = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:selfbilling:3.0"
BILLING_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
SELF_BILLING_PROCESS = "urn:fdc:peppol.eu:2017:poacc:selfbilling:01:1.0"
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_PARTS = {"cac": f"{_UBL}CommonAggregateComponents-2", "cbc": f"{_UBL}CommonBasicComponents-2"}


def write(invoice: EInvoice, format: Format) -> bytes:
    """The XML of a document for XRechnung or Peppol; the same document always gives the same bytes."""
    name = "CreditNote" if invoice.is_credit else "Invoice"
    root = Node.root(name, {"": f"{_UBL}{name}-2", **_PARTS})
    _head(root, invoice, format)
    _references(root, invoice)
    _party(root.node("cac:AccountingSupplierParty/cac:Party"), invoice.seller)
    _party(root.node("cac:AccountingCustomerParty/cac:Party"), invoice.buyer)
    _means(root.node("cac:PaymentMeans"), invoice)
    root.text("cac:PaymentTerms/cbc:Note", invoice.payment.terms)
    for allowance in invoice.allowances:
        _allowance(root.node("cac:AllowanceCharge"), allowance, invoice.currency)
    _taxes(root, invoice)
    _sums(root.node("cac:LegalMonetaryTotal"), invoice)
    for line in invoice.lines:
        _line(root.node(f"cac:{name}Line"), line, invoice)
    return root.content()


def identifiers_of(invoice: EInvoice, format: Format) -> tuple[str, str]:
    """Specification (BT-24) and business process (BT-23)."""
    if format is Format.XRECHNUNG:
        return XRECHNUNG, SELF_BILLING_PROCESS if invoice.is_self_billed else BILLING_PROCESS
    return (PEPPOL_SELF_BILLING, SELF_BILLING_PROCESS) if invoice.is_self_billed else (PEPPOL, BILLING_PROCESS)


def _head(root: Node, invoice: EInvoice, format: Format) -> None:
    specification, process = identifiers_of(invoice, format)
    root.text("cbc:CustomizationID", specification)
    root.text("cbc:ProfileID", process)
    root.text("cbc:ID", invoice.number)
    root.text("cbc:IssueDate", invoice.issued_on.isoformat())
    if invoice.due_on and not invoice.is_credit:
        root.text("cbc:DueDate", invoice.due_on.isoformat())
    root.text("cbc:CreditNoteTypeCode" if invoice.is_credit else "cbc:InvoiceTypeCode", invoice.type_code.value)
    root.text("cbc:Note", invoice.note)
    root.text("cbc:DocumentCurrencyCode", invoice.currency)
    root.text("cbc:TaxCurrencyCode", invoice.totals.tax_currency)
    root.text("cbc:BuyerReference", invoice.buyer_reference)


def _references(root: Node, invoice: EInvoice) -> None:
    period = root.node("cac:InvoicePeriod")
    period.text("cbc:StartDate", invoice.supply_from.isoformat())
    period.text("cbc:EndDate", invoice.supply_to.isoformat())
    root.text("cac:OrderReference/cbc:ID", invoice.purchase_order)
    if invoice.preceding:
        before = root.node("cac:BillingReference/cac:InvoiceDocumentReference")
        before.text("cbc:ID", invoice.preceding.number)
        before.text("cbc:IssueDate", invoice.preceding.issued_on.isoformat())
    root.text("cac:ContractDocumentReference/cbc:ID", invoice.contract_number)


def _party(node: Node, party: TradeParty) -> None:
    if party.endpoint:
        node.text("cbc:EndpointID", party.endpoint.value, schemeID=party.endpoint.scheme)
    node.text("cac:PartyIdentification/cbc:ID", party.identifier)
    address = node.node("cac:PostalAddress")
    address.text("cbc:StreetName", party.street)
    address.text("cbc:CityName", party.city)
    address.text("cbc:PostalZone", party.postal_code)
    address.text("cbc:CountrySubentity", party.region)
    address.text("cac:Country/cbc:IdentificationCode", party.country)
    for scheme, value in (("VAT", party.vat_id), ("FC", party.tax_number)):
        if value:
            registered = node.node("cac:PartyTaxScheme")
            registered.text("cbc:CompanyID", value)
            registered.text("cac:TaxScheme/cbc:ID", scheme)
    legal = node.node("cac:PartyLegalEntity")
    legal.text("cbc:RegistrationName", party.name)
    legal.text("cbc:CompanyID", party.registration)
    if party.contact:
        contact = node.node("cac:Contact")
        contact.text("cbc:Name", party.contact.name)
        contact.text("cbc:Telephone", party.contact.phone)
        contact.text("cbc:ElectronicMail", party.contact.email)


def _means(node: Node, invoice: EInvoice) -> None:
    payment = invoice.payment
    node.text("cbc:PaymentMeansCode", payment.means.value)
    node.text("cbc:PaymentID", payment.reference)
    if payment.account:
        account = node.node("cac:PayeeFinancialAccount")
        account.text("cbc:ID", payment.account)
        account.text("cbc:Name", payment.holder)
        account.text("cac:FinancialInstitutionBranch/cbc:ID", payment.bic)


def _allowance(node: Node, allowance: Allowance, currency: str) -> None:
    node.text("cbc:ChargeIndicator", "false")
    node.text("cbc:AllowanceChargeReason", allowance.reason)
    node.text("cbc:Amount", allowance.amount, currencyID=currency)
    _category(node.node("cac:TaxCategory"), allowance)


def _category(node: Node, what: Line | Allowance) -> None:
    """Category O carries no rate (BR-O-05, BR-O-06)."""
    node.text("cbc:ID", what.category)
    if what.category != Category.OUTSIDE:
        node.text("cbc:Percent", rate_text(what.rate))
    node.text("cac:TaxScheme/cbc:ID", "VAT")


def _taxes(root: Node, invoice: EInvoice) -> None:
    total = root.node("cac:TaxTotal")
    total.text("cbc:TaxAmount", invoice.totals.tax, currencyID=invoice.currency)
    for row in invoice.taxes:
        _tax(total.node("cac:TaxSubtotal"), row, invoice.currency)
    if invoice.totals.tax_in_currency is not None:
        currency = invoice.totals.tax_currency
        root.text("cac:TaxTotal/cbc:TaxAmount", invoice.totals.tax_in_currency, currencyID=currency)


def _tax(node: Node, row: TaxRow, currency: str) -> None:
    node.text("cbc:TaxableAmount", row.net, currencyID=currency)
    node.text("cbc:TaxAmount", row.tax, currencyID=currency)
    category = node.node("cac:TaxCategory")
    category.text("cbc:ID", row.category)
    category.text("cbc:Percent", rate_text(row.rate))
    category.text("cbc:TaxExemptionReasonCode", row.reason_code)
    category.text("cbc:TaxExemptionReason", row.reason)
    category.text("cac:TaxScheme/cbc:ID", "VAT")


def _sums(node: Node, invoice: EInvoice) -> None:
    totals = invoice.totals
    amounts: list[tuple[str, Decimal]] = [
        ("LineExtensionAmount", totals.lines),
        ("TaxExclusiveAmount", totals.net),
        ("TaxInclusiveAmount", totals.gross),
    ]
    if invoice.allowances:
        amounts.append(("AllowanceTotalAmount", totals.allowances))
    for name, amount in [*amounts, ("PayableAmount", totals.due)]:
        node.text(f"cbc:{name}", amount, currencyID=invoice.currency)


def _line(node: Node, line: Line, invoice: EInvoice) -> None:
    quantity = "cbc:CreditedQuantity" if invoice.is_credit else "cbc:InvoicedQuantity"
    node.text("cbc:ID", line.position)
    node.text(quantity, line.quantity, unitCode="C62")
    node.text("cbc:LineExtensionAmount", line.net, currencyID=invoice.currency)
    item = node.node("cac:Item")
    item.text("cbc:Description", line.description)
    item.text("cbc:Name", line.name)
    _category(item.node("cac:ClassifiedTaxCategory"), line)
    node.text("cac:Price/cbc:PriceAmount", line.price, currencyID=invoice.currency)
