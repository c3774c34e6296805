"""Every lawful cell: kind of document x tax x format passes the official rules, the schemas and our own arithmetic."""

from dataclasses import replace
from decimal import Decimal

import pytest

from contracts.models import ContractKind, TaxStatus, TaxWord
from invoicing.einvoice.build import asked_of, einvoice_of, format_of, why_none
from invoicing.einvoice.check import check, preflight, write, write_einvoices
from invoicing.einvoice.model import Allowance, Format, TypeCode
from invoicing.einvoice.preflight import find_missing
from invoicing.models import Invoice, InvoiceKind
from tests.invoicing.einvoice.official import factur_x_findings, schema_errors
from tests.invoicing.einvoice.world import ISSUED_ON, TAXES, Row, make_credit, make_document, make_world

pytestmark = pytest.mark.django_db

KINDS = {
    "invoice": TypeCode.INVOICE,
    "credit_note": TypeCode.CREDIT_NOTE,
    "settlement": TypeCode.SELF_BILLED,
    "settlement_credit": TypeCode.SELF_BILLED_CREDIT,
    "fee_note": TypeCode.INVOICE,
    "advance": TypeCode.ADVANCE,
}
UNLAWFUL = {
    "fees of late payment are no price of a supply: their note is outside of tax, always (EN 16931 BR-O-11)": [
        ("fee_note", tax) for tax in TAXES if tax != "outside"
    ],
    "a host's statement without tax is no self-billed invoice": [
        ("settlement", "outside"),
        ("settlement_credit", "outside"),
    ],
    "nobody settles a host in prices that include tax": [("settlement", "gross"), ("settlement_credit", "gross")],
    "what is paid in advance is for a supply": [("advance", "outside")],
}
"""The cells that no document can be, and why."""
LAWFUL = [
    (kind, tax) for kind in KINDS for tax in TAXES if not any((kind, tax) in cells for cells in UNLAWFUL.values())
]


def make_cell(kind: str, tax: str) -> Invoice:
    settles = kind.startswith("settlement")
    status = TaxStatus.EXEMPT_SMALL if settles and tax == "exempt" else TaxStatus.REGISTERED
    contract = make_world("xrechnung", ContractKind.HOSTING if settles else ContractKind.CHARGING, tax_status=status)
    gross = tax == "gross"
    if kind in {"credit_note", "settlement_credit"}:
        original = InvoiceKind.SETTLEMENT if settles else InvoiceKind.INVOICE
        return make_credit(contract, TAXES[tax], original, gross=gross)
    return make_document(contract, TAXES[tax], kind, gross=gross)


@pytest.mark.parametrize(("kind", "tax"), LAWFUL)
def test_every_lawful_document_passes_the_rules_the_schemas_and_our_arithmetic(kind: str, tax: str) -> None:
    invoice = make_cell(kind, tax)
    for format in Format:
        assert find_missing(asked_of(invoice, format)) == []
        model = einvoice_of(invoice, format=format, on=ISSUED_ON)
        written = write(model, format)
        assert check(written, model) == []
        assert schema_errors(written.xml) == []
        assert write(model, format) == written
        advance_in_xrechnung = kind == "advance" and format is Format.XRECHNUNG
        assert model.type_code is (TypeCode.INVOICE if advance_in_xrechnung else KINDS[kind])


@pytest.mark.parametrize(("kind", "tax"), LAWFUL)
def test_what_goes_into_the_pdf_passes_the_rules_of_factur_x(kind: str, tax: str) -> None:
    invoice = make_cell(kind, tax)
    model = einvoice_of(invoice, format=Format.FACTURX, on=ISSUED_ON)
    assert factur_x_findings(write(model, Format.FACTURX).xml) == []


