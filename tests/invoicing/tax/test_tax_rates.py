"""Known tax rates, VAT ids behind reverse charge, and the grounds that documents print."""

import datetime as dt
from decimal import Decimal as D

import pytest
from django.core.management import call_command

from contracts.models import Contract, Operator, Party
from contracts.operations.master_data import change_party
from contracts.rules.identifiers import exemption_code
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, BillingError, NotAllowed
from invoicing.models import Invoice, InvoiceTax, TaxRate
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.tax_rates import load_tax_rates
from invoicing.queries.taxes import tax_table
from invoicing.rules.tax import (
    DomesticReverseCharge,
    Ground,
    MissingCustomerTaxId,
    Place,
    WrongCustomerTaxId,
    ground_code,
)
from sessions.models import SessionCharge
from tests.factories import make_contract_in_force, make_party, make_tariff, make_token, make_user, make_vehicle
from tests.invoicing.month import AT, OCTOBER, Month, make_month, record

EU = {
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
}  # fmt: skip


@pytest.mark.django_db
def test_known_rates_are_added_once_and_keep_what_is_there() -> None:
    TaxRate.objects.create(country="FR", percent=5, valid_from=dt.date(2014, 1, 1))
    clerk = make_user(Role.BILLING_CLERK)
    assert load_tax_rates(by=clerk, at=AT) > 35
    assert load_tax_rates(by=clerk, at=AT) == 0
    assert TaxRate.objects.get(country="FR").percent == 5
    assert AuditRecord.objects.filter(action="invoicing.taxrate.load").count() == 2
    assert set(TaxRate.objects.values_list("country", flat=True)) == {*EU, "GB", "CH", "NO"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("country", "day", "percent"),
    [
        ("DE", dt.date(2020, 6, 30), "19"),
        ("DE", dt.date(2020, 7, 1), "16"),
        ("DE", dt.date(2021, 1, 1), "19"),
        ("FI", dt.date(2024, 8, 31), "24"),
        ("FI", dt.date(2024, 9, 1), "25.5"),
        ("EE", dt.date(2025, 7, 1), "24"),
        ("LU", dt.date(2023, 12, 31), "16"),
        ("RO", dt.date(2025, 8, 1), "21"),
        ("CH", dt.date(2026, 1, 1), "8.1"),
    ],
)
def test_known_rates_hold_on_their_days(country: str, day: dt.date, percent: str) -> None:
    load_tax_rates(by=None, at=AT)
    assert tax_table().percent(Place(country), day) == D(percent)


@pytest.mark.django_db
def test_an_auditor_adds_no_rates_the_command_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotAllowed):
        load_tax_rates(by=make_user(Role.AUDITOR), at=AT)
    assert not TaxRate.objects.exists()
    call_command("tax_rates")
    assert "tax rates added." in capsys.readouterr().out


def test_exemption_codes_are_those_of_the_list() -> None:
    assert (exemption_code(" vatex-eu-132-1a "), exemption_code("")) == ("VATEX-EU-132-1A", "")
    for text in ("132", "VATEX", "VATEX-EU-", "VATEX-EUR-132"):
        with pytest.raises(BadInput, match="VATEX-EU-132"):
            exemption_code(text)


def test_every_ground_that_has_a_code_names_it() -> None:
    assert {ground: ground_code(ground, "VATEX-EU-132") for ground in Ground} == {
        Ground.NONE: "",
        Ground.REVERSE_CHARGE: "VATEX-EU-AE",
        Ground.EXEMPT: "VATEX-EU-132",
        Ground.SMALL_BUSINESS: "VATEX-EU-132",
        Ground.NOT_TAXABLE: "VATEX-EU-O",
        Ground.COMPENSATION: "VATEX-EU-O",
    }


@pytest.fixture
def month() -> Month:
    return make_month(sessions=0)


def reverse_charged(month: Month, vat_id: str, treatment: str = "reverse_charge", **party: str) -> Contract:
    """A French fleet's contract with one session of 10 kWh in Germany; what it says of itself came in unchecked."""
    customer = make_party(accountant="books@other.example")
    Party.objects.filter(pk=customer.pk).update(country="FR", vat_id=vat_id or "FR40303265045", **party)
    customer.refresh_from_db()
    month.tokens["other"] = make_token(make_vehicle())
    contract = make_contract_in_force(
        operator=month.operator,
        party=customer,
        tariff=make_tariff(month.operator),
        tokens=[month.tokens["other"]],
        tax_treatment=treatment,
    )
    Party.objects.filter(pk=customer.pk).update(vat_id=vat_id)
    record([month.charge("other", 0)])
    return contract


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("vat_id", "error"),
    [
        ("", MissingCustomerTaxId),
        ("FR00000000000", WrongCustomerTaxId),
        ("US123456789", WrongCustomerTaxId),
        ("DE136695976", DomesticReverseCharge),
    ],
)
def test_given_no_valid_foreign_vat_id_when_drafted_under_reverse_charge_then_it_is_refused(
    month: Month, vat_id: str, error: type[BillingError]
) -> None:
    contract = reverse_charged(month, vat_id)
    with pytest.raises(error, match="billed under reverse charge"):
        draft_invoice(contract_id=contract.pk, period=OCTOBER, at=AT)
    assert not Invoice.objects.exists()
    assert not SessionCharge.objects.exists()


@pytest.mark.django_db
def test_given_a_valid_foreign_vat_id_when_drafted_then_its_ground_has_its_code(month: Month) -> None:
    draft_invoice(contract_id=reverse_charged(month, "FR40303265045").pk, period=OCTOBER, at=AT)
    row = InvoiceTax.objects.get()
    assert (row.tax_category, row.tax_amount, row.ground_code) == ("AE", 0, "VATEX-EU-AE")
    assert "Article 196" in row.ground


@pytest.mark.django_db
def test_given_a_domestic_ground_when_drafted_then_it_is_printed(month: Month) -> None:
    contract = reverse_charged(month, "DE136695976", exemption_text="Reverse charge, § 13b UStG")
    draft_invoice(contract_id=contract.pk, period=OCTOBER, at=AT)
    row = InvoiceTax.objects.get()
    assert (row.tax_category, row.ground, row.ground_code) == ("AE", "Reverse charge, § 13b UStG", "VATEX-EU-AE")


@pytest.mark.django_db
def test_given_sales_tax_when_the_buyer_owes_it_then_no_vat_id_is_asked_for(month: Month) -> None:
    Operator.objects.update(tax_word="sales_tax")
    draft_invoice(contract_id=reverse_charged(month, "").pk, period=OCTOBER, at=AT)
    row = InvoiceTax.objects.get()
    assert (row.ground, row.ground_code) == ("No sales tax: the buyer owes the tax.", "")


@pytest.mark.django_db
def test_given_an_exempt_party_when_drafted_then_its_own_ground_and_code_stand_on_the_document(month: Month) -> None:
    contract = reverse_charged(month, "", "exempt", exemption_text="Article 132", exemption_code="VATEX-EU-132")
    draft_invoice(contract_id=contract.pk, period=OCTOBER, at=AT)
    row = InvoiceTax.objects.get()
    assert (row.tax_category, row.ground, row.ground_code) == ("E", "Article 132", "VATEX-EU-132")


@pytest.mark.django_db
def test_a_partys_exemption_code_is_checked_when_it_is_kept() -> None:
    party = make_party()
    with pytest.raises(BadInput):
        change_party(party_id=party.pk, exemption_code="132", by=make_user(), at=AT)
    assert Party.objects.get(pk=party.pk).exemption_code == ""
