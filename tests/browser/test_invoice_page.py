"""The page of an issued document on a phone and on a desk: nothing sticks out, its number is read to the end."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.people import CLERK, sign_in
from tests.invoicing.month import Month

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HIDDEN = """() => [...document.querySelectorAll('#header-inner *')]
    .filter(each => each.textContent.includes('INV-2026-000001') && each.scrollWidth > each.clientWidth
        && getComputedStyle(each).overflowX !== 'visible')
    .map(each => each.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("width", [390, 1280])
def test_given_an_issued_invoice_then_its_page_fits_and_its_number_is_whole(
    new_page: Any, month: Month, width: int
) -> None:
    month.close()
    page = new_page(width=width)
    sign_in(page, CLERK)
    page.goto(reverse("admin:invoicing_invoice_change", args=[month.item("alpha").invoice.pk]))
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(HIDDEN) == []
    for tab in ("General", "Invoice lines", "Payments and credits", "Journal"):
        expect(page.locator("#tabs-items").get_by_text(tab, exact=True)).to_be_in_viewport(ratio=1)
