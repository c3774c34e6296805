"""Every page of this app's admin: it opens, for whom it opens, and with how many queries."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contracts.admin.common import CONTRACT_STATES
from contracts.models import Contract, ContractVersion, TariffVersion
from contracts.portal import STATE_TONES
from evbilling.access.roles import Role
from tests import factories as make
from tests.contracts.world import one_of_everything, sign_in

pytestmark = pytest.mark.django_db
PAGES = sorted(model._meta.model_name for model in admin.site._registry if model._meta.app_label == "contracts")
NOT_ADDED_HERE = {"contractterm", "contractversion"}


def address(name: str, page: str, *args: Any) -> str:
    return reverse(f"admin:contracts_{name}_{page}", args=args)


def test_every_page_opens_for_an_administrator(client: Client, settings: Any) -> None:
    world = one_of_everything()
    sign_in(client, make.make_user(Role.ADMINISTRATOR), settings)
    for name in PAGES:
        assert client.get(address(name, "changelist")).status_code == 200, name
        assert client.get(address(name, "changelist"), {"q": "a"}).status_code == 200, name
        added = client.get(address(name, "add")).status_code
        assert added == (403 if name in NOT_ADDED_HERE else 200), name
        for page in ("change", "history"):
            shown = client.get(address(name, page, world[name].pk))
            assert shown.status_code == 200, (name, page)
            assert "(&#x27;" not in shown.content.decode(), f"{name} {page} shows a Python value"
    for row in [*Contract.objects.all(), *ContractVersion.objects.all(), *TariffVersion.objects.all()]:
        assert client.get(address(row._meta.model_name, "change", row.pk)).status_code == 200, row


def test_a_contract_has_the_same_badge_in_the_workspace_and_in_the_portal() -> None:
    for state, tone in STATE_TONES.items():
        assert (CONTRACT_STATES[state] or "neutral") == tone, state


@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_and_changes_what_it_may(client: Client, settings: Any, role: Role) -> None:
    world = one_of_everything()
    sign_in(client, make.make_user(role), settings)
    changes = role in {Role.CONTRACT_MANAGER, Role.ADMINISTRATOR}
    for name in PAGES:
        assert client.get(address(name, "changelist")).status_code == 200, name
        added = client.get(address(name, "add")).status_code
        assert added == (200 if changes and name not in NOT_ADDED_HERE else 403), name
        if not changes:
            assert client.post(address(name, "change", world[name].pk), {}).status_code == 403, name


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.BILLING_CLERK, Role.PAYMENTS_OFFICER])
def test_steps_of_a_contract_are_closed_to_other_roles(client: Client, settings: Any, role: Role) -> None:
    contract = make.make_contract_in_force()
    sign_in(client, make.make_user(role), settings)
    for step in ("draft_terms", "offer", "withdraw", "activate", "suspend", "resume", "end", "add_token"):
        url = reverse(f"admin:contracts_contract_{step}", args=[contract.pk])
        assert client.post(url, {"_form_submitted": "True", "reason": "x"}).status_code == 403, step
    contract.refresh_from_db()
    assert contract.state == "active"


def test_the_portal_and_strangers_see_nothing_of_the_admin(client: Client, settings: Any) -> None:
    world = one_of_everything()
    for user in (None, make.make_member(world["party"])):
        if user is not None:
            sign_in(client, user, settings)
        for name in PAGES:
            assert client.get(address(name, "changelist")).status_code == 302, name
            assert client.get(address(name, "change", world[name].pk)).status_code == 302, name


def test_lists_and_pages_need_as_many_queries_for_ten_rows_as_for_one(
    client: Client, settings: Any, time_machine: Any
) -> None:
    time_machine.move_to(timezone.now(), tick=False)  # every 20 seconds a page notes that its person is active
    first = one_of_everything()
    sign_in(client, make.make_user(Role.ADMINISTRATOR), settings)

    def counts() -> dict[str, int]:
        found = {}
        urls = {name: address(name, "changelist") for name in PAGES}
        urls |= {f"{name} page": address(name, "change", first[name].pk) for name in PAGES if name != "costcentre"}
        for name, url in urls.items():
            client.get(url)
            with CaptureQueriesContext(connection) as captured:
                client.get(url)
            found[name] = len(captured)
        return found

    before = counts()
    contract, party = first["contract"], first["party"]
    for _ in range(4):
        one_of_everything()
        make.make_assignment(make.make_token(make.make_vehicle(party)), contract, cost_centre=first["costcentre"])
        make.make_version(contract, valid_from=make.FIRST_DAY.replace(month=2 + _))
        make.make_contract_in_force(operator=first["operator"], party=party)
    after = counts()
    assert {name: (before[name], after[name]) for name in before if after[name] > before[name]} == {}
    assert max(after.values()) <= 30, after
