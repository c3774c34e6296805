"""What a host shares in: sessions of the days that his contract covers, once, and taken back once."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import Contract, ContractKind
from contracts.operations.contracts import end_contract
from evbilling.kernel.clock import Period, parse_month
from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceKind, InvoiceLine, ItemState
from invoicing.operations import runs
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.inline import work_off
from tests.factories import assigned_tariffs, checker, make_contract_in_force, make_party, make_version
from tests.invoicing.month import AT, OCTOBER, Month, make_month, record

pytestmark = pytest.mark.django_db
D = Decimal
NOVEMBER = parse_month("2026-11")
IN_NOVEMBER = dt.datetime(2026, 11, 10, 8, tzinfo=dt.UTC)
IN_DECEMBER = dt.datetime(2026, 12, 2, 8, tzinfo=dt.UTC)


def close(month: Month, period: Period, at: dt.datetime) -> None:
    run = runs.start_run(operator_id=month.operator.pk, period=period, issued_on=at.date(), issue=True, by=None, at=at)
    work_off(run_id=run.pk, clock=lambda: at, progress=lambda: None)
    assert not run.items.filter(state__in=[ItemState.FAILED, ItemState.PENDING]).exists()


def settlements(contract: Contract) -> list[Invoice]:
    return list(Invoice.objects.filter(contract=contract, kind=InvoiceKind.SETTLEMENT).order_by("pk"))


def month_without_host(sessions: int = 4) -> Month:
    """The month, its host's contract ended before the first session."""
    month = make_month(sessions)
    end_contract(
        contract_id=month.contracts["host"].pk,
        ends_on=dt.date(2026, 10, 1),
        reason="Sold",
        early=True,
        by=checker(),
        at=AT,
    )
    return month


def new_host(month: Month, starts_on: dt.date) -> Contract:
    owner = make_party("property_owner")
    return make_contract_in_force(
        ContractKind.HOSTING, month.operator, owner, [month.site], starts_on=starts_on, percent=D(60)
    )


def test_given_sessions_before_a_host_s_contract_when_he_is_settled_then_they_are_not_his() -> None:
    month = month_without_host()
    close(month, OCTOBER, AT)
    host = new_host(month, dt.date(2026, 11, 1))
    record([month.charge("beta", 6, at=IN_NOVEMBER)], at=IN_DECEMBER)
    close(month, NOVEMBER, IN_DECEMBER)
    (settlement,) = settlements(host)
    shared = BilledCharge.objects.filter(line__invoice=settlement, use=ChargeUse.SHARED)
    assert [each.charge.session.provider_ref for each in shared] == ["beta-6"]
    assert settlement.net_amount == D("2.70")


def test_given_a_contract_that_begins_in_the_month_when_settled_then_from_its_first_day_in_its_zone() -> None:
    month = month_without_host(8)  # sessions at the site on the 5th, 7th, 9th and 11th
    host = new_host(month, dt.date(2026, 10, 8))
    close(month, OCTOBER, AT)
    (settlement,) = settlements(host)
    # alpha's and beta's sessions of the 9th and 11th: 4 x 4.50 = 18.00 net, of which 60 %
    assert settlement.net_amount == D("10.80")


def test_given_a_contract_that_ended_in_the_month_when_settled_then_until_its_last_day() -> None:
    month = make_month(8)
    host = month.contracts["host"]
    end_contract(contract_id=host.pk, ends_on=dt.date(2026, 10, 9), reason="Sold", early=True, by=checker(), at=AT)
    after = new_host(month, dt.date(2026, 10, 9))
    close(month, OCTOBER, AT)
    assert [each.net_amount for each in settlements(host)] == [D("10.80")]
    assert [each.net_amount for each in settlements(after)] == [D("10.80")]


def test_given_a_host_whose_contract_ended_when_a_late_session_is_billed_then_he_gets_his_share() -> None:
    month = make_month(2)
    host = month.contracts["host"]
    close(month, OCTOBER, AT)
    end_contract(contract_id=host.pk, ends_on=dt.date(2026, 11, 1), reason="Sold", early=True, by=checker(), at=AT)
    record([month.charge("beta", 10)], at=IN_DECEMBER)
    close(month, NOVEMBER, IN_DECEMBER)
    assert [each.net_amount for each in settlements(host)] == [D("5.40"), D("2.70")]


def test_given_a_credited_settlement_when_its_sessions_are_credited_too_then_they_are_not_taken_back_again() -> None:
    month = make_month(2)
    close(month, OCTOBER, AT)
    host = month.contracts["host"]
    (settlement,) = settlements(host)
    credit_invoice(invoice_id=settlement.pk, reason="Wrong percentage", by=None, at=AT)
    beta = Invoice.objects.get(contract=month.contracts["beta"])
    credit_invoice(invoice_id=beta.pk, reason="Wrong card", by=None, at=AT)
    record([month.charge("beta", 6, at=IN_NOVEMBER)], at=IN_DECEMBER)
    close(month, NOVEMBER, IN_DECEMBER)
    assert not BilledCharge.objects.filter(use=ChargeUse.TAKEN_BACK).exists()
    assert [each.net_amount for each in settlements(host)] == [D("5.40"), D("2.70")]


def test_given_another_percentage_since_when_a_credited_charge_is_taken_back_then_at_the_one_it_was_shared_at() -> None:
    month = make_month(2)
    close(month, OCTOBER, AT)
    host = month.contracts["host"]
    make_version(host, dt.date(2026, 11, 1), percent=D(10))
    beta = Invoice.objects.get(contract=month.contracts["beta"])
    credit_invoice(invoice_id=beta.pk, reason="Wrong card", by=None, at=AT)
    # November at the site: 100 kWh = 45.00, of which 10 % = 4.50; October's 4.50 is taken back at 60 % = 2.70
    record([month.charge("alpha", 6, 100, at=IN_NOVEMBER)], at=IN_DECEMBER)
    close(month, NOVEMBER, IN_DECEMBER)
    last = settlements(host)[-1]
    assert last.net_amount == D("1.80")
    assert sorted(InvoiceLine.objects.filter(invoice=last).values_list("net_amount", flat=True)) == [
        D("-2.70"), D("4.50"),
    ]  # fmt: skip


def test_given_another_tax_treatment_within_the_month_when_drafted_then_each_session_has_that_of_its_day() -> None:
    month = make_month(4, ("beta",))  # 10 kWh at 0.45 on the 5th, 6th, 7th and 8th
    beta = month.contracts["beta"]
    beta.party.vat_id = "ATU13585627"
    beta.party.save()
    tariff = assigned_tariffs(beta)[0].tariff
    make_version(beta, dt.date(2026, 10, 8), tariff, tax_treatment="reverse_charge")
    close(month, OCTOBER, AT)
    invoice = Invoice.objects.get(contract=beta)
    rows = invoice.taxes.values_list("tax_category", "tax_rate", "net_amount", "tax_amount")
    # half of each 4.50 is the sponsor's: 2.25 under reverse charge, 3 x 2.25 = 6.75 at 19 % = 1.28
    assert sorted(rows) == [("AE", D(0), D("2.25"), D(0)), ("S", D(19), D("6.75"), D("1.28"))]
