"""The dry run of a month looks at it as the run does: each contract's month ends in its own zone."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import Contract
from invoicing.models import TaxRate
from invoicing.queries.month_checks import Concern, month_checks
from invoicing.queries.month_close import dry_run
from sessions.models import ChargingSession
from tests.invoicing.month import OCTOBER, make_month, record

pytestmark = pytest.mark.django_db
AFTERNOON = dt.datetime(2026, 10, 31, 16, 0, tzinfo=dt.UTC)  # ends thirteen hours later: still October in Los Angeles
LATEST = dt.datetime(2026, 11, 1, 7, 0, tzinfo=dt.UTC)
NEXT_DAY = dt.datetime(2026, 10, 31, 19, 0, tzinfo=dt.UTC)  # ends on 1 November there too


def test_given_a_contract_of_another_zone_then_the_dry_run_counts_what_the_run_bills() -> None:
    month = make_month(sessions=1)
    Contract.objects.filter(pk=month.contracts["beta"].pk).update(zone="America/Los_Angeles")
    before = dry_run(month.operator, OCTOBER)
    record([month.charge("beta", 50, 10, AFTERNOON)])
    record([month.charge("beta", 51, 10, NEXT_DAY)])
    charged = ChargingSession.objects.get(provider_ref="beta-50")
    assert dt.datetime(2026, 11, 1, tzinfo=dt.UTC) < charged.ended_at < LATEST
    plan = dry_run(month.operator, OCTOBER)
    assert plan.sessions == before.sessions + 1
    month.close()
    billed = sum((item.invoice.net_amount for item in [month.item("beta")] if item.invoice), Decimal(0))
    assert plan.net["EUR"] - before.net["EUR"] == charged.price.net_amount
    assert billed == sum(
        each.price.net_amount
        for each in ChargingSession.objects.filter(contract=month.contracts["beta"], ended_at__lt=LATEST)
    )


def test_given_a_site_used_in_the_contracts_month_only_then_its_missing_rate_is_named() -> None:
    month = make_month(sessions=1)
    ChargingSession.objects.update(contract=None)
    month_end_there = month.charge("beta", 50, 10, AFTERNOON)
    Contract.objects.filter(pk=month.contracts["beta"].pk).update(zone="America/Los_Angeles")
    record([month_end_there])
    TaxRate.objects.all().delete()
    found = {check.concern: check.count for check in month_checks(month.operator, OCTOBER)}
    assert found[Concern.NO_TAX_RATE] == 1
