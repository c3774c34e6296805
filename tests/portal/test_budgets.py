"""A sponsor sees how much of its budget is used; the workspace when it is nearly gone."""

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contracts.models import ContractKind
from evbilling.workspace import lists
from evbilling.workspace.queries import waiting
from tests.factories import make_contract_in_force, make_member, make_party
from tests.sessions.made import World, make_world, record, reported

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def sponsored(world: World, budget: str) -> Client:
    """10 kWh for 4.50 this month, all of it the sponsor's as long as its budget lasts."""
    contract = make_contract_in_force(
        ContractKind.SPONSORSHIP,
        world.operator,
        make_party("ev_manufacturer"),
        vehicles=[world.vehicle],
        sponsorship={
            "percent": Decimal(100),
            "kind": "budget",
            "budget_amount": Decimal(budget),
            "budget_period": "contract",
            "alert_percent": Decimal(80),
        },
    )
    start = timezone.now().replace(microsecond=0) - dt.timedelta(days=1)
    record(reported(world, started_at=start))
    visitor = Client()
    visitor.force_login(make_member(contract.party))
    return visitor


def test_a_sponsor_sees_the_use_of_its_budget(world: World) -> None:
    page = sponsored(world, "10.00").get(reverse("portal:home")).content.decode()
    assert "Budget of the contract" in page
    assert "€4.50" in page
    assert "of €10.00 used, 45" in page
    assert "Nearly used" not in page
    assert waiting.full_budgets(timezone.now()) == []


def test_a_sponsor_and_the_workspace_see_that_a_budget_is_gone(world: World) -> None:
    page = sponsored(world, "4.00").get(reverse("portal:home")).content.decode()
    assert "Used up since" in page
    found = waiting.full_budgets(timezone.now())
    assert len(found) == 1
    assert lists.contracts(found).endswith(f"?id__in={found[0]}")


def test_another_manufacturer_sees_nothing_of_it(world: World, client: Client) -> None:
    sponsored(world, "4.00")
    client.force_login(make_member(make_party("ev_manufacturer")))
    assert "Budget of the contract" not in client.get(reverse("portal:home")).content.decode()
