"""The shell in a real browser: strict policy, second factor, phone width, keyboard."""

import re
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import expect

from evbilling.access.roles import Role
from evbilling.shell import portal_frame
from evbilling.shell.portal_frame import register_portal
from tests.access.people import PASSWORD, customer, staff
from tests.access.test_gates import code_for
from tests.shell import sample

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.shell.sample")]


@pytest.fixture(autouse=True)
def _portal(monkeypatch: pytest.MonkeyPatch, settings) -> None:
    monkeypatch.setattr(portal_frame, "_registered", {})
    register_portal(membership=lambda request: SimpleNamespace(role="admin"), frame=sample.frame)
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [engine | {"DIRS": [*engine["DIRS"], sample.TEMPLATES]}]


def sign_in(page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_portal_page_fits_its_screen_and_breaks_no_policy(new_page, width: int, scheme: str) -> None:
    customer()
    page = new_page(width=width, color_scheme=scheme)
    page.goto("/accounts/login/?next=/sample/")
    sign_in(page, "fleet@company.example")
    expect(page.get_by_role("heading", name="November 2026")).to_be_visible()
    page.wait_for_load_state()  # deferred scripts run after the heading is drawn
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith("Inter")
    assert page.evaluate("document.fonts.check('15px Inter')")
    assert page.evaluate("htmx.config.allowEval") is False
    heading = page.get_by_role("columnheader", name="Invoice")
    expect(heading).to_have_attribute("aria-sort", "descending")
    page.goto("/sample/?sort=number")
    expect(page.get_by_role("cell", name="INV-2026-000001")).to_be_visible()


def test_menus_open_and_close_without_a_script_of_ours(new_page) -> None:
    customer()
    page = new_page()
    page.goto("/accounts/login/?next=/sample/")
    sign_in(page, "fleet@company.example")
    page.get_by_role("button", name="Your account").press("Enter")
    expect(page.get_by_role("button", name="Deutsch")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Deutsch")).to_be_hidden()
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_staff_enrol_an_authenticator_app_and_sign_in_with_it(new_page) -> None:
    staff(factor=False)
    page = new_page()
    page.goto("/admin/")
    sign_in(page, "clerk@operator.example")
    expect(page).to_have_url(re.compile("/accounts/2fa/$"))
    page.get_by_role("link", name="Set up").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    assert page.locator(".qr").evaluate("image => image.complete && image.naturalWidth > 0")
    page.get_by_label("Authenticator code").fill(code_for(page.locator(".secret").inner_text()))
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("list", name="Unused codes").get_by_role("listitem")).to_have_count(10)


def test_staff_enrol_a_passkey_and_sign_in_with_it_alone(new_page) -> None:
    staff(factor=False)
    page = new_page()
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
            }
        },
    )
    page.goto("/accounts/login/?next=/accounts/2fa/")
    sign_in(page, "clerk@operator.example")
    page.get_by_role("link", name="Add").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.context.clear_cookies()
    page.goto("/accounts/login/?next=/accounts/2fa/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    expect(page.get_by_role("link", name="Manage")).to_be_visible()


def test_the_filters_of_the_workspace_answer_to_the_keyboard(new_page, live_server) -> None:
    client = Client()
    client.force_login(staff(role=Role.ADMINISTRATOR))
    page = new_page()
    session = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page.goto("/admin/access/user/")
    filters = page.get_by_role("button", name="Filters")
    expect(page.get_by_role("link", name="Payments officer")).to_be_hidden()
    filters.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Payments officer")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_title_of_a_page_alone_in_the_header_stands_on_one_line(new_page, live_server, width: int) -> None:
    client = Client()
    client.force_login(staff(role=Role.ADMINISTRATOR))
    page = new_page(width=width)
    session = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page.goto("/admin/")
    title = page.locator("#header-inner h1")
    expect(title).to_have_text(re.compile(r"^\s*Dashboard\s*$"))
    assert title.evaluate("each => each.getBoundingClientRect().height") < 30
    assert title.evaluate(
        "each => [...each.querySelectorAll('*'), each].every(x => x.scrollWidth <= x.clientWidth + 1)"
    )
