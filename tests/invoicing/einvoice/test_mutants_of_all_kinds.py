"""Wrong tax, price, address, reference or type code is found on every kind of document, in every format.

By exactly the official rules that are named here, and always by our own check of the bytes against the document:
the only one where the formats have no rule, as for the price in Factur-X or for a type code that another kind may have.
"""

import pytest

from contracts.models import ContractKind
from invoicing.einvoice.build import einvoice_of
from invoicing.einvoice.check import Written, write
from invoicing.einvoice.model import EInvoice, Format
from invoicing.einvoice.rules import validate
from invoicing.models import Invoice, InvoiceKind
from tests.invoicing.einvoice.test_mutants import Change, _change, _drop, _plus, _ten_times, mutated, rules
from tests.invoicing.einvoice.world import ISSUED_ON, TAXES, make_credit, make_document, make_world

pytestmark = pytest.mark.django_db
ANOTHER = {
    "invoice": "389",
    "credit note": "380",
    "settlement": "380",
    "credit of a settlement": "381",
    "fee note": "381",
}
"""By kind of document: the type code of another kind (UNTDID 1001)."""
FACTURX, XRECHNUNG, PEPPOL = Format.FACTURX, Format.XRECHNUNG, Format.PEPPOL
R003, R010, R020, R120, P0100, P0101 = (
    f"PEPPOL-EN16931-{each}" for each in ("R003", "R010", "R020", "R120", "P0100", "P0101")
)


def document(kind: str, format: Format) -> Invoice:
    """A document of a kind whose recipient takes this format."""
    settles = kind.endswith("settlement")
    contract = make_world(format.value, ContractKind.HOSTING if settles else ContractKind.CHARGING)
    if kind == "fee note":
        return make_document(contract, TAXES["outside"], InvoiceKind.FEE_NOTE)
    of = InvoiceKind.SETTLEMENT if settles else InvoiceKind.INVOICE
    make = make_credit if kind.startswith("credit") else make_document
    return make(contract, TAXES["one" if settles else "several"], of)


def mutants(kind: str, format: Format) -> dict[str, Change]:
    """What is made wrong in the file, by name."""
    cii, credit = format is FACTURX, kind.startswith("credit")
    code = "TypeCode" if cii else "CreditNoteTypeCode" if credit else "InvoiceTypeCode"
    address = "URIUniversalCommunication" if cii else "EndpointID"
    return {
        "tax": _change("CalculatedAmount", _plus("0.02")) if cii else _change("TaxAmount", _plus("0.02"), 1),
        "price": _change("ChargeAmount" if cii else "PriceAmount", _ten_times),
        "no type code": _change(code, lambda _text: "999"),
        "another type code": _change(code, lambda _text: ANOTHER[kind]),
        "seller's address": _drop(address),
        "buyer's address": _drop(address, 1),
        "buyer's reference": _drop("BuyerReference"),
    }


def official(kind: str, format: Format) -> dict[str, set[str]]:
    """The rules that find each; Peppol lists the codes of its two ordinary documents, not those of self-billing."""
    ubl, settles = format is not FACTURX, kind.endswith("settlement")
    listed = {P0101 if kind == "credit note" else P0100} if format is PEPPOL and not settles else set()
    changes_the_root = kind in {"credit note", "fee note"}  # UBL has a document of its own for credit notes (BR-CL-01)
    reference = {FACTURX: set(), XRECHNUNG: {"BR-DE-15"}, PEPPOL: {"DE-R-015", R003} if settles else {"DE-R-015"}}
    return {
        "tax": {"BR-CO-14", "BR-O-09"} if kind == "fee note" else {"BR-CO-14"},
        "price": {R120} if ubl else set(),
        "no type code": {"BR-CL-01"} | listed,
        "another type code": ({"BR-CL-01"} if ubl and changes_the_root else set()) | listed,
        "seller's address": {R020} if ubl else set(),
        "buyer's address": {R010} if ubl else set(),
        "buyer's reference": reference[format],
    }


OWN = {
    "tax": {"OWN-TAX", "OWN-TOTAL", "OWN-SAME"},
    "price": {"OWN-LINE"},
    "no type code": {"OWN-SAME"},
    "another type code": {"OWN-SAME"},
    "seller's address": {"OWN-SAME"},
    "buyer's address": {"OWN-SAME"},
    "buyer's reference": {"OWN-SAME"},
}
"""What our own check finds, in every format."""


@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize("kind", ANOTHER)
def test_a_wrong_file_of_any_kind_is_found_in_any_format(kind: str, format: Format) -> None:
    model: EInvoice = einvoice_of(document(kind, format), format=format, on=ISSUED_ON)
    written: Written = write(model, format)
    assert rules(written, model) == set()
    wrong = {name: mutated(written, change) for name, change in mutants(kind, format).items()}
    found = {
        name: {each.rule for each in validate(file.xml, format, self_billed=model.is_self_billed)}
        for name, file in wrong.items()
    }
    assert found == official(kind, format)
    own = {name: rules(file, model) - found[name] for name, file in wrong.items()}
    assert own == OWN
