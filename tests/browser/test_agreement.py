"""The mailed link of an offer in a real browser: who signs needs no login, and his button works."""

import datetime as dt

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from contracts.models import Acknowledgement, Side
from tests.contracts.papers import offered

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_signatory_acknowledges_behind_the_mailed_link(page: Page, live_server) -> None:
    offer = offered()
    token = offer.link(until=dt.date(2099, 1, 1)).token()
    page.goto(reverse("agreement", kwargs={"token": token}))
    page.get_by_role("button", name="I have read it and acknowledge it").click()
    expect(page.get_by_role("status")).to_contain_text(f"{offer.contact.name} acknowledged this document")
    said = Acknowledgement.objects.get()
    assert (said.side, said.name, said.document_sha256) == (Side.PARTY, offer.contact.name, offer.document.sha256)


def test_the_language_can_be_changed_behind_the_mailed_link(page: Page, live_server) -> None:
    token = offered().link(until=dt.date(2099, 1, 1)).token()
    page.goto(reverse("agreement", kwargs={"token": token}))
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.endswith(reverse("agreement", kwargs={"token": token}))
