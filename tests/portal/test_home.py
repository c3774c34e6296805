"""The home pages: what a company's month cost or brought, its own amounts alone, each figure opening its sessions."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts.models import ContractKind, PartyKind
from evbilling.kernel.clock import parse_month
from evbilling.portal import queries
from evbilling.portal.views import _month_context
from sessions.operations.holds import reject_hold
from tests.factories import make_contract_in_force, make_member, make_party, make_user
from tests.invoicing.factories import make_issued
from tests.portal.world import AT, OCTOBER, SEPTEMBER, World, bill, make_fleet, make_world, split, start_live

pytestmark = pytest.mark.django_db

MONTH = parse_month("2026-10")
MOST_QUERIES = 12


def at(day: int, hour: int = 9, month: int = 10) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, tzinfo=dt.UTC)


@pytest.fixture
def world() -> World:
    return make_world()


def month_of(world: World) -> queries.Month:
    return queries.fleet_month(world.own.party, world.own.manager, MONTH, "EUR", {"Europe/Berlin"})


class TestFleetCost:
    """10 kWh at 0.45 EUR cost 4.50; the first vehicle is sponsored at 40 %."""

    def test_before_the_split_the_sponsors_percent_is_taken_off_and_the_figure_called_estimated(
        self, world: World
    ) -> None:
        world.charge(world.own, at(5))
        total = month_of(world).total
        assert (total.cost, total.estimated, total.energy_wh) == (Decimal("2.70"), 1, 10_000)

    def test_after_the_split_it_is_the_own_charge(self, world: World) -> None:
        split(world.charge(world.own, at(5)))
        total = month_of(world).total
        assert (total.cost, total.estimated) == (Decimal("2.70"), 0)

    def test_a_vehicle_without_sponsor_costs_the_whole_price(self, world: World) -> None:
        session = world.charge(world.own, at(5), number=1)
        assert month_of(world).total.cost == Decimal("4.50")
        split(session)
        assert month_of(world).total.cost == Decimal("4.50")

    def test_months_are_those_of_the_contracts_zone(self, world: World) -> None:
        world.charge(world.own, dt.datetime(2026, 9, 30, 21, 59, tzinfo=dt.UTC), number=1)
        world.charge(world.own, dt.datetime(2026, 9, 30, 22, 0, tzinfo=dt.UTC), kwh=20, number=0)
        month = month_of(world)
        assert (month.total.energy_wh, month.before.energy_wh) == (20_000, 10_000)
        assert month.per_day == {dt.date(2026, 10, 1): 20_000}

    def test_a_stranger_adds_nothing(self, world: World) -> None:
        world.charge(world.other, at(5))
        assert month_of(world).total == queries.Total()

    def test_a_rejected_session_costs_nothing(self, world: World) -> None:
        session = world.charge(world.own, at(5), kwh=0, number=1)
        reject_hold(hold_id=session.holds.get().pk, reason="Test charge", by=make_user(), at=AT)
        assert month_of(world).total.sessions == 0

    def test_the_groups_add_up_to_the_month(self, world: World) -> None:
        for day, number in ((5, 0), (6, 1), (7, 1)):
            world.charge(world.own, at(day), kwh=7, number=number)
        month = month_of(world)
        for dimension in ("vehicle", "driver", "cost_centre"):
            groups = month.grouped(dimension)
            assert sum(group.total.cost for group in groups) == month.total.cost == Decimal("8.19")
        assert [(group.label, group.total.cost) for group in month.grouped("driver")] == [
            ("Driver 1", Decimal("6.30")),
            ("Driver 0", Decimal("1.89")),
        ]
        assert month.total.unit_price == Decimal("0.390")


def test_the_page_shows_the_month_of_the_latest_session_and_compares(world: World, client: Client) -> None:
    world.charge(world.own, at(29, month=9), number=1)
    world.charge(world.own, at(5), kwh=20, number=1)
    client.force_login(world.own.manager)
    page = client.get("/").content.decode()
    assert "October 2026" in page
    assert "€9.00" in page
    assert "20.00\N{NO-BREAK SPACE}kWh" in page
    assert "+100\N{NO-BREAK SPACE}% on September 2026, estimated, not billed yet" in page
    assert "€4.50" in client.get("/?month=2026-09").content.decode()


@pytest.mark.parametrize("nonsense", ["2026-13", "x", "0000-01", "1890-01", "9999-12", "0001-01", "2026-1"])
def test_a_month_that_cannot_be_read_falls_back(world: World, client: Client, nonsense: str) -> None:
    world.charge(world.own, at(5))
    client.force_login(world.own.manager)
    assert "October 2026" in client.get("/", {"month": nonsense, "by": "x", "currency": "XXX"}).content.decode()


@pytest.mark.parametrize("by", ["vehicle", "driver", "cost_centre"])
def test_every_figure_opens_its_sessions(world: World, client: Client, by: str) -> None:
    world.charge(world.own, at(5), number=1)
    world.charge(world.own, at(6), number=0)
    client.force_login(world.own.manager)
    page = client.get("/", {"by": by}).content.decode()
    key = {"vehicle": world.own.vehicles[1].pk, "driver": "Driver+1", "cost_centre": world.own.cost_centre.pk}[by]
    link = f"{reverse('portal:sessions')}?month=2026-10&amp;{by}={key}"
    assert link in page
    found = client.get(link.replace("&amp;", "&")).content.decode()
    assert world.own.vehicles[1].label in found
    assert f"{reverse('portal:sessions')}?day=2026-10-05" in page


def test_what_is_open_adds_up_and_the_pay_button_takes_the_oldest(world: World, client: Client) -> None:
    later = bill(world.own, "50.00", issued_on=dt.date(2026, 11, 2))
    older = make_issued(world.own.contract, ("100.00",), issued_on=dt.date(2026, 10, 1), period=SEPTEMBER)
    bill(world.other, "999.00")
    client.force_login(world.own.manager)
    page = client.get("/").content.decode()
    assert "€178.50" in page
    assert "2 open invoices, the oldest €119.00" in page
    assert page.index(reverse("portal:invoice_pay", args=[older.number])) < page.index(
        reverse("portal:invoice_pay", args=[later.number])
    )


def test_a_sponsor_sees_its_part_alone(world: World, client: Client) -> None:
    sponsored, other = world.charge(world.own, at(5)), world.charge(world.own, at(6), number=1)
    split(sponsored, other)
    month = queries.sponsored_month(
        world.sponsor.party, make_member(world.sponsor.party), MONTH, "EUR", {"Europe/Berlin"}
    )
    assert (month.total.cost, month.total.energy_wh, month.total.sessions) == (Decimal("1.80"), 10_000, 1)
    client.force_login(make_member(world.sponsor.party))
    page = client.get("/").content.decode()
    assert "€1.80" in page
    assert "€2.70" not in page
    assert "€4.50" not in page
    assert world.own.vehicles[1].label not in page
    assert "Driver" not in page


def test_a_property_owner_sees_energy_by_site_and_no_prices_of_others(world: World, client: Client) -> None:
    split(world.charge(world.own, at(5)), world.charge(world.other, at(6), kwh=30))
    hosting = make_contract_in_force(ContractKind.HOSTING, world.operator, world.owner, [world.site])
    settlement = make_issued(hosting, ("7.25",), period=OCTOBER)
    client.force_login(make_member(world.owner))
    page = client.get("/").content.decode()
    assert "40.00\N{NO-BREAK SPACE}kWh" in page
    assert world.site.name in page
    assert settlement.number in page
    assert "€7.25" in page
    for amount in ("€2.70", "€1.80", "€4.50", "€13.50"):
        assert amount not in page
    for word in (world.own.vehicles[0].label, "Driver 0", "Nordlicht", "Stranger"):
        assert word not in page


@pytest.mark.parametrize(("minute", "begun"), [(59, False), (0, True)])
def test_the_next_month_is_offered_once_it_begins_in_the_own_zone(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch, minute: int, begun: bool
) -> None:
    """Berlin's November begins at 23:00 UTC of 31 October."""
    now = at(31, 23 if begun else 22).replace(minute=minute)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    context = _month_context(month_of(world), {"Europe/Berlin"})
    assert (context["later"] is not None) is begun


