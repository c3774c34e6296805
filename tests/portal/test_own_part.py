"""A visitor of two companies acts for each in its own role; a company sees its own part of a price alone."""

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Membership, MembershipRole
from evbilling.access.models import User
from evbilling.access.roles import Role
from payments.models import Payment
from payments.operations.methods import add_method
from tests.factories import make_user
from tests.portal.world import AT, World, bill, make_world

pytestmark = pytest.mark.django_db


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
    world: World, staff: bool
) -> None:
    manager = world.own.manager
    if staff:
        manager = make_user(Role.ADMINISTRATOR)
        Membership.objects.create(user=manager, party=world.own.party, role=MembershipRole.MANAGER)
    Membership.objects.create(user=manager, party=world.other.party, role=MembershipRole.VIEWER)
    theirs = bill(world.other)
    method = add_method(
        party_id=world.other.party.pk, processor="sandbox", token="tok_x_approve", brand="Test card", last4="4242",
        expires_on=None, consent=True, by=None, at=AT,
    )  # fmt: skip
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
