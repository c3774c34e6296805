"""The checks before a month name what its documents lack, and what they name is what the run stumbles over."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contracts.models import Contract, ContractVersion, EInvoiceFormat, Operator, Party, TaxStatus, TaxTreatment
from contracts.operations.contracts import approve_version
from contracts.queries import versions_of
from evbilling.kernel.errors import WrongState
from invoicing.models import InvoiceTax, ItemState
from invoicing.queries.due import due_contracts
from invoicing.queries.month_checks import Concern, MonthCheck, month_checks
from tests.factories import (
    checker,
    make_contract_in_force,
    make_party,
    make_tariff,
    make_token,
    make_vehicle,
    make_version,
)
from tests.invoicing.month import AT, OCTOBER, Month, make_month, record

pytestmark = pytest.mark.django_db
AUSTRIAN = "ATU13585627"


@pytest.fixture
def month(db: None) -> Month:
    return make_month(sessions=1)


def found(month: Month) -> dict[Concern, MonthCheck]:
    return {check.concern: check for check in month_checks(month.operator, OCTOBER) if check.count}


def party_of(month: Month, name: str, **fields: Any) -> Party:
    party = month.contracts[name].party
    Party.objects.filter(pk=party.pk).update(**fields)
    party.refresh_from_db()
    return party


def set_operator(month: Month, **fields: Any) -> None:
    Operator.objects.filter(pk=month.operator.pk).update(**fields)
    month.operator.refresh_from_db()


def taxed(month: Month, name: str, treatment: str) -> ContractVersion:
    """New terms of a contract from the month's first day on."""
    contract = month.contracts[name]
    return make_version(contract, OCTOBER.start, make_tariff(month.operator), tax_treatment=treatment)


@pytest.mark.parametrize(
    ("vat_id", "cause"),
    [
        ("", "is billed under reverse charge but has no VAT id"),
        ("ATU13585628", "ATU13585628 is no valid VAT id"),
        ("DE136695976", "is of DE, where the supply is taxed"),
    ],
)
def test_given_reverse_charge_when_the_vat_id_does_not_carry_it_then_it_is_named_and_the_run_fails(
    month: Month, vat_id: str, cause: str
) -> None:
    # Given a customer under reverse charge
    taxed(month, "beta", TaxTreatment.REVERSE_CHARGE)
    party = party_of(month, "beta", vat_id=vat_id)

    # When the month is looked at, then the customer is named with the cause, alone
    checks = found(month)
    assert checks.keys() == {Concern.NO_TAX_ID}
    check = checks[Concern.NO_TAX_ID]
    assert (check.count, check.keys, check.blocks) == (1, (party.pk,), True)
    assert cause in check.lacks[0]
    assert party.legal_name in check.lacks[0]

    # And the run fails for that contract alone, with this very cause
    month.close()
    failed = month.item("beta")
    assert (failed.state, failed.reason) == (ItemState.FAILED, check.lacks[0])
    assert month.item("alpha").state == ItemState.ISSUED

    # And once the id is another country's, nothing is named
    party_of(month, "beta", vat_id=AUSTRIAN)
    assert not found(month)


def test_given_supplies_in_the_customers_own_country_alone_then_a_home_id_is_named(month: Month) -> None:
    taxed(month, "beta", TaxTreatment.REVERSE_CHARGE)
    party_of(month, "beta", vat_id=AUSTRIAN)
    assert not found(month)
    type(month.site).objects.update(country="AT")
    assert "is of AT, where the supply is taxed" in found(month)[Concern.NO_TAX_ID].lacks[0]


def test_given_an_exempt_party_without_a_ground_then_it_is_named_and_its_document_says_a_general_one(
    month: Month,
) -> None:
    taxed(month, "beta", TaxTreatment.EXEMPT)
    party = month.contracts["beta"].party
    check = found(month)[Concern.NO_EXEMPTION_GROUND]
    assert (check.count, check.names, check.blocks) == (1, (party.legal_name,), False)
    month.close()
    assert InvoiceTax.objects.get(invoice=month.item("beta").invoice).ground == "Exempt from VAT."
    party_of(month, "beta", exemption_text="Section 4 No. 12 of the VAT act")
    assert not found(month)


