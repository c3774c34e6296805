"""The dry run of a month: with the terms, penalties and settlements that the run makes of it."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts.models import ContractKind, Party
from evbilling.kernel.clock import Period, parse_month
from evbilling.kernel.money import add
from invoicing.models import Invoice, InvoiceKind, JournalEntry, RunState
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.issuing import issue_invoice
from invoicing.queries.month_close import DryRun, dry_run
from sessions.models import ChargingSession
from sessions.operations.rating import rate_sessions
from tests.factories import (
    make_contract_in_force,
    make_party,
    make_site,
    make_tariff,
    make_token,
    make_vehicle,
    tariff_document,
)
from tests.invoicing.month import AT, ISSUED_ON, OCTOBER, Month, make_month, record
from tests.invoicing.operations.test_share_kinds import host
from tests.invoicing.shapes.test_parts_and_carrying import in_parts
from tests.invoicing.shapes.world import close, grouped, join

pytestmark = pytest.mark.django_db
D = Decimal
NOVEMBER = parse_month("2026-11")
IN_DECEMBER = dt.datetime(2026, 12, 2, 8, tzinfo=dt.UTC)
BILLED = (InvoiceKind.INVOICE, InvoiceKind.FEE_NOTE)
FEE = ("base_fee", {"amount": "49.90", "per": "contract"})
PROMISE = ("minimum_commitment", {"amount": "100"})
INCLUDED = ("included_energy", {"kwh": "15", "per": "contract"})


@pytest.fixture
def month() -> Month:
    return make_month(sessions=2)


def priced() -> None:
    """What came in has its price."""
    rate_sessions(list(ChargingSession.objects.values_list("pk", flat=True)), at=AT)


def set_limit(month: Month, amount: str) -> None:
    """From so much on a second person approves a run."""
    month.operator.run_limit_amount = D(amount)
    month.operator.save()


def documents(period: Period, *kinds: str) -> Decimal:
    """The net of the month's documents."""
    rows = Invoice.objects.filter(kind__in=kinds, period_from=period.start)
    return add(rows.values_list("net_amount", flat=True))


def assert_planned(month: Month, period: Period = OCTOBER, *, at: dt.datetime = AT) -> DryRun:
    """The run bills and settles what the dry run says."""
    priced()
    plan = dry_run(month.operator, period)
    close(month, period, at=at)
    assert plan.net.get("EUR", D(0)) == documents(period, *BILLED)
    assert plan.settlements.get("EUR", D(0)) == documents(period, InvoiceKind.SETTLEMENT)
    return plan


def test_given_every_monthly_term_when_planned_then_fees_and_allowances_stand_beside_the_prices(month: Month) -> None:
    join(month, "fleet", make_party(), terms=[PROMISE, FEE, INCLUDED])
    plan = assert_planned(month)
    # 6 sessions of 4.50; fleet: 9.00 less 15 kWh (6.75), 49.90, and 100 - (9.00 - 6.75 + 49.90) = 47.85
    assert (plan.priced, plan.allowances, plan.fees) == ({"EUR": D("27.00")}, {"EUR": D("6.75")}, {"EUR": D("97.75")})


def test_given_fees_per_vehicle_and_site_when_planned_then_each_is_counted_as_the_document_does(month: Month) -> None:
    tokens = [make_token(make_vehicle()) for _each in range(3)]
    terms = [("base_fee", {"amount": "7", "per": "vehicle"}), ("base_fee", {"amount": "11", "per": "site"})]
    make_contract_in_force(
        operator=month.operator,
        tariff=make_tariff(month.operator, tariff_document(vat=None)),
        tokens=tokens,
        terms=[terms[0]],
    )
    join(month, "fleet", make_party(), terms=[terms[1]])  # one session at each of two sites
    plan = assert_planned(month)
    assert plan.fees == {"EUR": D(21 + 22)}


def test_given_a_sponsor_when_planned_then_his_part_does_not_count_for_the_customers_commitment(month: Month) -> None:
    vehicle = make_vehicle()
    join(month, "fleet", make_party(), tokens=[make_token(vehicle)], terms=[PROMISE])
    month.tokens["fleet"] = vehicle.tokens.get()
    record([month.charge("fleet", number) for number in range(2)])
    make_contract_in_force(
        ContractKind.SPONSORSHIP,
        month.operator,
        make_party("ev_manufacturer", accountant="books@second.example"),
        vehicles=[vehicle],
        percent=D(20),
        terms=[("base_fee", {"amount": "5", "per": "vehicle"})],
    )
    plan = assert_planned(month)
    # 9.00: the sponsor pays 1.80 of it and 5.00 for the vehicle, the customer 7.20 and 92.80 that are missing
    assert plan.fees == {"EUR": D("97.80")}