def test_every_cell_is_lawful_or_has_its_reason() -> None:
    reasons = [cell for cells in UNLAWFUL.values() for cell in cells]
    assert len(reasons) == len(set(reasons))
    assert len(LAWFUL) + len(reasons) == len(KINDS) * len(TAXES)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [({"kind": "invoice"}, "BR-O-11"), ({"kind": "fee_note"}, "BR-O-11")],
    ids=["invoice", "fee note"],
)
def test_what_is_outside_of_tax_is_refused_beside_what_is_taxed(fields: dict[str, str], rule: str) -> None:
    invoice = make_document(make_world(), [*TAXES["one"], *TAXES["outside"]], **fields)
    assert [finding.rule for finding in preflight(invoice)] == [rule]
    model = einvoice_of(invoice, format=Format.FACTURX, on=ISSUED_ON)
    assert rule in {finding.rule for finding in check(write(model, Format.FACTURX), model)}


def test_a_statement_to_an_owner_who_is_not_taxable_is_no_e_invoice() -> None:
    contract = make_world("xrechnung", ContractKind.HOSTING, tax_status=TaxStatus.NOT_TAXABLE)
    invoice = make_document(contract, TAXES["outside"], InvoiceKind.SETTLEMENT)
    assert format_of(invoice) is None
    assert "not taxable" in why_none(invoice)
    assert write_einvoices(invoice) == []


def test_documents_with_sales_tax_are_pdf_files_only() -> None:
    contract = make_world()
    contract.operator.tax_word = TaxWord.SALES_TAX
    contract.operator.vat_id = ""
    contract.operator.save()
    invoice = make_document(contract, TAXES["one"], InvoiceKind.INVOICE)
    assert preflight(invoice) == []
    assert "sales tax" in why_none(invoice)
    assert write_einvoices(invoice) == []


def test_tax_owed_in_another_currency_is_named_in_it() -> None:
    contract = make_world()
    invoice = make_document(
        contract,
        TAXES["several"],
        InvoiceKind.INVOICE,
        currency="CHF",
        reporting_currency="EUR",
        reporting_rate=Decimal("1.06250000"),
    )
    for format in Format:
        model = einvoice_of(invoice, format=format, on=ISSUED_ON)
        # 120.09 x 19 % = 22.82 and 19.99 x 7 % = 1.40: 24.22 francs are 25.73375 euros
        assert (model.totals.tax, model.totals.tax_in_currency) == (Decimal("24.22"), Decimal("25.73"))
        assert check(write(model, format), model) == []


def test_a_document_of_allowances_alone_keeps_them_as_lines() -> None:
    invoice = make_document(make_world(), [Row("S", "19", ("-4.00", "-1.50"))], InvoiceKind.INVOICE)
    model = einvoice_of(invoice, format=Format.PEPPOL, on=ISSUED_ON)
    assert [(line.quantity, line.price) for line in model.lines] == [(-1, Decimal("4.00")), (-1, Decimal("1.50"))]
    assert check(write(model, Format.PEPPOL), model) == []


def test_an_allowance_of_nothing_is_summed_all_the_same() -> None:
    """BR-CO-11: where allowances are listed, their sum is too."""
    invoice = make_document(make_world(), TAXES["one"], InvoiceKind.INVOICE)
    for format in Format:
        model = einvoice_of(invoice, format=format, on=ISSUED_ON)
        model = replace(model, allowances=(Allowance(Decimal("0.00"), "Discount", "S", Decimal("19.0000")),))
        assert check(write(model, format), model) == []


def test_characters_that_xml_forbids_are_left_out() -> None:
    contract = make_world()
    model = einvoice_of(make_document(contract, TAXES["one"], InvoiceKind.INVOICE), format=Format.FACTURX)
    model = replace(model, buyer=replace(model.buyer, name="Müller & <Söhne>\x0b\x00 GmbH"))
    written = write(model, Format.FACTURX)
    assert "Müller &amp; &lt;Söhne&gt; GmbH" in written.xml.decode()
    assert check(written, model) == []
