"""One of everything that this app's pages show."""

import datetime as dt
from typing import Any

from django.test import Client

from contracts import models
from evbilling.access.models import User
from tests import factories as make


def sign_in(client: Client, user: User, settings: Any) -> Client:
    """A signed-in client past the second factor, which tests/access proves."""
    settings.DEMO_RELAXES_SECOND_FACTOR = True
    client.force_login(user)
    return client


def one_of_everything() -> dict[str, Any]:
    """A row of each model with a page, by its model's name; contracts of three kinds under `contracts`."""
    operator, host = make.make_operator(), make.make_party("property_owner")
    site = make.make_site(owner=host)
    station = make.make_station(site)
    party = make.make_party(accountant="accounts@example.com")
    make.make_member(party)
    centre = make.make_cost_centre(party)
    vehicle = make.make_vehicle(party, cost_centre=centre)
    token = make.make_token(vehicle)
    charging = make.make_contract_in_force(
        operator=operator, party=party, sites=[site], tokens=[token], cost_centre=centre
    )
    hosting = make.make_contract_in_force("hosting", operator, host, [site])
    sponsorship = make.make_contract_in_force(
        "sponsorship", operator, make.make_party("ev_manufacturer"), vehicles=[vehicle]
    )
    draft = make.make_contract(operator=operator, party=party)
    make.make_version(draft, approved=False, terms=[("base_fee", {"amount": "49.90", "per": "vehicle"})])
    return {
        "contracts": [charging, hosting, sponsorship, draft],
        "operator": operator,
        "party": party,
        "site": site,
        "station": station,
        "costcentre": centre,
        "vehicle": vehicle,
        "stationoutage": models.StationOutage.objects.create(
            station=station,
            started_at=make.AT,
            ended_at=make.AT + dt.timedelta(hours=1),
            cause="Fuse",
            recorded_by=make.maker(),
            recorded_at=make.AT,
        ),
        "token": token,
        "tokenassignment": models.TokenAssignment.objects.latest("pk"),
        "sponsoredvehicle": models.SponsoredVehicle.objects.latest("pk"),
        "contract": charging,
        "contractversion": charging.versions.get(),
        "contractterm": models.ContractTerm.objects.latest("pk"),
        "tariff": models.Tariff.objects.first(),
        "tariffversion": models.TariffVersion.objects.first(),
        "billinggroup": models.BillingGroup.objects.create(
            operator=operator, party=party, name="Depots", currency="EUR", zone="Europe/Berlin"
        ),
        "dunningplan": make_dunning_plan(operator),
    }


def make_dunning_plan(operator: models.Operator) -> models.DunningPlan:
    """A plan of one level that no terms name."""
    plan = models.DunningPlan.objects.create(operator=operator, name="Patient", currency="EUR")
    models.DunningLevel.objects.create(plan=plan, level=1, days_overdue=30)
    return plan
