"""Home charging: a company car charges at its driver's home; the fleet pays by its tariff, the driver is reimbursed."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from contracts.models import ContractKind, Party, Site, TokenKind
from contracts.operations.assignments import assign_tariff
from contracts.operations.contracts import approve_version
from evbilling.kernel.books import check_books
from evbilling.kernel.clock import parse_month
from invoicing.documents.build import document_view
from invoicing.documents.view import Kind
from invoicing.models import Invoice, InvoiceKind, TaxRate
from invoicing.operations import runs
from invoicing.operations.inline import work_off
from sessions.models import SessionSource
from sessions.operations.intake import record_sessions
from sessions.rules.intake import SessionInput
from tests.factories import (
    AT,
    checker,
    make_contract_in_force,
    make_member,
    make_operator,
    make_party,
    make_site,
    make_station,
    make_tariff,
    make_token,
    make_vehicle,
    make_version,
    maker,
    tariff_document,
)
from tests.invoicing.quiet import nothing_is_drawn

__all__ = ["nothing_is_drawn"]
pytestmark = pytest.mark.django_db
D = Decimal
NOW = dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC)
START = dt.datetime(2026, 10, 5, 20, tzinfo=dt.UTC)


def driver() -> Party:
    return make_party("ev_driver", legal_name="Dana Driver", tax_status="not_taxable")


def test_a_home_needs_a_driver_as_its_owner() -> None:
    site = Site(
        ref="H", name="Home", kind="home", country="DE", zone="Europe/Berlin", owner=make_party("property_owner")
    )
    with pytest.raises(ValidationError, match="EV driver"):
        site.full_clean()
    site.owner = None
    with pytest.raises(ValidationError, match="EV driver"):
        site.full_clean()
    site.owner = driver()
    site.full_clean()


def test_the_fleet_pays_the_home_tariff_and_the_driver_gets_his_kwh(client: Client) -> None:
    operator, fleet, dana = make_operator(), make_party(), driver()
    TaxRate.objects.create(country="DE", percent=19, valid_from=dt.date(2020, 1, 1))
    home = make_site(dana, name="Dana's home", kind="home")
    token = make_token(make_vehicle(fleet), kind=TokenKind.RFID, driver_name="Dana Driver")
    public, at_home = make_tariff(operator), make_tariff(operator, tariff_document("0.38", vat=None))
    contract = make_contract_in_force(operator=operator, party=fleet, tariff=public, tokens=[token])
    version = make_version(contract, dt.date(2026, 2, 1), public, approved=False)
    assign_tariff(version_id=version.pk, tariff_id=at_home.pk, site_id=home.pk, priority=1, by=maker(), at=AT)
    approve_version(version_id=version.pk, by=checker(), at=AT)
    hosting = make_contract_in_force(
        ContractKind.HOSTING,
        operator,
        dana,
        [home],
        shares=[{"kind": "per_kwh", "per_kwh_amount": D("0.3133")}],
    )
    rows = [
        SessionInput(
            provider_ref=f"HOME-{n}",
            token_ref=token.ref,
            station_ref=station.ref,
            started_at=START + n * dt.timedelta(days=1),
            ended_at=START + n * dt.timedelta(days=1, hours=1),
            energy_wh=10_000,
            periods=(),
        )
        for n, station in enumerate([make_station(home)] * 2)
    ]
    record_sessions(rows=rows, source=SessionSource.IMPORT, source_label="test", by=None, at=NOW)
    run = runs.start_run(
        operator_id=operator.pk, period=parse_month("2026-10"), issued_on=NOW.date(), issue=True, by=None, at=NOW
    )
    work_off(run_id=run.pk, clock=lambda: NOW, progress=lambda: None)

    invoice = Invoice.objects.get(contract=contract)
    assert (invoice.net_amount, invoice.gross_amount) == (D("7.60"), D("9.04"))  # 20 kWh at 0.38, 19 %
    statement = Invoice.objects.get(contract=hosting, kind=InvoiceKind.SETTLEMENT)
    assert (statement.net_amount, statement.tax_amount) == (D("6.27"), D(0))  # 20 kWh at 0.3133 = 6.266
    view = document_view(statement)
    assert (view.kind, view.title) == (Kind.STATEMENT, "Home charging reimbursement")
    assert [row.amount for section in view.annex for row in section.rows] == [D("3.13"), D("3.14")]
    assert view.annex_amount_label == "Your amount"
    assert [finding.problem for result in check_books() for finding in result.findings] == []

    client.force_login(make_member(dana))
    assert statement.number in client.get(reverse("portal:invoices")).content.decode()
    assert client.get(reverse("portal:invoice", args=[statement.number])).status_code == 200
    assert client.get(reverse("portal:invoice", args=[invoice.number])).status_code == 404
    assert client.get(reverse("portal:home")).status_code == 200
    client.force_login(make_member(fleet))
    page = client.get(reverse("portal:sessions"), {"kind": "home"}).content.decode()
    assert "2 sessions" in page
    assert "0 sessions" in client.get(reverse("portal:sessions"), {"kind": "depot"}).content.decode()
