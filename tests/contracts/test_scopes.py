"""A portal user sees the rows of the own company and nobody else's (I20)."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps

from contracts import models
from evbilling.access.scope import scope_of, visible
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def towns() -> dict[str, Any]:
    """Two fleets, each with site, host, vehicle, token and contract; one manufacturer sponsors the first's vehicle."""
    found: dict[str, Any] = {}
    for name in ("ours", "theirs"):
        host, fleet = make.make_party("property_owner"), make.make_party()
        site = make.make_site(owner=host)
        make.make_station(site)
        centre, vehicle = make.make_cost_centre(fleet), make.make_vehicle(fleet)
        token = make.make_token()
        contract = make.make_contract_in_force(party=fleet, sites=[site], tokens=[token], cost_centre=centre)
        hosting = make.make_contract_in_force("hosting", party=host, sites=[site])
        found[name] = {
            "fleet": fleet,
            "host": host,
            "site": site,
            "vehicle": vehicle,
            "token": token,
            "contract": contract,
            "hosting": hosting,
        }
    found["maker"] = make.make_party("ev_manufacturer")
    found["sponsorship"] = make.make_contract_in_force(
        "sponsorship", party=found["maker"], vehicles=[found["ours"]["vehicle"]]
    )
    make.make_contract(party=found["ours"]["fleet"])
    return found


def seen(user: Any, model: Any) -> set[Any]:
    return set(visible(model.objects.all(), user))


def test_every_model_has_a_scope() -> None:
    for model in apps.get_app_config("contracts").get_models():
        assert callable(scope_of(model)), model


def test_a_fleet_sees_its_own(towns: dict[str, Any]) -> None:
    user, ours = make.make_member(towns["ours"]["fleet"]), towns["ours"]
    assert seen(user, models.Party) == {ours["fleet"]}
    assert seen(user, models.Contract) == {ours["contract"]}, "a draft is not shown"
    assert seen(user, models.ContractVersion) == {ours["contract"].versions.get()}
    assert seen(user, models.Vehicle) == {ours["vehicle"]}
    assert seen(user, models.Token) == {ours["token"]}
    assert seen(user, models.Site) == {ours["site"]}
    assert seen(user, models.Station) == set(ours["site"].stations.all())
    assert seen(user, models.Connector) == set(ours["site"].stations.get().connectors.all())
    assert seen(user, models.TokenAssignment) == set(ours["token"].assignments.all())
    assert seen(user, models.CostCentre) == set(ours["fleet"].cost_centres.all())
    assert seen(user, models.Operator) == {ours["contract"].operator}
    tariff = ours["contract"].versions.get().tariff_assignments.get().tariff
    assert seen(user, models.Tariff) == {tariff}
    assert seen(user, models.TariffVersion) == {tariff.versions.get()}
    assert seen(user, models.SponsoredVehicle) == set(ours["vehicle"].sponsored.all())
    assert seen(user, models.RevenueShare) == seen(user, models.Sponsorship) == set()


def test_terms_that_are_not_approved_are_the_staffs_alone(towns: dict[str, Any]) -> None:
    hosting = towns["ours"]["hosting"]
    draft = make.make_version(hosting, approved=False, percent=Decimal(99), valid_from=dt.date(2030, 1, 1))
    assert models.RevenueShare.objects.filter(version=draft).exists()
    user = make.make_member(towns["ours"]["host"])
    assert {share.version_id for share in seen(user, models.RevenueShare)} == {
        version.pk for version in hosting.versions.exclude(pk=draft.pk)
    }


def test_a_host_sees_its_sites_and_share(towns: dict[str, Any]) -> None:
    user, ours = make.make_member(towns["ours"]["host"]), towns["ours"]
    assert seen(user, models.Site) == {ours["site"]}
    assert seen(user, models.Contract) == {ours["hosting"]}
    assert seen(user, models.RevenueShare) == {ours["hosting"].versions.get().revenue_shares.get()}
    assert seen(user, models.Vehicle) == seen(user, models.Token) == seen(user, models.Tariff) == set()


def test_a_manufacturer_sees_the_vehicles_it_sponsors(towns: dict[str, Any]) -> None:
    user = make.make_member(towns["maker"])
    assert seen(user, models.Vehicle) == {towns["ours"]["vehicle"]}
    assert seen(user, models.Contract) == {towns["sponsorship"]}
    assert seen(user, models.Token) == seen(user, models.Site) == set()


def test_a_user_without_a_company_and_one_who_left_see_nothing(towns: dict[str, Any]) -> None:
    left = make.make_member(towns["ours"]["fleet"])
    left.memberships.update(active=False)
    for user in (make.make_user(None), left):
        for model in apps.get_app_config("contracts").get_models():
            assert seen(user, model) == set(), model


def test_a_user_of_two_companies_sees_each_row_once(towns: dict[str, Any]) -> None:
    user = make.make_member(towns["ours"]["fleet"])
    models.Membership.objects.create(user=user, party=towns["maker"], role="viewer")
    rows = list(visible(models.Vehicle.objects.all(), user))
    assert rows == [towns["ours"]["vehicle"]]
