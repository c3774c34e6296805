"""A visitor of two companies acts for each in its own role; a company sees its own part of a price alone."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Membership, MembershipRole
from evbilling.access.models import User
from evbilling.access.roles import Role
from payments.models import Payment
from payments.operations.methods import add_method
from sessions.queries import OwnPart
from tests.factories import make_user
from tests.portal.world import AT, World, bill, make_world, split, start_live

pytestmark = pytest.mark.django_db
ENDED = dt.datetime(2026, 10, 5, 9, tzinfo=dt.UTC)
"""10 kWh at 0.45 end here: 4.50 net, of which a sponsor pays 40 % = 1.80."""


@pytest.fixture
def world() -> World:
    return make_world()


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(client: Client, name: str, *args: object) -> str:
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode().replace("\N{NO-BREAK SPACE}", " ")


def pay(client: Client, number: str, method: object) -> int:
    return client.post(reverse("portal:invoice_pay", args=[number]), {"method": method}).status_code


@pytest.mark.parametrize("staff", [False, True])
def test_given_a_manager_here_who_only_looks_on_there_when_he_pays_there_then_it_is_not_found(
    world: World, settings: Any, staff: bool
) -> None:
    settings.DEMO_RELAXES_SECOND_FACTOR = True
    manager = world.own.manager
    if staff:
        manager = make_user(Role.ADMINISTRATOR)
        Membership.objects.create(user=manager, party=world.own.party, role=MembershipRole.MANAGER)
    Membership.objects.create(user=manager, party=world.other.party, role=MembershipRole.VIEWER)
    theirs = bill(world.other)
    method = add_method(
        party_id=world.other.party.pk,
        processor="sandbox",
        token="tok_x_approve",
        brand="Test card",
        last4="4242",
        expires_on=None,
        consent=True,
        by=None,
        at=AT,
    )
    client = client_of(manager)
    assert client.get(reverse("portal:invoice_pay", args=[theirs.number])).status_code == 404
    assert pay(client, theirs.number, method.pk) == 404
    assert pay(client, theirs.number, "checkout") == 404
    assert not Payment.objects.exists()


def test_given_a_viewer_here_who_pays_there_when_he_opens_the_bill_there_then_he_may_pay_it(world: World) -> None:
    viewer = make_user(None)
    Membership.objects.create(user=viewer, party=world.own.party, role=MembershipRole.VIEWER)
    Membership.objects.create(user=viewer, party=world.other.party, role=MembershipRole.PAYER)
    theirs, own = bill(world.other), bill(world.own)
    client = client_of(viewer)
    assert client.get(reverse("portal:invoice_pay", args=[theirs.number])).status_code == 200
    assert client.get(reverse("portal:invoice_pay", args=[own.number])).status_code == 404
    assert reverse("portal:invoice_pay", args=[theirs.number]) in text_of(client, "portal:invoice", theirs.number)
    assert reverse("portal:invoice_pay", args=[own.number]) not in text_of(client, "portal:invoice", own.number)


@pytest.mark.parametrize("billed", [False, True])
def test_given_a_sponsored_session_when_the_fleet_looks_then_it_sees_its_own_part_alone(
    world: World, billed: bool
) -> None:
    session = world.charge(world.own, ENDED)
    if billed:
        split(session)
    client = client_of(world.own.manager)
    pages = [
        text_of(client, "portal:sessions"),
        text_of(client, "portal:session", session.pk),
        text_of(client, "portal:sessions_export"),
    ]
    for page in pages:
        assert "2.70" in page
        assert "4.50" not in page
        assert "1.80" not in page
    assert "0.45" in pages[1]  # why it costs what it costs is still told


def test_given_a_session_that_nobody_sponsors_when_the_fleet_looks_then_the_whole_price_is_its_own(
    world: World,
) -> None:
    session = world.charge(world.own, ENDED, number=1)
    client = client_of(world.own.manager)
    for name, args in (("portal:sessions", ()), ("portal:session", (session.pk,)), ("portal:sessions_export", ())):
        assert "4.50" in text_of(client, name, *args)


def test_given_a_sponsored_session_when_others_look_then_each_sees_its_part_or_nothing(world: World) -> None:
    session = world.charge(world.own, ENDED)
    sponsor, host = OwnPart(world.sponsor.party), OwnPart(world.owner)
    assert (sponsor.amount(session), host.amount(session)) == (None, None)
    split(session)
    assert (sponsor.amount(session), host.amount(session)) == (Decimal("1.80"), None)
    assert OwnPart(world.own.party).amount(session) == Decimal("2.70")


def test_given_a_sponsored_session_that_runs_when_the_fleet_looks_then_the_cost_so_far_is_its_own_part(
    world: World, time_machine: Any
) -> None:
    time_machine.move_to(AT, tick=False)
    running = start_live(world.own, world.stations[0], AT)  # 4 kWh at 0.45 = 1.80, of which 60 % = 1.08
    client = client_of(world.own.manager)
    for name, args in (("portal:sessions_live", ()), ("portal:session", (running.pk,))):
        page = text_of(client, name, *args)
        assert "1.08" in page
        assert "1.80" not in page