def test_a_driver_sees_receipts(world: World, client: Client) -> None:
    driver = make_party(PartyKind.EV_DRIVER, is_business=False)
    receipt = make_issued(make_contract_in_force(operator=world.operator, party=driver), ("9.00",))
    client.force_login(make_member(driver))
    page = client.get("/").content.decode()
    assert "Receipts" in page
    assert receipt.number in page


def test_a_company_without_anything_has_a_page_that_says_so(client: Client) -> None:
    for kind in PartyKind.values:
        client.force_login(make_member(make_party(kind)))
        page = client.get("/")
        assert page.status_code == 200
        assert "No session in this month." in page.content.decode()


def test_the_pages_cost_few_queries_however_many_rows_there_are(world: World, client: Client) -> None:
    hosting = make_contract_in_force(ContractKind.HOSTING, world.operator, world.owner, [world.site])
    people = [world.own.manager, make_member(world.owner), make_member(world.sponsor.party)]
    names = ("home", "invoices", "vehicles", "company")

    def counts() -> list[int]:
        found = []
        for person in people:
            client.force_login(person)
            pages = [reverse(f"portal:{name}") for name in names]
            contract = {world.owner.pk: hosting, world.own.party.pk: world.own.contract}.get(
                person.memberships.get().party_id, world.sponsor
            )
            pages.append(reverse("portal:contract", args=[contract.number]))
            for page in pages:
                with CaptureQueriesContext(connection) as caught:
                    assert client.get(page).status_code == 200
                found.append(len(caught))
        return found

    split(world.charge(world.own, at(5)))
    world.charge(world.own, at(6))
    bill(world.own)
    make_issued(hosting, ("1.00",), period=OCTOBER)
    make_issued(world.sponsor, ("1.00",), period=OCTOBER)
    few = counts()
    assert max(few) <= MOST_QUERIES, few
    for day in range(7, 20):
        session = world.charge(world.own, at(day), number=day % 2)
        if day % 2:
            split(session)
    for day in range(1, 6):
        bill(world.own, "10.00", issued_on=dt.date(2026, 11, day + 2))
        make_issued(hosting, ("1.00",), issued_on=dt.date(2026, 11, day + 2), period=OCTOBER)
    make_fleet(world.operator, "Third Fleet GmbH", vehicles=3)
    assert counts() == few


def test_what_charges_now_is_the_companys_own(world: World, client: Client) -> None:
    now = dt.datetime.now(dt.UTC)
    start_live(world.own, world.stations[0], now)
    start_live(world.other, world.stations[1], now, kwh=6)
    client.force_login(world.own.manager)
    assert reverse("portal:sessions_live") in client.get("/").content.decode()
    part = client.get(reverse("portal:sessions_live")).content.decode()
    assert world.own.vehicles[0].label in part
    assert "4.00\N{NO-BREAK SPACE}kWh" in part
    assert "€1.08" in part
    assert "6.00\N{NO-BREAK SPACE}kWh" not in part
