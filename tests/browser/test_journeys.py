"""What people come to do, from their password to the end, in a real browser: issue, correct, pay, and be kept out."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from invoicing.models import BillingRun, Invoice, InvoiceKind
from invoicing.queries.documents import PaymentState as InvoicePaymentState
from invoicing.queries.documents import payment_state
from invoicing.queries.month_checks import Concern
from invoicing.tasks import bill_items
from payments.models import Payment, PaymentState
from payments.operations.payments import start_checkout
from payments.processors.sandbox import SandboxProcessor
from sessions.models import ChargingSession, Hold, HoldState
from tests.access.people import PASSWORD, staff
from tests.browser.people import CLERK, OTHER_MANAGER, OWN_MANAGER, sign_in
from tests.invoicing.documents.reading import text_of
from tests.invoicing.month import ISSUED_ON, Month, record

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DECEMBER = dt.datetime(2026, 12, 3, 9, 0, tzinfo=dt.UTC)
DESK, PHONE = 1440, 390
"""Widths of screens; the workspace shows its sidebar beside the page when there are more than 1280 pixels."""


def opened(page: Page, title: str) -> None:
    """The page with this heading is there."""
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()


def go_by_sidebar(page: Page, title: str) -> None:
    page.locator("#nav-sidebar").get_by_role("link", name=title).click()


def stays_within(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == width, page.url


# --- The clerk --------------------------------------------------------------------------------------------------------


@pytest.mark.postgres  # the worker and the web server write at the same time, each on its own connection
def test_a_clerk_closes_a_month_and_opens_an_invoice(
    new_page: Any, month: Month, set_clock: Callable[[dt.datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a day in December and a worker that has something else to do first
    set_clock(DECEMBER)
    waiting: list[tuple[int, list[int]]] = []
    monkeypatch.setattr(bill_items, "apply_async", lambda args, queue: waiting.append(args))

    # When the clerk signs in and goes to the month close of October
    page = new_page(width=DESK)
    sign_in(page, CLERK, reverse("admin:index"))
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    go_by_sidebar(page, "Month close")
    expect(page.get_by_label("Month")).to_have_value("2026-11")
    page.get_by_label("Month").fill("2026-10")
    page.get_by_role("button", name="Show").click()

    # Then the checks are fine and the dry run says what would be billed
    expect(page.get_by_label("Month")).to_have_value("2026-10")
    close = page.locator("#month-close")
    expect(close.get_by_text("fine", exact=True)).to_have_count(len(Concern))
    for title, value in (
        ("Charging contracts", "3"),
        ("Sessions ready to bill", "8"),
        ("Energy", re.compile(r"^80\.0+\skWh$")),
    ):
        expect(close.locator("dl > div").filter(has_text=title).locator("dd")).to_have_text(value)
    expect(close).to_contain_text("Some sessions wait for their contract to be billed.")

    # When the clerk says go, the page follows the work to its end
    page.get_by_role("button", name="Bill and issue").click()
    progress = page.locator("#month-close-progress")
    expect(progress).to_contain_text("0 of 5 contracts")
    bill_items(*waiting.pop(0))
    expect(progress).to_contain_text("3 of 5 contracts")
    while waiting:
        bill_items(*waiting.pop(0))
    expect(progress).to_have_attribute("data-settled", "yes")
    expect(progress).to_contain_text("5 of 5 contracts")

    # Then every session of the month is in a list, and the invoice opens with its PDF
    expect(close).to_contain_text("Every session is billed, held, excluded with its reason, or late.")
    assert BillingRun.objects.get().created_by.email == CLERK.email
    invoice = month.item("alpha").invoice
    assert invoice.issued_on == DECEMBER.date()
    go_by_sidebar(page, "Invoices")
    page.get_by_role("link", name=invoice.number, exact=True).click()
    with page.expect_response(re.compile("/pdf/?$")) as response:
        page.get_by_role("link", name="Open PDF").click()
    assert (response.value.status, response.value.headers["content-type"]) == (200, "application/pdf")
    assert invoice.number in text_of(page.request.get(response.value.url).body())


def test_a_clerk_releases_a_held_session_with_a_reason(new_page: Any, month: Month) -> None:
    record([month.charge("alpha", 10, kwh=0)])
    page = new_page(width=DESK)
    sign_in(page, CLERK, reverse("admin:index"))
    go_by_sidebar(page, "Held sessions")
    row = page.get_by_role("row", name="alpha-10")
    row.get_by_text("more_horiz").click()
    page.get_by_role("navigation").get_by_role("link", name="Release").click()
    dialog = page.locator("#modal-content")
    expect(dialog.get_by_role("heading", name="Release this session")).to_be_visible()

    # Without a reason the dialog stays
    dialog.get_by_role("button", name="Release").click()
    expect(dialog).to_contain_text("This field is required.")
    assert Hold.objects.get().state == HoldState.OPEN

    dialog.get_by_label("Reason").fill("the meter was replaced that day")
    dialog.get_by_role("button", name="Release").click()
    expect(page.get_by_text("Released: ")).to_be_visible()
    hold = Hold.objects.get()
    assert (hold.state, hold.resolution, hold.resolved_by.email) == (
        HoldState.RELEASED,
        "the meter was replaced that day",
        CLERK.email,
    )


def test_a_clerk_credits_an_invoice_with_a_reason(new_page: Any, month: Month) -> None:
    month.close()
    invoice = month.item("beta").invoice
    page = new_page(width=DESK)
    sign_in(page, CLERK, reverse("admin:invoicing_invoice_changelist"))
    page.get_by_role("link", name=invoice.number, exact=True).click()
    page.get_by_role("link", name="Credit", exact=False).filter(has_text="undo").click()
    dialog = page.locator("#modal-content")
    expect(dialog.get_by_role("heading", name="Credit this document in full")).to_be_visible()
    dialog.get_by_label("Reason").fill("billed to the wrong contract")
    dialog.get_by_role("button", name="Credit").click()
    expect(page.get_by_text(re.compile("done, or waiting among the corrections"))).to_be_visible()
    note = Invoice.objects.get(kind=InvoiceKind.CREDIT_NOTE)
    assert (note.corrects, note.reason, note.gross_amount) == (
        invoice,
        "billed to the wrong contract",
        invoice.gross_amount,
    )
    page.get_by_role("link", name=invoice.number).first.click()
    expect(page.get_by_text("Credited", exact=True).first).to_be_visible()


def test_staff_without_a_second_factor_reach_only_its_enrolment(page: Page) -> None:
    staff(CLERK.email, factor=False)
    page.goto(reverse("admin:index"))
    page.get_by_label("Email").fill(CLERK.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    enrolment = re.compile(reverse("mfa_index") + "$")
    expect(page).to_have_url(enrolment)
    expect(page.get_by_role("link", name="Set up")).to_be_visible()
    for address in ("admin:index", "admin:month_close", "admin:invoicing_invoice_changelist", "portal:home"):
        page.goto(reverse(address))
        expect(page).to_have_url(enrolment)


# --- The fleet manager ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_fleet_manager_pays_an_invoice_on_the_hosted_page(new_page: Any, month: Month, width: int) -> None:
    # Given the invoice of October in the fleet's portal
    month.close()
    invoice = month.item("alpha").invoice
    page = new_page(width=width)
    sign_in(page, OWN_MANAGER)
    expect(page.get_by_role("heading", name="October 2026")).to_be_visible()
    stays_within(page, width)

    # When its manager opens it from the home page and takes the PDF home
    page.get_by_role("link", name=invoice.number, exact=True).click()
    opened(page, f"Invoice {invoice.number}")
    stays_within(page, width)
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF", exact=True).click()
    assert invoice.number in text_of(download.value.path().read_bytes())

    # And pays it on the processor's page
    page.get_by_role("link", name="Pay now").click()
    opened(page, f"Pay invoice {invoice.number}")
    stays_within(page, width)
    page.get_by_role("button", name="Pay by card or wallet").click()
    opened(page, "Test payment")
    stays_within(page, width)
    page.get_by_role("button", name="Approve the payment").click()

    # Then the payment has arrived and the invoice is paid
    expect(page.get_by_text("The payment has arrived and settles the invoice.")).to_be_visible()
    stays_within(page, width)
    payment = Payment.objects.get()
    assert (payment.state, payment.amount) == (PaymentState.CAPTURED, invoice.gross_amount)
    page.get_by_role("link", name=invoice.number).click()
    opened(page, f"Invoice {invoice.number}")
    expect(page.locator(".badge", has_text=re.compile("^Paid$", re.IGNORECASE))).to_be_visible()
    expect(page.get_by_role("link", name="Pay now")).to_have_count(0)
    assert payment_state(Invoice.objects.get(pk=invoice.pk), on=ISSUED_ON) == InvoicePaymentState.PAID


def test_another_fleets_manager_finds_nothing_of_it(new_page: Any, month: Month, tolerated_console: list[str]) -> None:
    # Given an invoice, a payment and a session of alpha
    month.close()
    invoice = month.item("alpha").invoice
    payment, _page = start_checkout(
        invoice_id=invoice.pk,
        processor=SandboxProcessor.code,
        return_address=lambda public_id: reverse("portal:payment_return", args=[public_id]),
        by=None,
        at=timezone.now(),
    )
    addresses = [
        reverse("portal:invoice", args=[invoice.number]),
        reverse("portal:document", args=[invoice.number, "pdf"]),
        reverse("portal:invoice_pay", args=[invoice.number]),
        reverse("portal:payment", args=[payment.public_id]),
        reverse("portal:session", args=[ChargingSession.objects.filter(token=month.tokens["alpha"])[0].pk]),
    ]
    # Then its own manager opens all of them
    own = new_page()
    sign_in(own, OWN_MANAGER)
    assert [own.request.get(address).status for address in addresses] == [200] * len(addresses)

    # And another fleet's manager none
    stranger = new_page()
    tolerated_console.append("status of 404")
    sign_in(stranger, OTHER_MANAGER)
    expect(stranger.get_by_role("heading", name="October 2026")).to_be_visible()
    expect(stranger.get_by_role("link", name=month.item("beta").invoice.number, exact=True)).to_be_visible()
    expect(stranger.get_by_text(invoice.number)).to_have_count(0)
    for address in addresses:
        answer = stranger.goto(address)
        assert answer is not None
        assert answer.status == 404, address
        expect(stranger.get_by_text(invoice.number)).to_have_count(0)
