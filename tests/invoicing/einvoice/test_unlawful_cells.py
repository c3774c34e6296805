"""The cells of the matrix that no document can be: whatever the contract is, no operation makes one."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from contracts.models import ContractKind, ContractVersion, PriceBasis, TaxStatus, TaxTreatment
from evbilling.kernel.errors import WrongState
from invoicing.einvoice.build import format_of, why_none
from invoicing.models import Invoice, InvoiceKind
from invoicing.operations.advances import issue_advance
from invoicing.operations.crediting import credit_invoice
from tests.factories import approve_undrawn, make_contract, make_version, tariff_document
from tests.invoicing.einvoice.test_matrix import UNLAWFUL
from tests.invoicing.month import AT, make_month
from tests.invoicing.penalties.world import LATE, late_invoice, make_fleet

pytestmark = pytest.mark.django_db
D = Decimal
FRENCH = {"country": "FR", "vat_id": "FR40303265045", "exemption_text": "Autoliquidation, article 283 du CGI"}
TWO_RATES = tariff_document("0.50")
TWO_RATES["elements"][0]["price_components"].append({"type": "FLAT", "price": "1.07", "vat": "7", "step_size": 1})
CONTRACTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "one": ({}, {"S"}),
    "several": ({"tariff": TWO_RATES}, {"S"}),
    "reversed": ({"tax_treatment": TaxTreatment.REVERSE_CHARGE, "party": FRENCH}, {"AE"}),
    "exempt": ({"tax_treatment": TaxTreatment.EXEMPT}, {"E"}),
    "gross": ({"tariff": tariff_document("0.50") | {"tax_included": "YES"}, "price_basis": PriceBasis.GROSS}, {"S"}),
}
"""By the tax of the matrix: what makes a customer's contract so, and the categories on its invoices."""


def categories(invoice: Invoice) -> set[str]:
    return set(invoice.taxes.values_list("tax_category", flat=True))


@pytest.mark.parametrize("tax", CONTRACTS)
def test_given_any_tax_when_an_invoice_is_late_then_its_fee_note_is_outside_of_tax(tax: str) -> None:
    fields, wanted = CONTRACTS[tax]
    fleet = make_fleet(LATE, **fields)
    late = late_invoice(fleet)
    assert categories(late) == wanted
    assert late.taxes.count() == (2 if tax == "several" else 1)
    fleet.close()
    note = Invoice.objects.get(kind=InvoiceKind.FEE_NOTE)
    assert (categories(note), note.tax_amount, note.price_basis) == ({"O"}, 0, PriceBasis.NET)
    assert note.net_amount == note.gross_amount > 0


def settled(status: str) -> Invoice:
    """A month's settlement of a host who stands so towards tax."""
    month = make_month(2)
    host = month.contracts["host"].party
    host.tax_status = status
    host.save()
    month.close()
    return Invoice.objects.get(kind=InvoiceKind.SETTLEMENT)


@pytest.mark.parametrize("status", TaxStatus)
def test_given_a_settlement_outside_of_tax_when_it_or_its_credit_is_issued_then_it_is_no_e_invoice(status: str) -> None:
    settlement = settled(status)
    credit = credit_invoice(invoice_id=settlement.pk, reason="Wrong meter", by=None, at=AT)
    outside = status == TaxStatus.NOT_TAXABLE
    for each in (settlement, credit):
        assert each.price_basis == PriceBasis.NET
        assert (categories(each) == {"O"}, format_of(each) is None) == (outside, outside)
        assert ("not taxable" in why_none(each)) == outside


def test_given_prices_with_tax_when_a_hosts_terms_are_approved_then_refused_so_no_settlement_is_gross() -> None:
    version = make_version(make_contract(ContractKind.HOSTING), price_basis=PriceBasis.GROSS, approved=False)
    before = ContractVersion.objects.values().get(pk=version.pk)
    with pytest.raises(WrongState, match="settles a host; its amounts are without tax"):
        approve_undrawn(version)
    assert ContractVersion.objects.values().get(pk=version.pk) == before


@pytest.mark.parametrize("tax", CONTRACTS)
def test_given_any_contract_when_money_is_asked_in_advance_then_it_is_taxed_as_a_supply(tax: str) -> None:
    fields, wanted = CONTRACTS[tax]
    fleet = make_fleet(**fields)
    advance = issue_advance(
        contract_id=fleet.contract.pk,
        amount=D("119.00"),
        issued_on=dt.date(2026, 10, 1),
        reason="October",
        by=None,
        at=AT,
    )
    assert categories(advance) == wanted


def test_every_unlawful_cell_has_its_proof_here() -> None:
    proven = {("fee_note", tax) for tax in CONTRACTS}
    proven |= {(kind, tax) for kind in ("settlement", "settlement_credit") for tax in ("outside", "gross")}
    proven |= {("advance", "outside")}
    assert {cell for cells in UNLAWFUL.values() for cell in cells} == proven
