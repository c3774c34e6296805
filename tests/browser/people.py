"""Who sits before the browser: people with passwords and, for staff, an authenticator app; how they sign in."""

import datetime as dt

from allauth.mfa.totp.internal.auth import TOTP
from playwright.sync_api import Page, expect

from contracts.models import Party
from evbilling.access.roles import Role
from evbilling.demo.people import Person, code_of
from tests.access.people import PASSWORD, staff
from tests.factories import make_member

CLERK = Person("clerk@operator.example", "Clara Clerk", Role.BILLING_CLERK)
OWN_MANAGER = Person("manager@alpha.example", "Alma Alpha")
OTHER_MANAGER = Person("manager@beta.example", "Bert Beta")


def hire(person: Person) -> None:
    """Make a member of the staff with an authenticator app."""
    assert person.role is not None
    TOTP.activate(staff(person.email, person.role, factor=False), person.secret)


def let_in(person: Person, party: Party) -> None:
    """Let a customer's person into the portal of its company."""
    make_member(party, email=person.email, full_name=person.name, password=PASSWORD)


def sign_in(page: Page, person: Person, path: str = "/accounts/login/") -> None:
    """Go to a page that asks who is there; give address and password, and the app's code if one is asked for."""
    page.goto(path)
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    if person.role is not None:
        expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
        page.get_by_label("Code").fill(code_of(person, dt.datetime.now(dt.UTC)))
        page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda address: "/accounts/" not in address)
