"""Terms in the portal: tariffs in plain words, coming and earlier versions, vehicles and cards, the own company."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contracts.models import Contact, ContactRole, ContractKind, SponsoredVehicle
from tests.factories import make_contract_in_force, make_member, make_tariff, make_version, tariff_document
from tests.portal.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def visitor(world: World, client: Client) -> Client:
    client.force_login(world.own.manager)
    return client


def contract_page(client: Client, number: str) -> str:
    return client.get(reverse("portal:contract", args=[number])).content.decode()


def test_a_single_contract_opens_at_once_and_speaks_plainly(world: World, visitor: Client) -> None:
    answer = visitor.get(reverse("portal:contracts"))
    assert answer.headers["Location"] == reverse("portal:contract", args=[world.own.contract.number])
    page = contract_page(visitor, world.own.contract.number)
    assert "€0.45 per kWh plus 19\N{NO-BREAK SPACE}% tax" in page
    assert "14 days" in page
    assert "The operator keeps the chargers in order; the customer pays on time." in page
    assert "Coming change" not in page


def test_prices_stand_in_the_order_that_a_display_has_to_keep(world: World, visitor: Client) -> None:
    page = contract_page(visitor, world.own.contract.number)
    assert page.index("Price per kWh") < page.index("€0.45 per kWh")
    document = tariff_document("0.45")
    document["elements"].append({"price_components": [{"type": "FLAT", "price": "1", "step_size": 1}]})
    document["elements"].insert(0, {"price_components": [{"type": "PARKING_TIME", "price": "6", "step_size": 60}]})
    make_version(world.own.contract, dt.date(2026, 3, 1), make_tariff(world.operator, document))
    page = contract_page(visitor, world.own.contract.number)
    assert "€0.10 per minute without charging" in page
    assert page.index("Price per kWh") < page.index("Price per minute") < page.index("Price per session")


def test_a_change_to_come_is_announced_with_its_prices(world: World, visitor: Client) -> None:
    soon = timezone.now().date() + dt.timedelta(days=30)
    make_version(world.own.contract, soon, make_tariff(world.operator, tariff_document("0.52")), payment_terms_days=30)
    page = contract_page(visitor, world.own.contract.number)
    assert page.index("€0.45 per kWh") < page.index("Coming change") < page.index("€0.52 per kWh")


def test_earlier_terms_stay_readable(world: World, visitor: Client) -> None:
    make_version(world.own.contract, dt.date(2026, 3, 1), make_tariff(world.operator, tariff_document("0.39")))
    page = contract_page(visitor, world.own.contract.number)
    assert page.index("€0.39 per kWh") < page.index("Earlier terms") < page.index("€0.45 per kWh")


def test_a_draft_of_new_terms_is_not_shown(world: World, visitor: Client) -> None:
    draft = make_tariff(world.operator, tariff_document("0.99"))
    make_version(world.own.contract, dt.date(2026, 2, 1), draft, approved=False)
    assert "€0.99" not in contract_page(visitor, world.own.contract.number)


def test_several_contracts_are_listed(world: World, visitor: Client) -> None:
    second = make_contract_in_force(operator=world.operator, party=world.own.party)
    page = visitor.get(reverse("portal:contracts")).content.decode()
    assert second.number in page
    assert world.own.contract.number in page
    assert world.other.contract.number not in page


def test_hosts_and_sponsors_read_their_percent(world: World, client: Client) -> None:
    hosting = make_contract_in_force(ContractKind.HOSTING, world.operator, world.owner, [world.site])
    client.force_login(make_member(world.owner))
    assert "50\N{NO-BREAK SPACE}% of the net charging revenue at each site." in contract_page(client, hosting.number)
    client.force_login(make_member(world.sponsor.party))
    assert "The sponsor pays 40\N{NO-BREAK SPACE}% of the net price" in contract_page(client, world.sponsor.number)


def test_vehicles_and_cards_are_the_companys_own(world: World, visitor: Client) -> None:
    page = visitor.get(reverse("portal:vehicles")).content.decode()
    for vehicle, token in zip(world.own.vehicles, world.own.tokens, strict=True):
        assert vehicle.label in page
        assert token.ref in page
        assert f"{reverse('portal:sessions')}?vehicle={vehicle.pk}" in page
    assert world.other.tokens[0].ref not in page
    assert "Sponsored vehicles" not in page


def test_a_sponsor_sees_the_sponsored_vehicles_without_cards_and_drivers(world: World, client: Client) -> None:
    client.force_login(make_member(world.sponsor.party))
    page = client.get(reverse("portal:vehicles")).content.decode()
    assert world.own.vehicles[0].label in page
    assert world.own.vehicles[1].label not in page
    assert world.own.tokens[0].ref not in page
    assert "Driver 0" not in page
    assert SponsoredVehicle.objects.count() == 1


def test_the_company_page_names_recipients_and_colleagues(world: World, visitor: Client) -> None:
    Contact.objects.create(
        party=world.own.party, name="Sven Sign", email="sven@company.example", role=ContactRole.SIGNATORY
    )
    mate = make_member(world.own.party, full_name="Mia Mate")
    page = visitor.get(reverse("portal:company")).content.decode()
    for text in ("books@company.example", "sven@company.example", mate.email, "Hauptstr. 2", world.own.party.number):
        assert text in page
    assert world.operator.billing_email in page
    assert world.other.manager.email not in page