@pytest.mark.parametrize(
    ("format", "fields", "lack"),
    [
        (EInvoiceFormat.XRECHNUNG, {"buyer_reference": ""}, "has no buyer reference"),
        (EInvoiceFormat.PEPPOL, {"endpoint_scheme": "XX"}, "has no known scheme"),
        (EInvoiceFormat.FACTURX, {"country": ""}, "has no country"),
    ],
)
def test_given_what_an_e_invoice_asks_for_is_missing_then_it_is_named_and_the_document_is_not_issued(
    month: Month, format: str, fields: dict[str, str], lack: str
) -> None:
    complete = {"buyer_reference": "REF-1", "endpoint_scheme": "0204", "endpoint_id": "DE-1"}
    set_operator(month, phone="+49 30 1", contact_person="Anna", endpoint_scheme="9930", endpoint_id="DE136695976")
    party = party_of(month, "beta", einvoice_format=format, **complete | fields)
    checks = found(month)
    assert checks.keys() == {Concern.INCOMPLETE_EINVOICE}
    check = checks[Concern.INCOMPLETE_EINVOICE]
    assert (check.count, check.keys, check.blocks) == (1, (party.pk,), True)
    assert lack in check.lacks[0]
    month.close()
    failed = month.item("beta")
    assert failed.state == ItemState.FAILED
    assert check.lacks[0] in failed.reason
    party_of(month, "beta", **complete | {"country": "DE"})
    assert not found(month)


def test_given_a_party_of_pdf_files_then_nothing_of_e_invoices_is_asked(month: Month) -> None:
    party_of(month, "beta", einvoice_format=EInvoiceFormat.NONE, country="")
    assert not found(month)


def test_given_the_operators_own_part_is_missing_then_it_is_named_once_and_the_document_is_not_issued(
    month: Month,
) -> None:
    complete = {"buyer_reference": "REF-1", "endpoint_scheme": "0204", "endpoint_id": "DE-1"}
    for name in ("alpha", "beta"):
        party_of(month, name, einvoice_format=EInvoiceFormat.XRECHNUNG, **complete)
    checks = found(month)
    assert checks.keys() == {Concern.OPERATOR_DATA}
    check = checks[Concern.OPERATOR_DATA]
    assert (check.count, check.keys, check.blocks) == (1, (month.operator.pk,), True)
    assert check.lacks == (f"The contact of {month.operator} has no phone number. Enter it.",)
    month.close()
    assert month.item("beta").state == ItemState.FAILED
    assert check.lacks[0] in month.item("beta").reason
    set_operator(month, phone="+49 30 1")
    assert not found(month)


def test_given_an_operator_without_tax_numbers_then_no_e_invoice_is_issued_and_pdf_files_are(month: Month) -> None:
    set_operator(month, vat_id="")
    party_of(month, "alpha", einvoice_format=EInvoiceFormat.NONE)
    check = found(month)[Concern.OPERATOR_DATA]
    assert (check.count, check.blocks) == (1, True)
    month.close()
    assert {name: month.item(name).state for name in ("alpha", "beta")} == {"alpha": "issued", "beta": "failed"}
    assert check.lacks[0] in month.item("beta").reason
    set_operator(month, tax_number="29/123/45678")
    assert not found(month)


def test_given_an_operator_without_a_bank_account_then_it_is_named_and_holds_nothing(month: Month) -> None:
    set_operator(month, iban="")
    check = found(month)[Concern.OPERATOR_DATA]
    assert (check.blocks, check.lacks) == (
        False,
        (f"{month.operator} has no bank account. Enter where customers pay.",),
    )
    month.close()
    assert month.item("beta").state == ItemState.ISSUED
    set_operator(month, iban="DE02120300000000202051")
    assert not found(month)


@pytest.mark.parametrize("agreed_on", [None, OCTOBER.end])
def test_given_a_host_without_a_self_billing_agreement_then_he_is_named_and_not_settled(
    month: Month, agreed_on: dt.date | None
) -> None:
    party = party_of(month, "host", self_billing_agreed_on=agreed_on)
    checks = found(month)
    assert checks.keys() == {Concern.NO_SELF_BILLING}
    check = checks[Concern.NO_SELF_BILLING]
    assert (check.count, check.names, check.blocks) == (1, (party.legal_name,), True)
    month.close()
    assert month.item("host").invoice is None
    assert "has not agreed to self-billing for 2026-10" in month.item("host").reason
    party_of(month, "host", tax_status=TaxStatus.NOT_TAXABLE)
    assert not found(month)
    party_of(month, "host", tax_status=TaxStatus.REGISTERED, self_billing_agreed_on=OCTOBER.last_day)
    assert not found(month)


