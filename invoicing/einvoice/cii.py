"""The e-invoice as UN/CEFACT CII: Factur-X 1.0 (ZUGFeRD 2), profile EN 16931, as it is embedded in the PDF."""

import datetime as dt
from decimal import Decimal

from invoicing.einvoice.model import Allowance, EInvoice, Line, TaxRow, TradeParty
from invoicing.einvoice.writing import Node
from invoicing.rules.tax import Category

PROFILE = "urn:cen.eu:en16931:2017"
NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
_VAT, _TAX_NUMBER, _DATE = "VA", "FC", "102"


def write(invoice: EInvoice) -> bytes:
    """The XML of a document; the same document always gives the same bytes."""
    root = Node.root("rsm:CrossIndustryInvoice", NAMESPACES)
    root.text("rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", PROFILE)
    head = root.node("rsm:ExchangedDocument")
    head.text("ram:ID", invoice.number)
    head.text("ram:TypeCode", invoice.type_code.value)
    _date(head, "ram:IssueDateTime", invoice.issued_on)
    head.text("ram:IncludedNote/ram:Content", invoice.note)
    trade = root.node("rsm:SupplyChainTradeTransaction")
    for line in invoice.lines:
        _line(trade.node("ram:IncludedSupplyChainTradeLineItem"), line)
    _agreement(trade.node("ram:ApplicableHeaderTradeAgreement"), invoice)
    trade.node("ram:ApplicableHeaderTradeDelivery")
    _settlement(trade.node("ram:ApplicableHeaderTradeSettlement"), invoice)
    return root.content()


def _date(node: Node, path: str, day: dt.date, prefix: str = "udt") -> None:
    node.text(f"{path}/{prefix}:DateTimeString", f"{day:%Y%m%d}", format=_DATE)


def _line(item: Node, line: Line) -> None:
    item.text("ram:AssociatedDocumentLineDocument/ram:LineID", line.position)
    product = item.node("ram:SpecifiedTradeProduct")
    product.text("ram:Name", line.name)
    product.text("ram:Description", line.description)
    item.text("ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount", line.price)
    item.text("ram:SpecifiedLineTradeDelivery/ram:BilledQuantity", line.quantity, unitCode="C62")
    settled = item.node("ram:SpecifiedLineTradeSettlement")
    _category(settled.node("ram:ApplicableTradeTax"), line)
    settled.text("ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount", line.net)


def _category(tax: Node, what: Line | Allowance) -> None:
    """Category O carries no rate (BR-O-05, BR-O-06)."""
    tax.text("ram:TypeCode", "VAT")
    tax.text("ram:CategoryCode", what.category)
    if what.category != Category.OUTSIDE:
        tax.text("ram:RateApplicablePercent", rate_text(what.rate))


def rate_text(rate: Decimal) -> str:
    """19, 7.5: without needless zeros."""
    return format(rate.normalize(), "f")


def _agreement(agreed: Node, invoice: EInvoice) -> None:
    agreed.text("ram:BuyerReference", invoice.buyer_reference)
    _party(agreed.node("ram:SellerTradeParty"), invoice.seller)
    _party(agreed.node("ram:BuyerTradeParty"), invoice.buyer)
    agreed.text("ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID", invoice.purchase_order)
    agreed.text("ram:ContractReferencedDocument/ram:IssuerAssignedID", invoice.contract_number)


def _party(node: Node, party: TradeParty) -> None:
    node.text("ram:ID", party.identifier)
    node.text("ram:Name", party.name)
    node.text("ram:SpecifiedLegalOrganization/ram:ID", party.registration)
    if party.contact:
        contact = node.node("ram:DefinedTradeContact")
        contact.text("ram:PersonName", party.contact.name)
        contact.text("ram:TelephoneUniversalCommunication/ram:CompleteNumber", party.contact.phone)
        contact.text("ram:EmailURIUniversalCommunication/ram:URIID", party.contact.email)
    address = node.node("ram:PostalTradeAddress")
    address.text("ram:PostcodeCode", party.postal_code)
    address.text("ram:LineOne", party.street)
    address.text("ram:CityName", party.city)
    address.text("ram:CountryID", party.country)
    address.text("ram:CountrySubDivisionName", party.region)
    if party.endpoint:
        node.text("ram:URIUniversalCommunication/ram:URIID", party.endpoint.value, schemeID=party.endpoint.scheme)
    for scheme, value in ((_VAT, party.vat_id), (_TAX_NUMBER, party.tax_number)):
        node.text("ram:SpecifiedTaxRegistration/ram:ID", value, schemeID=scheme)


