"""The pages of documents and of the ledger: what they show, to whom, what their buttons do, with how many queries."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evbilling.access.roles import Role
from evbilling.kernel.models import AuditRecord
from invoicing.models import (
    Account,
    AccountingPeriod,
    Allocation,
    Document,
    Invoice,
    JournalEntry,
    NumberSeries,
    TaxRate,
)
from invoicing.operations.allocations import allocate
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.periods import close_period
from tests.contracts.world import sign_in
from tests.factories import make_contract_in_force, make_member, make_user
from tests.invoicing.factories import ISSUED_AT, ISSUED_ON, make_draft, make_issued
from tests.invoicing.month import AT, OCTOBER, make_month

pytestmark = pytest.mark.django_db
YES = {"_form_submitted": "True"}
LISTS = ("invoice", "journalentry", "account", "accountingperiod", "allocation", "numberseries", "taxrate", "delivery")


@pytest.fixture(autouse=True)
def _on_the_tenth_of_november() -> Iterator[None]:
    # The clock stands: every 20 seconds a page notes that its person is active, which costs queries of its own.
    with time_machine.travel(dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC), tick=False):
        yield


@pytest.fixture
def clerk(client: Client, settings: Any) -> Client:
    return sign_in(client, make_user(Role.BILLING_CLERK), settings)


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:invoicing_{name}", args=args)


def said(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))  # type: ignore[attr-defined]


def paid(invoice: Invoice) -> Allocation:
    return allocate(
        invoice_id=invoice.pk,
        source="payment:a",
        amount=Decimal("19.00"),
        allocated_on=ISSUED_ON,
        by=None,
        at=ISSUED_AT,
    )


def test_every_list_and_page_opens(clerk: Client) -> None:
    invoice = make_issued()
    paid(invoice)
    TaxRate.objects.create(country="DE", percent=19, valid_from=dt.date(2020, 1, 1))
    close_period(operator_id=invoice.operator_id, month=dt.date(2026, 10, 1), by=None, at=AT)
    for name in LISTS:
        assert clerk.get(url(f"{name}_changelist")).status_code == 200, name
        assert clerk.get(url(f"{name}_changelist"), {"q": "a"}).status_code == 200, name
    for model in (Invoice, JournalEntry, Account, AccountingPeriod, Allocation, NumberSeries, TaxRate):
        row = model.objects.all()[0]
        for page in ("change", "history"):
            shown = clerk.get(url(f"{model._meta.model_name}_{page}", row.pk))
            assert shown.status_code == 200, (model, page)


def test_given_an_issued_invoice_when_opened_then_lines_tax_allocations_and_journal_are_there(clerk: Client) -> None:
    invoice = make_issued(nets=("60.00", "40.00"))
    paid(invoice)
    text = clerk.get(url("invoice_change", invoice.pk)).content.decode()
    for shown in ("INV-2026-000001", "Charging at place 2", "€119.00", "€100.00", "payment:a", "1200 ", "Partly paid"):
        assert shown in text, shown
    assert 'name="_save"' not in text


def test_given_a_drafted_month_when_opened_then_its_sessions_are_listed(clerk: Client) -> None:
    month = make_month()
    draft = draft_invoice(contract_id=month.contracts["beta"].pk, period=OCTOBER, at=AT)
    assert draft is not None
    text = clerk.get(url("invoice_change", draft.pk)).content.decode()
    for number in range(4):
        assert f"beta-{number}" in text
    assert "€4.50" in text


@pytest.mark.parametrize("payment", ["", "unpaid", "draft", "open", "partly_paid", "paid", "overdue", "credited"])
def test_given_documents_when_filtered_by_payment_then_only_those_are_listed(payment: str, clerk: Client) -> None:
    contract = make_contract_in_force()
    old = make_issued(contract, issued_on=dt.date(2026, 10, 1), period=(dt.date(2026, 9, 1), dt.date(2026, 10, 1)))
    new, part, draft = make_issued(contract), make_issued(contract), make_draft(contract)
    paid(part)
    listed = {row.pk for row in clerk.get(url("invoice_changelist"), {"payment": payment}).context["cl"].result_list}
    expected = {
        "": {old.pk, new.pk, part.pk, draft.pk},
        "unpaid": {old.pk, new.pk, part.pk},
        "draft": {draft.pk},
        "overdue": {old.pk},
        "open": {new.pk},
        "partly_paid": {part.pk},
    }
    assert listed == expected.get(payment, set())


def test_the_list_takes_the_same_number_of_queries_for_more_documents(clerk: Client) -> None:
    contract = make_contract_in_force()
    counts = []
    for more in (2, 10):
        for _number in range(more):
            make_issued(contract)
        clerk.get(url("invoice_changelist"))
        with CaptureQueriesContext(connection) as queries:
            assert clerk.get(url("invoice_changelist")).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_given_a_draft_when_issued_by_its_button_then_it_has_its_number(clerk: Client) -> None:
    draft = make_draft()
    response = clerk.post(url("invoice_issue", draft.pk), YES | {"issued_on": "2026-11-02"})
    assert "INV-2026-000001 is issued." in said(response)
    draft.refresh_from_db()
    assert (draft.number, draft.issued_on) == ("INV-2026-000001", dt.date(2026, 11, 2))


def test_given_a_date_that_cannot_be_when_issued_then_the_sentence_says_why_and_it_stays_a_draft(clerk: Client) -> None:
    draft = make_draft()
    response = clerk.post(url("invoice_issue", draft.pk), YES | {"issued_on": "2026-09-02"})
    assert "cannot be dated before the period" in said(response)
    draft.refresh_from_db()
    assert draft.number is None


def test_given_a_draft_when_discarded_by_its_button_then_it_is_gone(clerk: Client) -> None:
    draft = make_draft()
    response = clerk.post(url("invoice_discard", draft.pk), YES)
    assert response.headers["HX-Redirect"] == url("invoice_changelist")
    assert not Invoice.objects.exists()


def test_given_an_invoice_when_credited_by_its_button_then_the_note_stands_with_the_reason(clerk: Client) -> None:
    invoice = make_issued()
    response = clerk.post(url("invoice_credit", invoice.pk), YES | {"reason": "Wrong contract"})
    note = Invoice.objects.get(kind="credit_note")
    assert response.headers["HX-Redirect"] == url("invoice_change", note.pk)
    assert (note.corrects, note.reason) == (invoice, "Wrong contract")
    assert AuditRecord.objects.get(action="invoicing.invoice.credit").reason == "Wrong contract"


def test_given_no_reason_when_credited_by_its_button_then_nothing_happens(clerk: Client) -> None:
    invoice = make_issued()
    clerk.post(url("invoice_credit", invoice.pk), YES | {"reason": ""})
    assert not Invoice.objects.filter(kind="credit_note").exists()


def test_given_an_allocation_when_undone_by_its_button_then_a_row_of_its_own_does_so(clerk: Client) -> None:
    made = paid(make_issued())
    clerk.post(url("allocation_undo", made.pk), YES | {"reason": "Wrong invoice"})
    assert Allocation.objects.get(reverses=made).amount == Decimal("-19.00")


def test_given_a_month_that_is_over_when_closed_by_its_button_then_it_is_closed(clerk: Client) -> None:
    invoice = make_issued()
    clerk.post(url("accountingperiod_close_month"), YES | {"operator": str(invoice.operator_id), "month": "2020-01-15"})
    assert AccountingPeriod.objects.get().month == dt.date(2020, 1, 1)


def test_buttons_follow_the_state_of_the_document(clerk: Client) -> None:
    draft, issued = make_draft(), make_issued()
    on_draft = clerk.get(url("invoice_change", draft.pk)).content.decode()
    on_issued = clerk.get(url("invoice_change", issued.pk)).content.decode()
    assert ("Discard draft" in on_draft, "Send again" in on_draft) == (True, False)
    assert ("Discard draft" in on_issued, "Send again" in on_issued) == (False, True)


def test_given_an_archived_pdf_when_opened_then_its_bytes_come_back(clerk: Client) -> None:
    invoice = make_issued()
    assert "being drawn" in said(clerk.get(url("invoice_open_pdf", invoice.pk)))
    document = Document.objects.create(
        invoice=invoice,
        kind="pdf",
        file_name="INV.pdf",
        content_type="application/pdf",
        content=b"%PDF-1.7",
        size=8,
        sha256="0" * 64,
        rendered_at=AT,
    )
    for address in (url("invoice_open_pdf", invoice.pk), url("document_download", document.pk)):
        response = clerk.get(address)
        assert (response.content, response.headers["Content-Type"]) == (b"%PDF-1.7", "application/pdf")
    assert clerk.get(url("document_download", 10**6)).status_code == 404


def test_given_a_draft_when_previewed_then_a_pdf_comes_and_nothing_is_kept(clerk: Client) -> None:
    month = make_month()
    draft = draft_invoice(contract_id=month.contracts["beta"].pk, period=OCTOBER, at=AT)
    assert draft is not None
    response = clerk.get(url("invoice_preview", draft.pk))
    assert response.content.startswith(b"%PDF-")
    assert not Document.objects.exists()


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.CONTRACT_MANAGER, Role.PAYMENTS_OFFICER])
def test_given_a_role_that_only_reads_when_it_presses_a_button_then_it_is_refused(
    role: Role, client: Client, settings: Any
) -> None:
    draft, issued = make_draft(), make_issued()
    sign_in(client, make_user(role), settings)
    assert client.get(url("invoice_change", issued.pk)).status_code == 200
    for name, invoice in (("issue", draft), ("discard", draft), ("credit", issued), ("send_again", issued)):
        posted = client.post(url(f"invoice_{name}", invoice.pk), YES | {"reason": "x", "issued_on": "2026-11-02"})
        assert posted.status_code == 403, name
    assert Invoice.objects.count() == 2


def test_given_a_portal_user_when_the_workspace_is_asked_for_then_no_document_is_shown(
    client: Client, settings: Any
) -> None:
    invoice = make_issued()
    sign_in(client, make_member(invoice.party), settings)
    for address in (url("invoice_changelist"), url("invoice_change", invoice.pk)):
        response = client.get(address)
        assert response.status_code != 200
        assert b"INV-2026-000001" not in response.content
