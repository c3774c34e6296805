"""Dialogs of the workspace in a real browser: a hurried double click does what one click does."""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from evbilling.access.roles import Role
from evbilling.demo.people import Person
from invoicing.models import Allocation
from payments.models import Payment
from tests.browser.people import hire, sign_in
from tests.invoicing.month import Month

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OFFICER = Person("officer@operator.example", "Olga Officer", Role.PAYMENTS_OFFICER)


def test_a_double_click_books_a_transfer_once(new_page: Any, month: Month) -> None:
    month.close()
    invoice = month.item("alpha").invoice
    hire(OFFICER)
    page = new_page(width=1440)
    sign_in(page, OFFICER, reverse("admin:payments_payment_changelist"))
    page.get_by_role("link", name="Book a bank transfer").click()
    dialog = page.locator("#modal-content")
    book = dialog.get_by_role("button", name="Book")

    # What is missing is said, and the dialog can be sent again
    book.dblclick()
    expect(dialog).to_contain_text("This field is required.")
    dialog.get_by_label("Invoice number").fill(invoice.number)
    dialog.get_by_label("Amount").fill("1.00")
    dialog.get_by_label("Received on").fill("2026-11-02")
    book.dblclick()
    expect(page.get_by_text("The transfer is booked.")).to_have_count(1)

    assert Payment.objects.get().amount == Decimal("1.00")
    assert Allocation.objects.filter(invoice=invoice).count() == 1


def test_a_day_is_asked_for_by_the_browser_in_a_dialog_and_by_address(new_page: Any, month: Month) -> None:
    month.close()
    hire(OFFICER)
    page = new_page(width=1440)
    address = reverse("admin:payments_payment_changelist")
    sign_in(page, OFFICER, address)
    page.get_by_role("link", name="Book a bank transfer").click()
    expect(page.locator("#modal-content").get_by_label("Received on")).to_have_attribute("type", "date")
    # Opened by its address, the form is a page of its own; its console stays clean
    page.goto(reverse("admin:payments_payment_book_transfer"))
    expect(page.get_by_label("Received on")).to_have_attribute("type", "date")
