"""Portal pages: sign-in first, then 404 for whoever has no membership that opens them (I20)."""

from types import SimpleNamespace

import pytest
from django.db.models import Q
from django.http import Http404
from django.test import Client
from django.utils import translation

from evbilling.access import scope
from evbilling.access.models import User
from evbilling.shell import portal_frame
from evbilling.shell.portal_frame import NavigationItem, active_item, register_portal
from evbilling.shell.views import find_visible
from tests.access.people import customer
from tests.shell import sample

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.shell.sample")]


@pytest.fixture(autouse=True)
def portal(monkeypatch: pytest.MonkeyPatch, settings) -> dict[str, str]:
    """A portal in which the listed addresses have a membership of that role."""
    members = {"fleet@company.example": "manager", "boss@company.example": "admin"}
    monkeypatch.setattr(portal_frame, "_registered", {})
    register_portal(
        membership=lambda request: (
            SimpleNamespace(role=members[request.user.email]) if request.user.email in members else None
        ),
        frame=sample.frame,
    )
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [engine | {"DIRS": [*engine["DIRS"], sample.TEMPLATES]}]
    return members


def test_given_nobody_signed_in_then_the_page_leads_to_the_sign_in(client: Client) -> None:
    assert client.get("/sample/?sort=number").headers["Location"] == "/accounts/login/?next=/sample/%3Fsort%3Dnumber"
    assert client.get("/sample/", headers={"hx-request": "true"}).headers["HX-Redirect"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    ("email", "page", "status"),
    [
        ("fleet@company.example", "/sample/", 200),
        ("boss@company.example", "/sample/", 200),
        ("stranger@company.example", "/sample/", 404),
        ("fleet@company.example", "/sample/admins/", 404),
        ("boss@company.example", "/sample/admins/", 200),
        ("stranger@company.example", "/sample/admins/", 404),
    ],
)
def test_members_enter_by_role_and_strangers_learn_nothing(client: Client, email: str, page: str, status: int) -> None:
    client.force_login(customer(email))
    assert client.get(page).status_code == status


def test_the_page_shows_its_frame_and_marks_where_it_is(client: Client) -> None:
    client.force_login(customer())
    page = client.get("/sample/").content.decode()
    assert page.count('aria-current="page"') == 1
    assert '<a href="/sample/" aria-current="page">' in page
    assert "Hafen Taxi eG" in page
    assert '<html lang="en">' in page
    assert "&quot;allowEval&quot;: false" in page or '"allowEval": false' in page


def test_the_frame_of_a_page_without_membership_is_empty(client: Client) -> None:
    client.force_login(customer("stranger@company.example"))
    page = client.get("/accounts/password/change/").content.decode()
    assert "Nordlicht" not in page
    assert "<nav" not in page


def test_the_language_switch_speaks_german(client: Client) -> None:
    client.force_login(customer())
    with translation.override("en"):
        client.post("/i18n/setlang/", {"language": "de", "next": "/sample/"})
        page = client.get("/sample/").content.decode()
    assert '<html lang="de">' in page
    assert "€123,45" not in page
    assert "3.703,50" in page


def test_a_row_of_somebody_else_is_as_missing_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "_scopes", {User: lambda user: Q(pk=user.pk)})
    own, other = customer(), customer("other@company.example")
    assert find_visible(User.objects.all(), own, pk=own.pk) == own
    for lookup in (other.pk, 10**9, "no-number"):
        with pytest.raises(Http404):
            find_visible(User.objects.all(), own, pk=lookup)


@pytest.mark.parametrize(
    ("path", "url"),
    [("/", "/"), ("/invoices/", "/invoices/"), ("/invoices/7/pdf/", "/invoices/"), ("/elsewhere/", None)],
)
def test_the_active_entry_is_the_longest_that_fits(path: str, url: str | None) -> None:
    navigation = [NavigationItem("Overview", "/"), NavigationItem("Invoices", "/invoices/")]
    active = active_item(navigation, path)
    assert (active.url if active else None) == url
