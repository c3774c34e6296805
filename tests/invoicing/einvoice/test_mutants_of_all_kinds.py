"""Wrong tax, price, address, reference or type code is found on every kind of document, in every format.

The type code of another kind is lawful in itself: our own comparison with the document finds it.
"""

import pytest

from contracts.models import ContractKind
from invoicing.einvoice.build import einvoice_of
from invoicing.einvoice.check import Written, write
from invoicing.einvoice.model import EInvoice, Format
from invoicing.models import Invoice, InvoiceKind
from tests.invoicing.einvoice.test_mutants import Change, _change, _drop, _plus, _ten_times, mutated, rules
from tests.invoicing.einvoice.world import ISSUED_ON, TAXES, make_credit, make_document, make_world

pytestmark = pytest.mark.django_db
KINDS = ("invoice", "credit note", "settlement", "credit of a settlement")
ANOTHER = {"invoice": "389", "credit note": "380", "settlement": "380", "credit of a settlement": "381"}
"""The type code of a document of another kind (UNTDID 1001)."""


def document(kind: str, format: Format) -> Invoice:
    """A document of a kind whose recipient takes this format."""
    settles = kind.endswith("settlement")
    contract = make_world(format.value, ContractKind.HOSTING if settles else ContractKind.CHARGING)
    of = InvoiceKind.SETTLEMENT if settles else InvoiceKind.INVOICE
    make = make_credit if kind.startswith("credit") else make_document
    return make(contract, TAXES["one" if settles else "several"], of)


def type_code(kind: str, format: Format) -> str:
    """The element of the document's type."""
    if format is Format.FACTURX:
        return "TypeCode"
    return "CreditNoteTypeCode" if kind.startswith("credit") else "InvoiceTypeCode"


def mutants(kind: str, format: Format) -> dict[str, tuple[Change, set[str]]]:
    """By name: the change, and the rules of which one has to find it."""
    code = type_code(kind, format)
    cii = format is Format.FACTURX
    tax, price = ("CalculatedAmount", 0) if cii else ("TaxAmount", 1), "ChargeAmount" if cii else "PriceAmount"
    found = {
        "tax 0.02 too high": (_change(tax[0], _plus("0.02"), tax[1]), {"OWN-TAX"}),
        "price times ten": (_change(price, _ten_times), {"OWN-LINE", "PEPPOL-EN16931-R120"}),
        "type code that is none": (_change(code, lambda _text: "999"), {"BR-CL-01"}),
        "type code of another kind": (_change(code, lambda _text: ANOTHER[kind]), {"OWN-SAME"}),
    }
    if not cii:
        found["seller's address missing"] = (_drop("EndpointID"), {"PEPPOL-EN16931-R020"})
        found["buyer's address missing"] = (_drop("EndpointID", 1), {"PEPPOL-EN16931-R010"})
    if format is Format.XRECHNUNG:
        found["buyer's reference missing"] = (_drop("BuyerReference"), {"BR-DE-15"})
    return found


@pytest.mark.parametrize("format", [Format.FACTURX, Format.XRECHNUNG, Format.PEPPOL])
@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_file_of_any_kind_is_found_in_any_format(kind: str, format: Format) -> None:
    model: EInvoice = einvoice_of(document(kind, format), format=format, on=ISSUED_ON)
    written: Written = write(model, format)
    assert rules(written, model) == set()
    passed = {
        name: rules(mutated(written, change), model)
        for name, (change, wanted) in mutants(kind, format).items()
        if not wanted & rules(mutated(written, change), model)
    }
    assert passed == {}
