"""Who enters which page: the company's people, nobody else (I20)."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import ContractKind, Membership, MembershipRole
from evbilling.access.models import User
from evbilling.access.roles import Role
from invoicing.models import Invoice
from tests.access.people import enrol
from tests.factories import make_contract, make_contract_in_force, make_member, make_party, make_user
from tests.invoicing.factories import make_draft
from tests.portal.world import World, bill, make_world

pytestmark = pytest.mark.django_db

COMPANY_PAGES = ("home", "company", "contracts", "vehicles", "invoices", "sessions")


@pytest.fixture
def world() -> World:
    made = make_world()
    made.charge(made.own, dt.datetime(2026, 10, 5, 9, tzinfo=dt.UTC))
    return made


def row_pages(world: World, invoice: Invoice) -> list[str]:
    """Pages that name a row of the own fleet."""
    session = world.own.contract.sessions.get()
    return [
        reverse("portal:invoice", args=[invoice.number]),
        reverse("portal:document", args=[invoice.number, "pdf"]),
        reverse("portal:invoice_pay", args=[invoice.number]),
        reverse("portal:contract", args=[world.own.contract.number]),
        reverse("portal:session", args=[session.pk]),
    ]


def status_of(client: Client, user: User | None, page: str) -> int:
    if user is not None:
        client.force_login(user)
    else:
        client.logout()
    return client.get(page, follow=page == reverse("portal:contracts")).status_code


def test_owner_and_team_mate_see_the_rows_of_their_company(world: World, client: Client) -> None:
    invoice = bill(world.own)
    mate = make_member(world.own.party)
    for page in [reverse(f"portal:{name}") for name in COMPANY_PAGES] + row_pages(world, invoice):
        assert [status_of(client, user, page) for user in (world.own.manager, mate)] == [200, 200], page


def test_a_stranger_finds_none_of_them(world: World, client: Client) -> None:
    for page in row_pages(world, bill(world.own)):
        assert status_of(client, world.other.manager, page) == 404, page


def test_somebody_whose_membership_ended_finds_nothing(world: World, client: Client) -> None:
    former = make_member(world.own.party)
    Membership.objects.filter(user=former).update(active=False)
    for page in [reverse(f"portal:{name}") for name in COMPANY_PAGES] + row_pages(world, bill(world.own)):
        assert status_of(client, former, page) == 404, page


def test_staff_without_a_company_have_no_portal_but_their_workspace(world: World, client: Client) -> None:
    clerk = make_user(Role.ADMINISTRATOR)
    enrol(clerk)
    for page in [reverse(f"portal:{name}") for name in COMPANY_PAGES[1:]] + row_pages(world, bill(world.own)):
        assert status_of(client, clerk, page) == 404, page
    assert client.get("/").headers["Location"] == reverse("admin:index")


def test_staff_with_a_company_see_no_more_than_its_rows(world: World, client: Client) -> None:
    clerk = make_user(Role.ADMINISTRATOR)
    enrol(clerk)
    Membership.objects.create(user=clerk, party=world.own.party, role=MembershipRole.MANAGER)
    own, other = bill(world.own), bill(world.other)
    client.force_login(clerk)
    assert client.get(reverse("portal:invoice", args=[own.number])).status_code == 200
    assert client.get(reverse("portal:invoice", args=[other.number])).status_code == 404
    assert client.get(reverse("portal:document", args=[other.number, "pdf"])).status_code == 404
    assert client.get(reverse("portal:contract", args=[world.other.contract.number])).status_code == 404
    assert other.number not in client.get(reverse("portal:invoices")).content.decode()


def test_nobody_signed_in_is_led_to_the_sign_in(world: World, client: Client) -> None:
    for page in [reverse(f"portal:{name}") for name in COMPANY_PAGES] + row_pages(world, bill(world.own)):
        answer = client.get(page)
        assert answer.status_code == 302, page
        assert answer.headers["Location"].startswith("/accounts/login/?next=/"), page


def test_the_lists_show_no_row_of_a_stranger(world: World, client: Client) -> None:
    own, other = bill(world.own), bill(world.other)
    client.force_login(world.own.manager)
    for name in COMPANY_PAGES:
        page = client.get(reverse(f"portal:{name}"), follow=True).content.decode()
        for word in (other.number, world.other.contract.number, world.other.vehicles[0].label, "Stranger Cars"):
            assert word not in page, (name, word)
    assert own.number in client.get(reverse("portal:invoices")).content.decode()


def test_drafts_are_the_operators_alone(world: World, client: Client) -> None:
    make_draft(world.own.contract, ("77.77",))
    draft = make_contract(ContractKind.CHARGING, world.operator, world.own.party)
    client.force_login(world.own.manager)
    assert "77.77" not in client.get(reverse("portal:invoices")).content.decode()
    assert client.get(reverse("portal:contract", args=[draft.number])).status_code == 404


def test_a_colleague_who_only_looks_on_is_offered_no_payment(world: World, client: Client) -> None:
    invoice = bill(world.own)
    viewer = make_member(world.own.party, MembershipRole.VIEWER)
    client.force_login(viewer)
    pay = reverse("portal:invoice_pay", args=[invoice.number])
    for page in (reverse("portal:home"), reverse("portal:invoice", args=[invoice.number])):
        assert pay not in client.get(page).content.decode()
    assert client.get(pay).status_code == 404


class TestSwitchingCompany:
    """A visitor of two companies acts for one at a time."""

    @pytest.fixture
    def second(self, world: World) -> str:
        party = make_party(legal_name="Alster Taxi eG")
        Membership.objects.create(user=world.own.manager, party=party, role=MembershipRole.MANAGER)
        make_contract_in_force(operator=world.operator, party=party)
        return str(party.pk)

    def test_the_pages_follow_the_choice_and_the_choice_stays(self, world: World, second: str, client: Client) -> None:
        number = bill(world.own).number
        client.force_login(world.own.manager)
        assert "Alster Taxi eG" in client.get("/").content.decode()
        assert number not in client.get(reverse("portal:invoices")).content.decode()
        answer = client.post(
            reverse("portal:switch_company"), {"company": str(world.own.party.pk), "next": "/invoices/"}
        )
        assert answer.headers["Location"] == "/invoices/"
        assert number in client.get(reverse("portal:invoices")).content.decode()

    def test_a_strangers_company_cannot_be_chosen(self, world: World, second: str, client: Client) -> None:
        client.force_login(world.own.manager)
        before = client.get(reverse("portal:company")).content
        for company in (str(world.other.party.pk), "", "x", "0"):
            assert client.post(reverse("portal:switch_company"), {"company": company}).status_code == 404
        assert client.get(reverse("portal:company")).content.count(b"Alster") == before.count(b"Alster")

    def test_the_way_back_stays_on_this_site(self, world: World, second: str, client: Client) -> None:
        client.force_login(world.own.manager)
        answer = client.post(
            reverse("portal:switch_company"), {"company": second, "next": "https://elsewhere.example/"}
        )
        assert answer.headers["Location"] == "/"
        assert client.get(reverse("portal:switch_company")).status_code == 405

    def test_a_company_that_was_left_is_passed_over(self, world: World, second: str, client: Client) -> None:
        client.force_login(world.own.manager)
        client.post(reverse("portal:switch_company"), {"company": second})
        Membership.objects.filter(party=second).update(active=False)
        assert "Alster" not in client.get("/").content.decode()
