"""The portal in a real browser: phone and desk, light and dark, strict policy, names for all that can be used."""

import datetime as dt

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from evbilling.access.models import User
from tests.factories import make_member
from tests.portal.world import World, bill, make_world, split, start_live

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FLAWS = """() => {
  const name = element => (element.getAttribute('aria-label') || element.textContent || element.title || '').trim()
    || (element.labels && [...element.labels].map(label => label.textContent.trim()).join(''));
  const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
  const named = [...document.querySelectorAll('[aria-labelledby]')]
    .flatMap(element => element.getAttribute('aria-labelledby').split(' '));
  const levels = [...document.querySelectorAll('h1, h2, h3')].map(element => Number(element.tagName[1]));
  return [
    ...ids.filter((id, place) => ids.indexOf(id) !== place).map(id => `id ${id} twice`),
    ...named.filter(id => !ids.includes(id)).map(id => `no label #${id}`),
    ...[...document.querySelectorAll('main a, main button, main select, main input:not([type=hidden])')]
      .filter(element => !name(element)).map(element => `nameless ${element.outerHTML.slice(0, 80)}`),
    ...[...document.querySelectorAll('[style]')].map(element => `inline style ${element.outerHTML.slice(0, 80)}`),
    ...(document.querySelectorAll('h1').length === 1 ? [] : ['not one h1']),
    ...levels.filter((level, place) => place && level > levels[place - 1] + 1).map(level => `jump to h${level}`),
    ...[...document.querySelectorAll('table')].filter(table => !table.caption).map(() => 'table without caption'),
  ];
}"""
"""What an accessible page does not have."""


@pytest.fixture
def world() -> World:
    made = make_world()
    for day in range(1, 28):
        session = made.charge(made.own, dt.datetime(2026, 10, day, 9, tzinfo=dt.UTC), kwh=5 + day, number=day % 2)
        if day % 3:
            split(session)
    start_live(made.own, made.stations[0], dt.datetime.now(dt.UTC))
    return made


def enter(page: Page, user: User, address: str) -> None:
    """Signed in by its cookie."""
    client = Client()
    client.force_login(user)
    name = django_settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": address}])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_fits_its_screen_and_has_no_flaw(
    new_page, live_server, world: World, width: int, scheme: str
) -> None:
    invoice = bill(world.own)
    names = ("home", "sessions", "vehicles", "invoices", "contracts", "company")
    own = [reverse(f"portal:{name}") for name in names]
    own += [
        reverse("portal:invoice", args=[invoice.number]),
        reverse("portal:invoice_pay", args=[invoice.number]),
        reverse("portal:session", args=[world.own.contract.sessions.filter(ended_at__isnull=False)[0].pk]),
        "/?by=driver&sort=label",
    ]
    for person, pages in (
        (world.own.manager, own),
        (make_member(world.owner), ["/"]),
        (make_member(world.sponsor.party), ["/", reverse("portal:vehicles")]),
    ):
        page = new_page(width=width, color_scheme=scheme)
        enter(page, person, live_server.url)
        for address in pages:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") == width, address
            assert page.evaluate(FLAWS) == [], address


def test_a_fleet_manager_goes_from_a_figure_to_its_sessions_and_to_the_invoice(
    page: Page, live_server, world: World
) -> None:
    invoice = bill(world.own)
    enter(page, world.own.manager, live_server.url)
    page.goto("/")
    expect(page.get_by_role("heading", name="October 2026")).to_be_visible()
    expect(page.get_by_role("heading", name="Charging now")).to_be_visible()
    expect(page.locator("#live")).to_contain_text(world.own.vehicles[0].label)
    page.get_by_role("link", name="Driver", exact=True).click()
    page.get_by_role("cell", name="Driver 1").get_by_role("link").click()
    expect(page.get_by_role("heading", name="Sessions", level=1)).to_be_visible()
    expect(page.locator("main")).to_contain_text(world.own.vehicles[1].label)
    page.goto("/")
    page.get_by_role("link", name="September 2026").click()
    expect(page.get_by_role("heading", name="September 2026")).to_be_visible()
    page.get_by_role("link", name=invoice.number, exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF", exact=True).click()
    assert download.value.suggested_filename == invoice.documents.get(kind="pdf").file_name


def test_the_columns_of_the_overview_begin_on_one_line_when_nothing_charges(new_page, live_server) -> None:
    quiet = make_world()
    quiet.charge(quiet.own, dt.datetime(2026, 10, 5, 9, tzinfo=dt.UTC), kwh=8)
    bill(quiet.own)
    page = new_page(width=1280)
    enter(page, quiet.own.manager, live_server.url)
    with page.expect_response("**/sessions/live/**"):
        page.goto("/")
    expect(page.locator("#live")).to_have_attribute("hx-trigger", "every 5s")
    tops = page.evaluate(
        "[...document.querySelectorAll('.aside-first > * > .card:not(.card ~ .card)')].map(c => c.offsetTop)"
    )
    assert len(tops) == 2
    assert tops[0] == tops[1], tops
