"""From sessions to drafts: customers, sponsors, hosts; taxes, late sessions, the number of queries."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from contracts.models import ContractKind, CostCentre, Party, TaxTreatment
from evbilling.kernel import bulk
from evbilling.kernel.clock import parse_month
from evbilling.kernel.errors import WrongState
from evbilling.kernel.steps import observed
from invoicing.models import BilledCharge, ChargeUse, Invoice, TaxRate
from invoicing.operations.drafting import NoTermsInForce, discard_draft, draft_invoice
from invoicing.operations.issuing import InvoiceNotDraft, issue_invoice
from invoicing.rules.tax import MissingCustomerTaxId, MissingTaxRate
from sessions.models import ChargingSession, SessionCharge
from sessions.operations.holds import release_hold
from sessions.queries import billable_sessions
from sessions.rules.intake import SessionInput
from tests.factories import (
    make_contract,
    make_contract_in_force,
    make_party,
    make_tariff,
    make_token,
    make_user,
    make_vehicle,
    tariff_document,
)
from tests.invoicing.drafts import amounts, draft, issued, settle
from tests.invoicing.month import AT, ISSUED_ON, OCTOBER, Month, make_month, record

pytestmark = pytest.mark.django_db
D = Decimal
NOVEMBER = parse_month("2026-11")


@pytest.fixture
def month() -> Month:
    return make_month()


def other_contract(month: Month, vat: str | None = "19", **fields: object) -> str:
    """One more customer of the same operator, with its own tariff."""
    token = make_token(make_vehicle())
    month.tokens["other"] = token
    month.contracts["other"] = make_contract_in_force(
        operator=month.operator,
        tariff=make_tariff(month.operator, tariff_document(vat=vat)),
        tokens=[token],
        **fields,  # type: ignore[arg-type]
    )
    return "other"


def trace() -> tuple[int, int, int]:
    return Invoice.objects.count(), SessionCharge.objects.count(), BilledCharge.objects.count()


# --- Customers -------------------------------------------------------------------------------------------------------


def test_given_a_months_sessions_when_drafted_then_each_place_has_a_line_and_tax_is_on_the_sum(month: Month) -> None:
    invoice = draft(month, "beta")  # 4 sessions of 10 kWh at 0.45
    assert amounts(invoice) == (D("18.00"), D("3.42"), D("21.42"))
    assert (invoice.number, invoice.state) == (None, "draft")
    lines = list(invoice.lines.order_by("position"))
    assert [(line.net_amount, line.session_count, line.energy_wh) for line in lines] == [(D("9.00"), 2, 20_000)] * 2
    assert lines[0].group_label == str(CostCentre.objects.get(party=invoice.party))
    assert {line.text for line in lines} == {f"Charging at {station.site.name}" for station in month.stations}
    tax = invoice.taxes.get()
    assert (tax.tax_category, tax.tax_rate, tax.net_amount, tax.tax_amount) == ("S", D(19), D("18.00"), D("3.42"))
    assert BilledCharge.objects.filter(line__invoice=invoice, use=ChargeUse.BILLED).count() == 4


def test_given_a_sponsored_vehicle_when_drafted_then_customer_and_sponsor_pay_half_each(month: Month) -> None:
    customer, sponsor = draft(month, "alpha"), draft(month, "sponsor")
    prices = D("4.50") * 4
    assert customer.net_amount + sponsor.net_amount == prices
    assert (customer.net_amount, sponsor.net_amount) == (D("9.00"), D("9.00"))
    line = sponsor.lines.first()
    assert line is not None
    assert line.text.startswith("Sponsored charging at ")
    assert line.group_label == month.tokens["alpha"].vehicle.label  # the vehicle, never the customer's cost centre


def test_given_a_sponsor_before_its_customers_when_drafted_then_there_is_nothing_yet(month: Month) -> None:
    assert draft_invoice(contract_id=month.contracts["sponsor"].pk, period=OCTOBER, at=AT) is None


def test_given_no_sessions_when_drafted_then_there_is_no_draft(month: Month) -> None:
    assert draft_invoice(contract_id=month.contracts["idle"].pk, period=OCTOBER, at=AT) is None
    assert not Invoice.objects.exists()


def test_given_a_draft_when_drafted_again_then_it_is_the_same_one(month: Month) -> None:
    first = draft(month, "beta")
    before = trace()
    assert draft(month, "beta") == first
    issue_invoice(invoice_id=first.pk, issued_on=ISSUED_ON, by=None, at=AT)
    assert draft(month, "beta") == first
    assert trace() == before


def test_given_a_session_that_came_late_when_the_next_month_is_drafted_then_it_is_billed_there(month: Month) -> None:
    issued(month, "beta")
    record([month.charge("beta", 9)])
    assert draft(month, "beta").number is not None  # October stays as it is
    november = draft(month, "beta", NOVEMBER)
    assert november.net_amount == D("4.50")


def test_given_a_session_at_the_boundary_when_drafted_then_it_belongs_to_the_month_of_its_end(month: Month) -> None:
    boundary = OCTOBER.instants("Europe/Berlin")[1]
    before = month.charge("idle", 0, at=boundary - dt.timedelta(hours=6))  # the fixture starts it 4 hours later
    assert before.ended_at == boundary - dt.timedelta(hours=1)
    at_midnight = month.charge("idle", 0, kwh=20, at=boundary - dt.timedelta(hours=5))
    record([before])
    record([at_midnight.__class__(**{**_fields(at_midnight), "provider_ref": "midnight"})])
    assert draft(month, "idle").net_amount == D("4.50")
    assert draft(month, "idle", NOVEMBER).net_amount == D("9.00")


def _fields(row: object) -> dict:
    return {name: getattr(row, name) for name in row.__slots__}  # type: ignore[attr-defined]


def test_given_a_held_session_when_drafted_then_it_waits_until_a_person_releases_it(month: Month) -> None:
    record([month.charge("idle", 1), month.charge("idle", 2, kwh=0)])
    assert draft(month, "idle").lines.get().session_count == 1
    held = ChargingSession.objects.get(provider_ref="idle-2")
    for hold in held.holds.filter(state="open"):
        release_hold(hold_id=hold.pk, reason="The meter was exchanged", by=make_user(), at=AT)
    november = draft_invoice(contract_id=month.contracts["idle"].pk, period=NOVEMBER, at=AT)
    assert november is not None
    assert november.lines.get().session_count == 1


def test_given_terms_only_from_later_on_when_drafted_then_the_error_names_contract_and_day() -> None:
    contract = make_contract(number="K-LATER")
    with pytest.raises(NoTermsInForce, match="K-LATER has no approved terms on 31 Oct 2026"):
        draft_invoice(contract_id=contract.pk, period=OCTOBER, at=AT)


def test_given_a_roaming_contract_when_drafted_then_it_is_refused() -> None:
    contract = make_contract_in_force(ContractKind.ROAMING)
    with pytest.raises(WrongState, match="not billed monthly"):
        draft_invoice(contract_id=contract.pk, period=OCTOBER, at=AT)


# --- Taxes -----------------------------------------------------------------------------------------------------------


def test_given_a_tariff_without_a_rate_when_drafted_then_the_table_of_the_sites_country_holds(month: Month) -> None:
    name = other_contract(month, vat=None)
    record([month.charge(name, 0)])
    assert draft(month, name).taxes.get().tax_rate == D(19)


def test_given_a_region_with_its_own_rate_when_drafted_then_it_beats_the_country(month: Month) -> None:
    name = other_contract(month, vat=None)
    record([month.charge(name, 0)])
    month.site.region = "Heligoland"
    month.site.save()
    TaxRate.objects.create(country="DE", region="Heligoland", percent=0, valid_from=dt.date(2020, 1, 1))
    tax = draft(month, name).taxes.get()
    assert (tax.tax_category, tax.tax_rate, tax.tax_amount) == ("Z", D(0), D(0))


def test_given_no_rate_when_drafted_then_that_contract_fails_alone_and_nothing_of_it_stays(month: Month) -> None:
    name = other_contract(month, vat="19")
    record([month.charge(name, 0)])
    TaxRate.objects.all().delete()
    before = trace()
    with pytest.raises(MissingTaxRate, match="no tax rate for DE on 5 Oct 2026"):
        draft_invoice(contract_id=month.contracts["beta"].pk, period=OCTOBER, at=AT)
    assert trace() == before
    assert draft(month, name).gross_amount == D("5.36")  # its tariff states the rate


def test_given_reverse_charge_when_drafted_then_no_tax_and_the_printed_ground(month: Month) -> None:
    party = make_party(vat_id="ATU13585627", language="en")
    name = other_contract(month, party=party, tax_treatment=TaxTreatment.REVERSE_CHARGE)
    record([month.charge(name, 0)])
    invoice = draft(month, name)
    tax = invoice.taxes.get()
    assert (tax.tax_category, tax.tax_amount, invoice.gross_amount) == ("AE", D(0), D("4.50"))
    assert tax.ground == "Reverse charge: the recipient owes the VAT (Article 196 of Directive 2006/112/EC)."


def test_given_reverse_charge_without_a_vat_id_when_drafted_then_the_error_names_the_customer(month: Month) -> None:
    party = make_party(legal_name="Nameless GmbH", vat_id="DE129273398")
    name = other_contract(month, party=party, tax_treatment=TaxTreatment.REVERSE_CHARGE)
    Party.objects.filter(pk=party.pk).update(vat_id="")  # a contract is not activated without it; it went afterwards
    record([month.charge(name, 0)])
    with pytest.raises(MissingCustomerTaxId, match="Nameless GmbH"):
        draft_invoice(contract_id=month.contracts[name].pk, period=OCTOBER, at=AT)


def test_given_an_exempt_customer_of_a_sales_tax_operator_when_drafted_then_the_ground_names_the_certificate(
    month: Month,
) -> None:
    month.operator.tax_word = "sales_tax"
    month.operator.save()
    name = other_contract(month, tax_treatment=TaxTreatment.EXEMPT)
    record([month.charge(name, 0)])
    tax = draft(month, name).taxes.get()
    assert (tax.tax_category, tax.ground) == ("E", "Exempt from sales tax; the exemption certificate is on file.")


# --- Discarding ------------------------------------------------------------------------------------------------------


def test_given_a_draft_when_discarded_then_its_sessions_are_billed_by_the_next_one(month: Month) -> None:
    first = draft(month, "beta")
    discard_draft(invoice_id=first.pk, by=make_user(), at=AT)
    assert trace() == (0, 0, 0)
    assert billable_sessions(month.contracts["beta"], OCTOBER.instants("Europe/Berlin")[1]).count() == 4
    assert amounts(draft(month, "beta")) == amounts(first)


def test_given_a_sponsors_document_when_the_customers_draft_is_discarded_then_the_split_stands(month: Month) -> None:
    customer, sponsor = draft(month, "alpha"), draft(month, "sponsor")
    parts = set(SessionCharge.objects.values_list("pk", flat=True))
    discard_draft(invoice_id=customer.pk, by=None, at=AT)
    assert set(SessionCharge.objects.values_list("pk", flat=True)) == parts
    again = draft(month, "alpha")
    assert (again.net_amount, sponsor.net_amount) == (customer.net_amount, D("9.00"))


def test_given_both_payers_drafts_when_both_are_discarded_then_the_split_is_gone(month: Month) -> None:
    for invoice in (draft(month, "alpha"), draft(month, "sponsor")):
        discard_draft(invoice_id=invoice.pk, by=None, at=AT)
    assert trace() == (0, 0, 0)


def test_given_an_issued_document_when_discarded_then_it_is_refused_and_nothing_changes(month: Month) -> None:
    invoice = issued(month, "beta")
    before = trace()
    with pytest.raises(InvoiceNotDraft):
        discard_draft(invoice_id=invoice.pk, by=None, at=AT)
    assert trace() == before


# --- Queries and crashes ---------------------------------------------------------------------------------------------


def test_the_number_of_queries_does_not_depend_on_the_number_of_sessions(
    month: Month, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "FEW", 0)  # few rows and many go in the same way
    issued(month, "beta")  # makes the chart of accounts and the series of invoices
    counts = []
    for period, first_day, sessions, expected in ((OCTOBER, 10, 6, 10), (NOVEMBER, 3, 200, 200)):
        start = dt.datetime(2026, period.start.month, first_day, 8, 30, tzinfo=dt.UTC)
        record([_two_hourly(month, start, number) for number in range(sessions)])
        with CaptureQueriesContext(connection) as queries:
            documents = [issued(month, "alpha", period), issued(month, "sponsor", period)]
            assert settle(month, period) is not None
        counts.append(len(queries))
        for invoice in documents:
            assert invoice.lines.aggregate(all=Sum("session_count"))["all"] == expected
    assert counts[0] == counts[1]


def _two_hourly(month: Month, start: dt.datetime, number: int) -> SessionInput:
    """One hour every two, so that nothing overlaps."""
    row = month.charge("alpha", number % 2)
    begin = start + dt.timedelta(hours=2 * number)
    periods = tuple(replace(each, start_at=begin) for each in row.periods)
    ref = f"{start:%m}-{number}"
    return replace(row, provider_ref=ref, started_at=begin, ended_at=begin + dt.timedelta(hours=1), periods=periods)


@pytest.mark.parametrize("name", ["split", "written"])
def test_given_an_end_at_any_step_when_drafted_again_then_it_ends_as_if_nothing_had_happened(
    name: str, month: Month
) -> None:
    def crash(step: str) -> None:
        if step == f"invoicing.draft.{name}":
            raise KeyboardInterrupt

    with observed(crash), pytest.raises(KeyboardInterrupt):
        draft_invoice(contract_id=month.contracts["beta"].pk, period=OCTOBER, at=AT)
    assert trace() == (0, 0, 0)
    assert draft(month, "beta").gross_amount == D("21.42")
