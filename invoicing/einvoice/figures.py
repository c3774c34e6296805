"""The figures of an e-invoice, read back from its bytes: what its recipient's software will book."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from lxml import etree

from invoicing.einvoice import cii

ZERO = Decimal(0)
_CII = cii.NAMESPACES
_UBL = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


@dataclass(frozen=True, slots=True)
class LineFigures:
    """A line: quantity, price, net, and its tax."""

    quantity: Decimal
    price: Decimal
    net: Decimal
    tax: tuple[str, Decimal]


@dataclass(frozen=True, slots=True)
class Figures:
    """What is written. `allowances` are (tax, amount), `taxes` (tax, net, amount); a tax is its category and rate.

    The addresses are electronic ones (BT-34, BT-49); empty where none is written, as is the reference (BT-10).
    """

    type_code: str
    number: str
    currency: str
    buyer_reference: str
    seller_address: str
    buyer_address: str
    lines: tuple[LineFigures, ...]
    allowances: tuple[tuple[tuple[str, Decimal], Decimal], ...]
    taxes: tuple[tuple[tuple[str, Decimal], Decimal, Decimal], ...]
    line_total: Decimal
    allowance_total: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    prepaid: Decimal
    due: Decimal


class _Reader:
    """Texts and decimals by path below an element."""

    def __init__(self, element: etree._Element, namespaces: dict[str, str]) -> None:
        self._element, self._namespaces = element, namespaces

    def text(self, path: str) -> str:
        """Of the first match; empty for none."""
        return (self._element.findtext(path, "", self._namespaces) or "").strip()

    def number(self, path: str) -> Decimal:
        """Of the first match; zero for none."""
        return Decimal(self.text(path) or 0)

    def all(self, path: str) -> Iterable["_Reader"]:
        """Every match."""
        return (_Reader(each, self._namespaces) for each in self._element.iterfind(path, self._namespaces))


def read(xml: bytes) -> Figures:
    """The figures of CII or UBL."""
    root = _parsed(xml)
    if etree.QName(root).localname == "CrossIndustryInvoice":
        return _read_cii(_Reader(root, _CII))
    return _read_ubl(_Reader(root, _UBL), etree.QName(root).localname)


def _parsed(xml: bytes) -> etree._Element:
    return etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))


def _read_cii(root: _Reader) -> Figures:
    trade = "rsm:SupplyChainTradeTransaction"
    agreed = f"{trade}/ram:ApplicableHeaderTradeAgreement"
    address = "ram:URIUniversalCommunication/ram:URIID"
    settled = f"{trade}/ram:ApplicableHeaderTradeSettlement"
    sums = f"{settled}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
    charge = "ram:SpecifiedLineTradeSettlement"
    return Figures(
        type_code=root.text("rsm:ExchangedDocument/ram:TypeCode"),
        number=root.text("rsm:ExchangedDocument/ram:ID"),
        currency=root.text(f"{settled}/ram:InvoiceCurrencyCode"),
        buyer_reference=root.text(f"{agreed}/ram:BuyerReference"),
        seller_address=root.text(f"{agreed}/ram:SellerTradeParty/{address}"),
        buyer_address=root.text(f"{agreed}/ram:BuyerTradeParty/{address}"),
        lines=tuple(
            LineFigures(
                quantity=line.number("ram:SpecifiedLineTradeDelivery/ram:BilledQuantity"),
                price=line.number("ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount"),
                net=line.number(f"{charge}/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount"),
                tax=_tax_of(
                    line.text(f"{charge}/ram:ApplicableTradeTax/ram:CategoryCode"),
                    line.number(f"{charge}/ram:ApplicableTradeTax/ram:RateApplicablePercent"),
                ),
            )
            for line in root.all(f"{trade}/ram:IncludedSupplyChainTradeLineItem")
        ),
        allowances=tuple(
            (
                _tax_of(
                    each.text("ram:CategoryTradeTax/ram:CategoryCode"),
                    each.number("ram:CategoryTradeTax/ram:RateApplicablePercent"),
                ),
                each.number("ram:ActualAmount"),
            )
            for each in root.all(f"{settled}/ram:SpecifiedTradeAllowanceCharge")
        ),
        taxes=tuple(
            (
                _tax_of(row.text("ram:CategoryCode"), row.number("ram:RateApplicablePercent")),
                row.number("ram:BasisAmount"),
                row.number("ram:CalculatedAmount"),
            )
            for row in root.all(f"{settled}/ram:ApplicableTradeTax")
        ),
        line_total=root.number(f"{sums}/ram:LineTotalAmount"),
        allowance_total=root.number(f"{sums}/ram:AllowanceTotalAmount"),
        net=root.number(f"{sums}/ram:TaxBasisTotalAmount"),
        tax=root.number(f"{sums}/ram:TaxTotalAmount"),
        gross=root.number(f"{sums}/ram:GrandTotalAmount"),
        prepaid=root.number(f"{sums}/ram:TotalPrepaidAmount"),
        due=root.number(f"{sums}/ram:DuePayableAmount"),
    )


def _read_ubl(root: _Reader, name: str) -> Figures:
    quantity = "cbc:CreditedQuantity" if name == "CreditNote" else "cbc:InvoicedQuantity"
    sums = "cac:LegalMonetaryTotal"
    return Figures(
        type_code=root.text(f"cbc:{name}TypeCode"),
        number=root.text("cbc:ID"),
        currency=root.text("cbc:DocumentCurrencyCode"),
        buyer_reference=root.text("cbc:BuyerReference"),
        seller_address=root.text("cac:AccountingSupplierParty/cac:Party/cbc:EndpointID"),
        buyer_address=root.text("cac:AccountingCustomerParty/cac:Party/cbc:EndpointID"),
        lines=tuple(
            LineFigures(
                quantity=line.number(quantity),
                price=line.number("cac:Price/cbc:PriceAmount"),
                net=line.number("cbc:LineExtensionAmount"),
                tax=_tax_of(
                    line.text("cac:Item/cac:ClassifiedTaxCategory/cbc:ID"),
                    line.number("cac:Item/cac:ClassifiedTaxCategory/cbc:Percent"),
                ),
            )
            for line in root.all(f"cac:{name}Line")
        ),
        allowances=tuple(
            (
                _tax_of(each.text("cac:TaxCategory/cbc:ID"), each.number("cac:TaxCategory/cbc:Percent")),
                each.number("cbc:Amount"),
            )
            for each in root.all("cac:AllowanceCharge")
        ),
        taxes=tuple(
            (
                _tax_of(row.text("cac:TaxCategory/cbc:ID"), row.number("cac:TaxCategory/cbc:Percent")),
                row.number("cbc:TaxableAmount"),
                row.number("cbc:TaxAmount"),
            )
            for row in root.all("cac:TaxTotal/cac:TaxSubtotal")
        ),
        line_total=root.number(f"{sums}/cbc:LineExtensionAmount"),
        allowance_total=root.number(f"{sums}/cbc:AllowanceTotalAmount"),
        net=root.number(f"{sums}/cbc:TaxExclusiveAmount"),
        tax=root.number("cac:TaxTotal/cbc:TaxAmount"),
        gross=root.number(f"{sums}/cbc:TaxInclusiveAmount"),
        prepaid=root.number(f"{sums}/cbc:PrepaidAmount"),
        due=root.number(f"{sums}/cbc:PayableAmount"),
    )


def _tax_of(category: str, rate: Decimal) -> tuple[str, Decimal]:
    """Equal for 19 and 19.0000."""
    return category, rate.normalize() + ZERO
