"""The editor of prices in a real browser: by keyboard alone, without a console error, and axe finds nothing grave."""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from contracts.models import TariffVersion
from contracts.rules.tariff_reading import read_tariff
from evbilling.access.roles import Role
from evbilling.demo.people import Person
from tests import factories as make
from tests.browser.people import hire, sign_in
from tests.browser.test_accessibility import failures

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MANAGER = Person("manager@operator.example", "Mia Manager", Role.CONTRACT_MANAGER)


def rows_of(version: TariffVersion) -> list[tuple[str, Decimal]]:
    version.refresh_from_db()
    found, _problems = read_tariff(version.document, version.ocpi_version)
    assert found is not None
    return [(row.dimension, row.price) for row in found.rows]


def test_prices_are_added_moved_and_taken_out_by_keyboard(new_page: Any, settings: Any) -> None:
    settings.MFA_TOTP_TOLERANCE = 1
    version = make.make_tariff(released=False).versions.get()
    hire(MANAGER)
    page = new_page()
    sign_in(page, MANAGER, reverse("admin:contracts_tariffversion_change", args=[version.pk]))
    rows = page.locator("[data-rows] [data-row]:visible")
    before = rows.count()

    page.get_by_role("button", name="Add a price").focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(before + 1)
    page.keyboard.type("Fee")  # the focus is on the new row's first field, a list
    page.keyboard.press("Tab")
    page.keyboard.type("1.50")
    for _step in range(before):
        page.locator("[data-row][data-kind=FLAT]:visible").get_by_role("button", name="Up").press("Enter")
    expect(page.locator("[data-said]")).to_have_text("Now price 1")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/tariffversion/")
    assert rows_of(version)[0] == ("FLAT", Decimal("1.50"))
    assert len(rows_of(version)) == before + 1

    page.goto(reverse("admin:contracts_tariffversion_change", args=[version.pk]))
    rows.first.get_by_role("button", name="Take out").press("Enter")
    expect(rows).to_have_count(before)
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/tariffversion/")
    assert "FLAT" not in [dimension for dimension, _price in rows_of(version)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_editor_and_simulator_have_no_grave_flaw(new_page: Any, settings: Any, scheme: str) -> None:
    settings.MFA_TOTP_TOLERANCE = 1
    version = make.make_tariff(released=False).versions.get()
    hire(MANAGER)
    page = new_page(color_scheme=scheme)
    sign_in(page, MANAGER, reverse("admin:contracts_tariffversion_change", args=[version.pk]))
    page.locator(".price-when summary").first.click()
    found = {"editor": failures(page)}
    query = "started=2026-03-02T20:00&charging_ended=&ended=2026-03-02T23:00&kwh=30&zone=Europe/Berlin"
    page.goto(f"{reverse('admin:charging_simulator')}?tariff_version={version.pk}&{query}")
    expect(page.locator("[data-result]")).to_be_visible()
    found["simulator"] = failures(page)
    assert found == dict.fromkeys(found, [])
