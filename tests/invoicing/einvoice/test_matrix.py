"""Every lawful cell: kind of document x tax x format passes the official rules, the schemas and our own arithmetic."""

import pytest

from contracts.models import ContractKind, TaxStatus
from invoicing.einvoice.build import einvoice_of, format_of
from invoicing.einvoice.check import check, preflight, write
from invoicing.einvoice.model import Format, TypeCode
from invoicing.models import Invoice, InvoiceKind
from tests.invoicing.einvoice.world import ISSUED_ON, TAXES, make_credit, make_document, make_world

pytestmark = pytest.mark.django_db

KINDS = {
    "invoice": TypeCode.INVOICE,
    "credit_note": TypeCode.CREDIT_NOTE,
    "settlement": TypeCode.SELF_BILLED,
    "settlement_credit": TypeCode.SELF_BILLED_CREDIT,
    "fee_note": TypeCode.INVOICE,
    "advance": TypeCode.ADVANCE,
}
LAWFUL = [
    (kind, tax)
    for kind in KINDS
    for tax in TAXES
    # Fees of late payment are no price of a supply: their note is outside of tax, always (EN 16931 BR-O-11). A host's
    # statement without tax is no self-billed invoice, and nobody settles him in prices that include tax. What is paid
    # in advance is for a supply.
    if not (kind == "fee_note" and tax != "outside")
    and not (kind.startswith("settlement") and tax in {"outside", "gross"})
    and not (kind == "advance" and tax == "outside")
]


def make_cell(kind: str, tax: str, format: Format) -> Invoice:
    settles = kind.startswith("settlement")
    status = TaxStatus.EXEMPT_SMALL if settles and tax == "exempt" else TaxStatus.REGISTERED
    contract = make_world(format, ContractKind.HOSTING if settles else ContractKind.CHARGING, tax_status=status)
    gross = tax == "gross"
    if kind in {"credit_note", "settlement_credit"}:
        original = InvoiceKind.SETTLEMENT if settles else InvoiceKind.INVOICE
        return make_credit(contract, TAXES[tax], original, gross=gross)
    return make_document(contract, TAXES[tax], kind, gross=gross)


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize(("kind", "tax"), LAWFUL)
def test_every_lawful_document_passes(kind: str, tax: str, format: Format) -> None:
    invoice = make_cell(kind, tax, format)
    assert format_of(invoice) is format
    assert preflight(invoice) == []
    model = einvoice_of(invoice, format=format, on=ISSUED_ON)
    assert check(write(model, format), model) == []
    advance_in_xrechnung = kind == "advance" and format is Format.XRECHNUNG
    assert model.type_code is (TypeCode.INVOICE if advance_in_xrechnung else KINDS[kind])