def test_given_a_month_that_was_carried_over_when_the_next_is_planned_then_its_fee_is_among_them(month: Month) -> None:
    contract = join(month, "fleet", make_party(), terms=[FEE], minimum_invoice_amount=D(100))
    priced()
    close(month, OCTOBER, at=AT)
    assert not Invoice.objects.filter(contract=contract).exists()
    plan = assert_planned(month, NOVEMBER, at=IN_DECEMBER)
    assert (plan.fees, plan.priced) == ({"EUR": D("99.80")}, {"EUR": D("9.00")})


def test_given_a_group_and_a_split_month_when_planned_then_the_sums_are_those_of_their_documents(month: Month) -> None:
    grouped(month, 2, terms=[FEE])
    in_parts(month, terms=[INCLUDED, FEE])
    assert_planned(month)


def test_given_drafts_when_planned_then_they_stand_in_the_net_once(month: Month) -> None:
    contract = join(month, "fleet", make_party(), terms=[FEE])
    priced()
    draft_invoice(contract_id=contract.pk, period=OCTOBER, at=AT)
    plan = assert_planned(month)
    assert (plan.drafts, plan.drafted, plan.fees) == (1, {"EUR": D("58.90")}, {})


@pytest.mark.parametrize(
    "share",
    [
        {"kind": "fixed_rent", "rent_amount": D(500)},
        {"kind": "per_kwh", "per_kwh_amount": D("0.50")},
        {"kind": "percent", "percent_of_net": D(40)},
        {"kind": "greater_of", "percent_of_net": D(50), "rent_amount": D(2)},
        {"kind": "greater_of", "percent_of_net": D(50), "rent_amount": D(20)},
        {"kind": "cost", "per_kwh_amount": D("0.25")},
    ],
    ids=lambda share: share["kind"],
)
def test_given_a_host_when_planned_then_his_settlement_is_known(month: Month, share: dict[str, Any]) -> None:
    host(month, share)
    plan = assert_planned(month)
    assert plan.settlements["EUR"] > D("5.40")  # more than the other host's 60 % of two sessions


def test_given_issued_documents_when_planned_then_the_host_still_gets_his_share(month: Month) -> None:
    priced()
    for name in ("alpha", "beta", "sponsor"):
        invoice = draft_invoice(contract_id=month.contracts[name].pk, period=OCTOBER, at=AT)
        assert invoice is not None
        issue_invoice(invoice_id=invoice.pk, issued_on=ISSUED_ON, by=None, at=AT)
    plan = dry_run(month.operator, OCTOBER)
    assert (plan.net, plan.settlements) == ({}, {"EUR": D("5.40")})
    close(month, OCTOBER, at=AT)
    assert documents(OCTOBER, InvoiceKind.SETTLEMENT) == D("5.40")


def test_given_a_host_without_agreement_when_planned_then_nothing_is_said_to_be_settled(month: Month) -> None:
    Party.objects.filter(pk=month.contracts["host"].party_id).update(self_billing_agreed_on=None)
    assert assert_planned(month).settlements == {}


def test_given_fees_over_the_limit_when_started_then_a_second_person_is_asked_and_nothing_was_done(
    month: Month,
) -> None:
    join(month, "fleet", make_party(), terms=[FEE])
    set_limit(month, "50.00")  # the sessions alone come to 27.00
    priced()
    run = month.start()
    assert (run.state, run.planned_amount) == (RunState.ASKED, D("76.90"))
    assert (Invoice.objects.count(), JournalEntry.objects.count()) == (0, 0)


def test_given_a_rent_over_the_limit_when_started_then_a_second_person_is_asked(month: Month) -> None:
    host(month, {"kind": "fixed_rent", "rent_amount": D(500)})
    set_limit(month, "100.00")
    priced()
    run = month.start()
    assert (run.state, run.planned_amount) == (RunState.ASKED, D("505.40"))
    assert Invoice.objects.count() == 0


def test_however_many_contracts_there_are_planning_asks_as_often(month: Month) -> None:
    def queries() -> int:
        priced()
        with CaptureQueriesContext(connection) as asked:
            dry_run(month.operator, OCTOBER)
        return len(asked)

    join(month, "one", make_party(), terms=[FEE, PROMISE, INCLUDED])
    host(month, {"kind": "percent", "percent_of_net": D(40)})
    before = queries()
    for name in ("two", "three", "four"):
        join(month, name, make_party(), terms=[FEE, PROMISE, INCLUDED])
    host(month, {"kind": "percent", "percent_of_net": D(40)}, site=make_site())
    assert queries() == before
