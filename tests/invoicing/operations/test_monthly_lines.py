"""Monthly terms on documents: drafted, issued, credited, with sessions that come late, through `check_books`."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts.models import Contract, Party, TaxTreatment
from contracts.operations.contracts import end_contract
from evbilling.kernel import bulk
from evbilling.kernel.books import check_books
from evbilling.kernel.clock import Period, month_of, parse_month
from evbilling.kernel.errors import BillingError
from invoicing.models import Invoice, InvoiceLine, LineKind, TaxRate
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.drafting import discard_draft, draft_invoice
from invoicing.operations.issuing import issue_invoice
from invoicing.rules.tax import MissingCustomerTaxId, MissingTaxRate
from sessions.models import SessionCharge
from tests.factories import (
    make_contract_in_force,
    make_party,
    make_tariff,
    make_token,
    make_user,
    make_vehicle,
    tariff_document,
)
from tests.invoicing.month import AT, ISSUED_ON, OCTOBER, Month, make_month, record

pytestmark = pytest.mark.django_db
D = Decimal
NOVEMBER = parse_month("2026-11")
INCLUDED = ("included_energy", {"kwh": "15", "per": "contract"})
VOLUME = ("volume_discount", {"tiers": [{"from_kwh": "0", "percent": "10"}, {"from_kwh": "50", "percent": "20"}]})
FEE = ("base_fee", {"amount": "49.90", "per": "contract"})
PROMISE = ("minimum_commitment", {"amount": "100"})
Terms = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def month() -> Month:
    return make_month(sessions=0)


def fleet(month: Month, terms: Terms, sessions: int = 4, **fields: Any) -> Contract:
    """One more customer, charged 0.45 a kWh, with sessions of 10 kWh in October."""
    token = make_token(make_vehicle())
    month.tokens["fleet"] = token
    month.contracts["fleet"] = make_contract_in_force(
        operator=month.operator,
        tariff=make_tariff(month.operator, tariff_document(vat=None)),
        tokens=[token],
        terms=terms,
        **fields,
    )
    record([month.charge("fleet", number) for number in range(sessions)])
    return month.contracts["fleet"]


def draft(contract: Contract, period: Period = OCTOBER) -> Invoice:
    invoice = draft_invoice(contract_id=contract.pk, period=period, at=AT)
    assert invoice is not None
    return invoice


def issued(contract: Contract, period: Period = OCTOBER) -> Invoice:
    day = max(ISSUED_ON, period.start)
    at = max(AT, dt.datetime.combine(day, dt.time(8), dt.UTC))
    return issue_invoice(invoice_id=draft(contract, period).pk, issued_on=day, by=None, at=at)


def lines(invoice: Invoice) -> list[tuple[str, Decimal]]:
    """What stands after the sessions."""
    rows = invoice.lines.exclude(kind=LineKind.CHARGING).order_by("position")
    return [(line.text, line.net_amount) for line in rows]


def findings() -> list[str]:
    return [str(finding) for result in check_books() for finding in result.findings]


def test_given_every_monthly_term_when_a_month_is_billed_then_the_document_shows_them_in_order(month: Month) -> None:
    contract = fleet(month, [PROMISE, FEE, VOLUME, INCLUDED])
    invoice = issued(contract)
    # 4 x 4.50 = 18.00; 15 kWh free = 6.75; 10 % of 11.25 = 1.125; 49.90; 100 - (18.00 - 6.75 - 1.13 + 49.90) = 39.98
    assert lines(invoice) == [
        ("Included energy, October 2026", D("-6.75")),
        ("Volume discount, October 2026", D("-1.13")),
        ("Base fee, October 2026", D("49.90")),
        ("Shortfall of the minimum commitment, October 2026", D("39.98")),
    ]
    assert (invoice.net_amount, invoice.tax_amount, invoice.gross_amount) == (D("100.00"), D("19.00"), D("119.00"))
    assert list(SessionCharge.objects.values_list("net_amount", flat=True)) == [D("4.50")] * 4  # untouched
    assert findings() == []


def test_given_lines_of_terms_when_read_then_each_says_how_it_was_reckoned(month: Month) -> None:
    invoice = draft(fleet(month, [INCLUDED, VOLUME, FEE, PROMISE]))
    said = [line.because["sentence"] for line in invoice.lines.exclude(kind=LineKind.CHARGING).order_by("position")]
    assert said == [
        "15\N{NO-BREAK SPACE}kWh of 15\N{NO-BREAK SPACE}kWh included were used: their energy charges are taken off.",
        "40\N{NO-BREAK SPACE}kWh in the month: 10\N{NO-BREAK SPACE}% on €11.25 of energy charges from "
        "0\N{NO-BREAK SPACE}kWh on.",
        "€49.90 a month.",
        "€100.00 promised, €60.02 charged.",
    ]


def test_given_no_sessions_when_there_is_a_base_fee_then_the_month_is_billed(month: Month) -> None:
    contract = fleet(month, [FEE], sessions=0)
    month.close()
    invoice = Invoice.objects.get(contract=contract)
    assert (invoice.number is not None, invoice.net_amount, invoice.gross_amount) == (True, D("49.90"), D("59.38"))
    assert findings() == []


def test_given_no_monthly_terms_when_there_are_no_sessions_then_there_is_no_document(month: Month) -> None:
    contract = fleet(month, [("overstay", {"price_per_minute": "0.1"})], sessions=0)
    assert draft_invoice(contract_id=contract.pk, period=OCTOBER, at=AT) is None


def test_given_a_contract_that_begins_and_ends_in_the_month_when_billed_then_fees_are_by_days(month: Month) -> None:
    contract = fleet(month, [FEE, PROMISE], starts_on=dt.date(2026, 10, 3))
    end_contract(
        contract_id=contract.pk, ends_on=dt.date(2026, 10, 13), reason="sold", early=True, by=make_user(), at=AT
    )
    invoice = draft(contract)
    # 10 of 31 days: 49.90 -> 16.10, 100 -> 32.26; charged 18.00 + 16.10
    assert lines(invoice) == [("Base fee, October 2026", D("16.10"))]
    assert invoice.reason == f"Final invoice: contract {contract.number} ended with 12 Oct 2026."
    assert "10 of 31 days" in invoice.lines.get(kind=LineKind.BASE_FEE).because["sentence"]


def test_given_a_contract_that_goes_on_when_billed_then_its_document_is_not_called_final(month: Month) -> None:
    contract = fleet(month, [FEE])
    assert draft(contract).reason == ""


def test_given_vehicles_and_sites_when_fees_count_them_then_those_under_the_contract_count(month: Month) -> None:
    contract = fleet(
        month,
        [("base_fee", {"amount": "5", "per": "vehicle"}), ("base_fee", {"amount": "20", "per": "site"})],
        sites=[month.site, month.stations[1].site],
    )
    assert lines(draft(contract)) == [("Base fee, October 2026", D("5.00")), ("Base fee, October 2026", D("40.00"))]


def test_given_a_late_session_that_lifts_the_tier_when_the_next_month_is_billed_then_the_rest_is_granted_there(
    month: Month,
) -> None:
    contract = fleet(month, [VOLUME])
    first = issued(contract)
    assert lines(first) == [("Volume discount, October 2026", D("-1.80"))]  # 40 kWh: 10 % of 18.00
    record([month.charge("fleet", 9)])  # 50 kWh now: 20 % of 22.50 = 4.50
    second = issued(contract, NOVEMBER)
    assert lines(second) == [("Volume discount, October 2026, after late sessions", D("-2.70"))]
    assert second.net_amount == D("1.80")  # 4.50 - 2.70
    because = second.lines.get(kind=LineKind.ALLOWANCE).because
    assert (because["total"], because["before"]) == ("4.50", "1.80")
    assert findings() == []


def test_given_more_to_grant_than_the_document_charges_when_billed_then_the_rest_follows(month: Month) -> None:
    steep = ("volume_discount", {"tiers": [{"from_kwh": "50", "percent": "50"}]})
    contract = fleet(month, [steep])
    issued(contract)
    record([month.charge("fleet", 9)])  # 50 % of 22.50 = 11.25, but November charges 4.50
    second = issued(contract, NOVEMBER)
    assert lines(second) == [("Volume discount, October 2026, after late sessions", D("-4.50"))]
    assert second.gross_amount == 0
    assert second.lines.get(kind=LineKind.ALLOWANCE).because["left"] == "6.75"
    december = parse_month("2026-12")
    record([month.charge("fleet", 5, kwh=40, at=dt.datetime(2026, 12, 1, 7, tzinfo=dt.UTC))])
    third = issued(contract, december)
    assert lines(third) == [("Volume discount, October 2026, after late sessions", D("-6.75"))]
    assert draft_invoice(contract_id=contract.pk, period=december.next_month(), at=AT) is None
    assert findings() == []


def test_given_a_late_session_when_a_shortfall_was_charged_then_it_is_given_back(month: Month) -> None:
    contract = fleet(month, [PROMISE])
    first = issued(contract)
    assert first.net_amount == D("100.00")
    record([month.charge("fleet", 9, kwh=20)])  # 9.00 more were charged
    second = issued(contract, NOVEMBER)
    assert lines(second) == [
        ("Shortfall of the minimum commitment, November 2026", D("100.00")),
        ("Shortfall of the minimum commitment, October 2026, after late sessions", D("-9.00")),
    ]
    assert second.net_amount == D("100.00")
    assert findings() == []


def test_given_a_late_session_before_the_others_when_included_energy_moves_then_nothing_is_granted_twice(
    month: Month,
) -> None:
    contract = fleet(month, [INCLUDED], sessions=1)
    issued(contract)  # 10 of 15 kWh: 4.50
    record([month.charge("fleet", 3, kwh=8)])
    second = issued(contract, NOVEMBER)
    assert lines(second) == [("Included energy, October 2026, after late sessions", D("-2.25"))]  # 5 kWh more
    record([month.charge("fleet", 4, kwh=8)])
    third = issued(contract, parse_month("2026-12"))
    assert lines(third) == []


def test_given_a_draft_with_allowances_when_discarded_and_drafted_again_then_it_is_the_same(month: Month) -> None:
    contract = fleet(month, [INCLUDED, VOLUME, FEE, PROMISE])
    first = draft(contract)
    before = lines(first), first.gross_amount
    discard_draft(invoice_id=first.pk, by=make_user(), at=AT)
    again = draft(contract)
    assert (lines(again), again.gross_amount) == before


def test_given_a_document_with_allowances_when_credited_then_nothing_is_left_of_it(month: Month) -> None:
    invoice = issued(fleet(month, [INCLUDED, VOLUME, FEE, PROMISE]))
    note = credit_invoice(invoice_id=invoice.pk, reason="wrong address", by=None, at=AT)
    assert (note.net_amount, note.tax_amount, note.gross_amount) == (D("100.00"), D("19.00"), D("119.00"))
    assert [line.net_amount for line in note.lines.order_by("position")] == [
        line.net_amount for line in invoice.lines.order_by("position")
    ]
    assert findings() == []


def test_given_a_credited_document_when_the_month_is_billed_again_then_its_fees_are_not_charged_by_themselves(
    month: Month,
) -> None:
    contract = fleet(month, [FEE, PROMISE, INCLUDED])
    credit_invoice(invoice_id=issued(contract).pk, reason="wrong address", by=None, at=AT)
    assert draft_invoice(contract_id=contract.pk, period=OCTOBER, at=AT) is None
    record([month.charge("fleet", 9)])
    again = draft(contract)
    assert lines(again) == [("Included energy, October 2026", D("-4.50"))]  # the first live session of the month


def test_given_a_fee_without_a_place_when_taxed_then_the_first_site_decides_else_the_customers_address(
    month: Month,
) -> None:
    TaxRate.objects.create(country="AT", percent=20, valid_from=dt.date(2020, 1, 1))
    abroad = make_party(country="AT", vat_id="")
    at_home = fleet(month, [FEE], sessions=0, party=abroad, sites=[month.site])
    assert draft(at_home).taxes.get().tax_rate == D(19)
    nowhere = fleet(month, [FEE], sessions=0, party=abroad)
    assert draft(nowhere).taxes.get().tax_rate == D(20)


def test_given_reverse_charge_when_there_is_only_a_fee_then_it_follows_and_needs_the_vat_id(month: Month) -> None:
    party = make_party(country="AT", vat_id="ATU13585627")
    contract = fleet(month, [FEE], sessions=0, party=party, tax_treatment=TaxTreatment.REVERSE_CHARGE)
    Party.objects.update(vat_id="")
    refused(contract, MissingCustomerTaxId)
    Party.objects.update(vat_id="ATU13585627")
    assert draft(contract).taxes.get().tax_category == "AE"


def test_given_no_tax_rate_for_the_fees_place_when_drafted_then_that_is_said(month: Month) -> None:
    refused(fleet(month, [FEE], sessions=0, party=make_party(country="FR", vat_id="")), MissingTaxRate)


def refused(contract: Contract, error: type[BillingError]) -> None:
    before = Invoice.objects.count(), InvoiceLine.objects.count()
    with pytest.raises(error):
        draft_invoice(contract_id=contract.pk, period=OCTOBER, at=AT)
    assert (Invoice.objects.count(), InvoiceLine.objects.count()) == before


def test_given_allowances_when_the_host_is_settled_then_his_share_is_of_the_session_charges(month: Month) -> None:
    fleet(month, [("included_energy", {"kwh": "1000", "per": "contract"})])
    month.close()
    customer = Invoice.objects.get(contract=month.contracts["fleet"])
    assert customer.net_amount == 0
    settlement = Invoice.objects.get(contract=month.contracts["host"])
    assert settlement.net_amount == D("5.40")  # 60 % of two sessions at his site, 9.00
    assert findings() == []


def test_given_a_sponsor_when_its_contract_has_a_base_fee_for_each_vehicle_then_sponsored_ones_count(
    month: Month,
) -> None:
    sponsor = make_contract_in_force(
        "sponsorship",
        month.operator,
        make_party("ev_manufacturer"),
        vehicles=[make_vehicle(), make_vehicle()],
        terms=[("base_fee", {"amount": "2.50", "per": "vehicle"})],
    )
    invoice = issued(sponsor)
    assert lines(invoice) == [("Base fee, October 2026", D("5.00"))]
    assert findings() == []


@pytest.mark.parametrize("name", ["2026-02", "2026-03", "2026-10"])
def test_given_months_of_any_length_when_the_whole_is_held_then_the_whole_fee_is_due(month: Month, name: str) -> None:
    contract = fleet(month, [FEE], sessions=0)
    assert lines(draft(contract, month_of(parse_month(name).start)))[0][1] == D("49.90")


def test_the_number_of_queries_does_not_grow_with_the_sessions(month: Month, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "FEW", 0)  # few rows and many go in the same way
    draft(fleet(month, [FEE], sessions=1))  # what is read once a process
    counts = []
    for sessions in (2, 30):
        contract = fleet(month, [INCLUDED, VOLUME, FEE, PROMISE], sessions=sessions)
        with CaptureQueriesContext(connection) as queries:
            draft(contract)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        (LineKind.ALLOWANCE, {"net_amount": D("-19.00")}, "Allowances of 2026-10 at 19 % come to 19.00"),
        (LineKind.ALLOWANCE, {"net_amount": D("-6.00")}, "by its reckoning it is -6.75"),
        (LineKind.BASE_FEE, {"because": {}}, "does not say how it was reckoned"),
    ],
)
def test_given_a_line_that_does_not_follow_from_its_terms_when_the_books_are_checked_then_they_say_so(
    month: Month, kind: LineKind, wrong: dict[str, Any], said: str
) -> None:
    invoice = draft(fleet(month, [INCLUDED, FEE]))
    assert findings() == []
    InvoiceLine.objects.filter(invoice=invoice, kind=kind).update(**wrong)
    assert any(said in finding for finding in findings())