def _settlement(node: Node, invoice: EInvoice) -> None:
    node.text("ram:PaymentReference", invoice.payment.reference)
    node.text("ram:TaxCurrencyCode", invoice.totals.tax_currency)
    node.text("ram:InvoiceCurrencyCode", invoice.currency)
    _means(node.node("ram:SpecifiedTradeSettlementPaymentMeans"), invoice)
    for row in invoice.taxes:
        _tax(node.node("ram:ApplicableTradeTax"), row)
    period = node.node("ram:BillingSpecifiedPeriod")
    _date(period, "ram:StartDateTime", invoice.supply_from)
    _date(period, "ram:EndDateTime", invoice.supply_to)
    for allowance in invoice.allowances:
        _allowance(node.node("ram:SpecifiedTradeAllowanceCharge"), allowance)
    terms = node.node("ram:SpecifiedTradePaymentTerms")
    terms.text("ram:Description", invoice.payment.terms)
    if invoice.due_on:
        _date(terms, "ram:DueDateDateTime", invoice.due_on)
    _sums(node.node("ram:SpecifiedTradeSettlementHeaderMonetarySummation"), invoice)
    if invoice.preceding:
        before = node.node("ram:InvoiceReferencedDocument")
        before.text("ram:IssuerAssignedID", invoice.preceding.number)
        _date(before, "ram:FormattedIssueDateTime", invoice.preceding.issued_on, "qdt")


def _means(node: Node, invoice: EInvoice) -> None:
    payment = invoice.payment
    node.text("ram:TypeCode", payment.means.value)
    if payment.account:
        account = node.node("ram:PayeePartyCreditorFinancialAccount")
        is_iban = payment.account[:2].isalpha()
        if is_iban:
            account.text("ram:IBANID", payment.account)
        account.text("ram:AccountName", payment.holder)
        if not is_iban:
            account.text("ram:ProprietaryID", payment.account)
        node.text("ram:PayeeSpecifiedCreditorFinancialInstitution/ram:BICID", payment.bic)


def _tax(node: Node, row: TaxRow) -> None:
    node.text("ram:CalculatedAmount", row.tax)
    node.text("ram:TypeCode", "VAT")
    node.text("ram:ExemptionReason", row.reason)
    node.text("ram:BasisAmount", row.net)
    node.text("ram:CategoryCode", row.category)
    node.text("ram:ExemptionReasonCode", row.reason_code)
    node.text("ram:RateApplicablePercent", rate_text(row.rate))


def _allowance(node: Node, allowance: Allowance) -> None:
    node.text("ram:ChargeIndicator/udt:Indicator", "false")
    node.text("ram:ActualAmount", allowance.amount)
    node.text("ram:Reason", allowance.reason)
    _category(node.node("ram:CategoryTradeTax"), allowance)


def _sums(node: Node, invoice: EInvoice) -> None:
    totals = invoice.totals
    node.text("ram:LineTotalAmount", totals.lines)
    if invoice.allowances:
        node.text("ram:AllowanceTotalAmount", totals.allowances)
    node.text("ram:TaxBasisTotalAmount", totals.net)
    node.text("ram:TaxTotalAmount", totals.tax, currencyID=invoice.currency)
    if totals.tax_in_currency is not None:
        node.text("ram:TaxTotalAmount", totals.tax_in_currency, currencyID=totals.tax_currency)
    node.text("ram:GrandTotalAmount", totals.gross)
    node.text("ram:DuePayableAmount", totals.due)
