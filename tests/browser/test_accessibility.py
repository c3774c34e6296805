"""axe-core finds nothing serious on the pages that people use most, light and dark (WCAG 2.2 A and AA)."""

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from tests.browser.people import CLERK, OWN_MANAGER, sign_in
from tests.invoicing.month import Month

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
GRAVE = {"serious", "critical"}


def failures(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page as it stands: rule, element, what is wrong with it."""
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(
        "rules => axe.run({runOnly: rules, resultTypes: ['violations']}).then(result => result.violations)", RULES
    )
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


def test_a_flaw_is_noticed(page: Page) -> None:
    page.goto(reverse("account_login"))
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert [text.split(":")[0] for text in failures(page)] == ["image-alt"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_portal_has_no_grave_flaw(new_page: Any, month: Month, scheme: str) -> None:
    month.close()
    number = month.item("alpha").invoice.number
    page = new_page(color_scheme=scheme)
    page.goto(reverse("account_login"))
    found = {"login": failures(page)}
    sign_in(page, OWN_MANAGER)
    found["home"] = failures(page)
    for name in ("invoice", "invoice_pay"):
        page.goto(reverse(f"portal:{name}", args=[number]))
        found[name] = failures(page)
    page.get_by_role("button", name="Pay by card or wallet").click()
    page.get_by_role("button", name="Approve the payment").wait_for()
    found["hosted page"] = failures(page)
    assert found == dict.fromkeys(found, [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_workspace_has_no_grave_flaw(new_page: Any, month: Month, scheme: str) -> None:
    month.close()
    page = new_page(width=1440, color_scheme=scheme)
    sign_in(page, CLERK, reverse("admin:index"))
    found = {"dashboard": failures(page)}
    page.goto(f"{reverse('admin:month_close')}?period=2026-10")
    found["month close"] = failures(page)
    assert found == dict.fromkeys(found, [])