@pytest.mark.parametrize(("format", "blocks", "state"), [("facturx", True, "failed"), ("none", False, "issued")])
def test_given_a_registered_host_without_any_tax_number_then_he_is_named(
    month: Month, format: str, blocks: bool, state: str
) -> None:
    party = party_of(month, "host", vat_id="", einvoice_format=format)
    checks = found(month)
    assert checks.keys() == {Concern.NO_HOST_TAX_NUMBER}
    check = checks[Concern.NO_HOST_TAX_NUMBER]
    assert (check.count, check.names, check.blocks) == (1, (party.legal_name,), blocks)
    month.close()
    assert month.item("host").state == state
    party_of(month, "host", tax_number="143/815/08151")
    assert not found(month)


def test_given_a_contract_due_without_terms_in_force_then_it_is_named_and_the_run_fails(month: Month) -> None:
    """Operations let no contract bind before its first terms; a row that came another way is found all the same."""
    contract = make_contract_in_force(operator=month.operator, starts_on=OCTOBER.end)
    Contract.objects.filter(pk=contract.pk).update(starts_on=OCTOBER.start)
    check = found(month)[Concern.NO_TERMS]
    assert (check.count, check.names, check.keys, check.blocks) == (1, (contract.number,), (contract.pk,), True)
    run = month.close()
    assert run.items.get(contract=contract).reason.startswith(f"Contract {contract.number} has no approved terms on")
    make_version(contract, OCTOBER.last_day)
    assert Concern.NO_TERMS not in found(month)


def test_given_a_contract_that_begins_next_month_when_it_is_charged_in_the_last_hours_then_it_is_not_due(
    month: Month,
) -> None:
    # Given a contract from 1 November on, and a session of that very night, which is 31 October elsewhere
    party = make_party(accountant="books@late.example")
    token = make_token(make_vehicle(party))
    contract = make_contract_in_force(
        operator=month.operator, party=party, tokens=[token], starts_on=OCTOBER.end, tariff=make_tariff(month.operator)
    )
    month.tokens["late"] = token
    record([month.charge("late", 0, at=dt.datetime(2026, 10, 31, 18, 0, tzinfo=dt.UTC))])
    assert contract.sessions.count() == 1

    # When October is looked at and closed, then it is no contract of October
    assert contract not in due_contracts(operator_id=month.operator.pk, period=OCTOBER)
    assert not found(month)
    run = month.close()
    assert not run.items.filter(contract=contract).exists()


def test_given_approved_terms_then_no_second_ones_can_begin_on_their_day_so_none_overlap(month: Month) -> None:
    # Given terms approved from 1 October on, and a draft of the same day
    first = taxed(month, "beta", TaxTreatment.STANDARD)
    contract = month.contracts["beta"]
    draft = make_version(contract, OCTOBER.start, make_tariff(month.operator), approved=False)

    # When the draft is approved, then the operation refuses, and so does the database
    with pytest.raises(WrongState, match="begins on"):
        approve_version(version_id=draft.pk, by=checker(), at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        ContractVersion.objects.filter(pk=draft.pk).update(state="approved", approved_by=checker(), approved_at=AT)

    # And nothing changed: each day has the one version that began last
    draft.refresh_from_db()
    assert draft.state == "draft"
    versions = versions_of(contract)
    assert versions.starts == sorted(set(versions.starts))
    assert versions.at(OCTOBER.start - dt.timedelta(days=1)) != versions.at(OCTOBER.start) == first


def test_given_more_contracts_then_the_checks_ask_no_more_of_the_database(month: Month) -> None:
    assert count(month) == 11
    for _ in range(3):
        party = make_party(accountant="books@more.example")
        make_contract_in_force(operator=month.operator, party=party, tariff=make_tariff(month.operator))
    assert count(month) == 11
    for name in ("alpha", "beta"):
        taxed(month, name, TaxTreatment.REVERSE_CHARGE)
        party_of(month, name, vat_id=AUSTRIAN)
    assert count(month) == 13
    assert found_contracts(month) == 8


def found_contracts(month: Month) -> int:
    return due_contracts(operator_id=month.operator.pk, period=OCTOBER).count()


def count(month: Month) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert not found(month)
    return len(asked)
