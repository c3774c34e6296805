"""A file that is wrong is found, by an official rule or by our own arithmetic."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from lxml import etree

from contracts.models import ContractKind
from invoicing.einvoice.build import einvoice_of
from invoicing.einvoice.check import Written, check, write
from invoicing.einvoice.model import EInvoice, Format
from invoicing.einvoice.rules import validate
from invoicing.models import InvoiceKind
from tests.invoicing.einvoice.world import ISSUED_ON, TAXES, make_credit, make_document, make_world

pytestmark = pytest.mark.django_db
Change = Callable[[etree._Element], None]


def _first(root: etree._Element, name: str, nth: int = 0) -> etree._Element:
    return [each for each in root.iter() if etree.QName(each).localname == name][nth]


def _change(name: str, change: Callable[[str], str], nth: int = 0) -> Change:
    def apply(root: etree._Element) -> None:
        element = _first(root, name, nth)
        element.text = change(element.text or "")

    return apply


def _drop(name: str, nth: int = 0) -> Change:
    def apply(root: etree._Element) -> None:
        element = _first(root, name, nth)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return apply


def _plus(amount: str) -> Callable[[str], str]:
    return lambda text: str(Decimal(text) + Decimal(amount))


def _ten_times(text: str) -> str:
    return str(Decimal(text) * 10)


def mutated(written: Written, *changes: Change) -> Written:
    root = etree.fromstring(written.xml)
    for change in changes:
        change(root)
    return Written(written.format, etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def rules(written: Written, model: EInvoice) -> set[str]:
    return {finding.rule for finding in check(written, model)}


CII, UBL = Format.FACTURX, Format.PEPPOL
MUTANTS = {
    "tax of a rate 0.02 too high, cii": (CII, [_change("CalculatedAmount", _plus("0.02"))], "OWN-TAX"),
    "tax of a rate 0.02 too high, ubl": (UBL, [_change("TaxAmount", _plus("0.02"), 1)], "OWN-TAX"),
    "all taxes and totals 0.02 too high": (
        CII,
        [
            _change("CalculatedAmount", _plus("0.02")),
            _change("TaxTotalAmount", _plus("0.02")),
            _change("GrandTotalAmount", _plus("0.02")),
            _change("DuePayableAmount", _plus("0.02")),
        ],
        "OWN-TAX",
    ),
    "price times ten, cii": (CII, [_change("ChargeAmount", _ten_times)], "OWN-LINE"),
    "price times ten, ubl": (UBL, [_change("PriceAmount", _ten_times)], "PEPPOL-EN16931-R120"),
    "buyer's address missing": (UBL, [_drop("EndpointID", 1)], "PEPPOL-EN16931-R010"),
    "seller's address missing": (UBL, [_drop("EndpointID")], "PEPPOL-EN16931-R020"),
    "type code that is none": (CII, [_change("TypeCode", lambda _text: "999")], "BR-CL-01"),
    "type code of a credit note": (CII, [_change("TypeCode", lambda _text: "381")], "OWN-SAME"),
    "wrong total": (UBL, [_change("TaxInclusiveAmount", _plus("0.01"))], "BR-CO-15"),
    "wrong net": (CII, [_change("TaxBasisTotalAmount", _plus("0.01"))], "OWN-TOTAL"),
    "wrong line": (UBL, [_change("LineExtensionAmount", _plus("0.01"), 1)], "OWN-LINE"),
    "wrong amount due": (CII, [_change("DuePayableAmount", _plus("-5"))], "BR-CO-16"),
    "allowance left out": (UBL, [_drop("AllowanceCharge")], "BR-CO-11"),
    "rate that no line has": (CII, [_change("RateApplicablePercent", lambda _text: "20", -1)], "OWN-SUM"),
    "another number": (UBL, [_change("ID", lambda _text: "R-1")], "OWN-SAME"),
    "country that is none": (CII, [_change("CountryID", lambda _text: "ZZ")], "BR-CL-14"),
}


@pytest.mark.parametrize(("format", "changes", "rule"), MUTANTS.values(), ids=MUTANTS.keys())
def test_a_wrong_file_is_found(format: Format, changes: list[Change], rule: str) -> None:
    invoice = make_document(make_world("peppol"), TAXES["several"], InvoiceKind.INVOICE)
    model = einvoice_of(invoice, format=format, on=ISSUED_ON)
    written = write(model, format)
    assert rules(written, model) == set()
    assert rule in rules(mutated(written, *changes), model)


def test_an_xrechnung_without_addresses_or_buyer_reference_is_found() -> None:
    contract = make_world("xrechnung", endpoint_id="", endpoint_scheme="", buyer_reference="")
    model = einvoice_of(make_document(contract, TAXES["one"], InvoiceKind.INVOICE), format=Format.XRECHNUNG)
    assert rules(write(model, Format.XRECHNUNG), model) == {"BR-DE-15", "PEPPOL-EN16931-R010"}


def test_a_credit_notes_tax_may_be_one_cent_off_and_no_more() -> None:
    model = einvoice_of(
        make_credit(make_world(), TAXES["one"], InvoiceKind.INVOICE), format=Format.FACTURX, on=ISSUED_ON
    )
    written = write(model, Format.FACTURX)
    cent_off = [_change(name, _plus("0.01")) for name in ("CalculatedAmount", "TaxTotalAmount")]
    two_off = [_change(name, _plus("0.02")) for name in ("CalculatedAmount", "TaxTotalAmount")]
    assert "OWN-TAX" not in rules(mutated(written, *cent_off), model)
    assert "OWN-TAX" in rules(mutated(written, *two_off), model)


def test_the_gross_rules_tax_is_checked_out_of_the_gross() -> None:
    """42.06 with 19 % is 35.34 and 6.72, though 19 % of 35.34 would be 6.71: the document's figures stand."""
    invoice = make_document(make_world(), TAXES["gross"], InvoiceKind.INVOICE, gross=True)
    model = einvoice_of(invoice, format=Format.FACTURX, on=ISSUED_ON)
    written = write(model, Format.FACTURX)
    assert (model.taxes[0].net, model.taxes[0].tax) == (Decimal("35.34"), Decimal("6.72"))
    assert rules(written, model) == set()
    changed = [_change(name, _plus("0.01")) for name in ("CalculatedAmount", "TaxTotalAmount", "GrandTotalAmount")]
    assert "OWN-TAX" in rules(mutated(written, *changed, _change("DuePayableAmount", _plus("0.01"))), model)


def test_a_self_billed_file_over_peppol_answers_for_all_rules_but_the_identifiers() -> None:
    contract = make_world("peppol", ContractKind.HOSTING)
    model = einvoice_of(make_document(contract, TAXES["one"], InvoiceKind.SETTLEMENT), format=Format.PEPPOL)
    written = write(model, Format.PEPPOL)
    assert b"poacc:selfbilling:3.0" in written.xml
    assert {each.rule for each in validate(written.xml, Format.PEPPOL)} == {
        "PEPPOL-EN16931-R004",
        "PEPPOL-EN16931-R007",
    }
    assert "PEPPOL-EN16931-R010" in rules(mutated(written, _drop("EndpointID", 1)), model)
