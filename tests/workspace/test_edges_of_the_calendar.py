"""Days at the ends of the calendar, typed or in an address: a page or a refusal, never an error; nothing changes."""

import datetime as dt
import io
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.commands import USAGE
from evbilling.workspace.accounting.pages import CHOICES
from invoicing.models import AccountingPeriod, BillingRun, DunningStop, Invoice, PaymentPromise
from tests.invoicing.dunning.world import make_debtor, make_overdue, make_plan
from tests.payments.world import make_issued_invoice
from tests.workspace.world import signed_in

pytestmark = pytest.mark.django_db
ENDS = ["0001-01-01", "9999-11-30", "9999-12-31"]
YES = {"_form_submitted": "True"}


def kept() -> tuple[int, ...]:
    tables = (AccountingPeriod, AuditRecord, BillingRun, DunningStop, Invoice, PaymentPromise)
    return tuple(table.objects.count() for table in tables)


@pytest.mark.parametrize("day", ENDS)
def test_given_a_day_at_the_end_of_the_calendar_when_a_page_is_asked_for_then_it_answers(
    client: Client, settings: Any, day: str
) -> None:
    # Given a document, and a person who may see all pages
    invoice = make_issued_invoice()
    signed_in(client, settings)
    month, before = day[:7], kept()
    account = {"operator": invoice.operator_id, "currency": "EUR", "first": day, "last": day}
    pages: list[tuple[str, dict[str, Any]]] = [
        (reverse("admin:index"), {"month": month}),
        (reverse("admin:month_close"), {"period": month}),
        (reverse("admin:party_account", args=[invoice.party_id]), account),
        (reverse("admin:party_account", args=[invoice.party_id]), account | {"file": "csv"}),
        (reverse("admin:invoicing_month_preview"), {"month": month, "version": invoice.contract_version_id}),
        (reverse("admin:charging_what_if"), {"period": month}),
        (reverse("admin:charging_chargingsession_changelist"), {"ended_at_from": day, "ended_at_to": day}),
        (reverse("admin:invoicing_invoice_changelist"), {"due_on_from": day, "due_on_to": day}),
        (reverse("admin:payments_payment_changelist"), {"received_on_from": day, "received_on_to": day}),
        (reverse("admin:accounting_months"), {"month": month}),
        (reverse("admin:accounting_exports"), {"from": month, "to": month}),
    ]
    pages += [(reverse("admin:accounting_report", args=[name]), {"from": month, "to": month}) for name in CHOICES]
    # When each is opened
    answers = {address: client.get(address, query, follow=True).status_code for address, query in pages}
    # Then none fails, and nothing is written
    assert {address: code for address, code in answers.items() if code != 200} == {}
    assert kept() == before


@pytest.mark.parametrize("day", ENDS)
def test_given_a_day_at_the_end_of_the_calendar_when_a_form_is_sent_then_it_is_refused(
    client: Client, settings: Any, day: str
) -> None:
    invoice = make_issued_invoice()
    signed_in(client, settings)
    before, own = kept(), [invoice.pk]
    operator = {"operator": invoice.operator_id}
    forms: list[tuple[str, dict[str, Any]]] = [
        (reverse("admin:invoicing_accountingperiod_close_month"), YES | operator | {"month": day}),
        (reverse("admin:accounting_close"), operator | {"month": day[:7]}),
        (reverse("admin:month_close_start"), operator | {"period": day[:7], "issued_on": day}),
        (reverse("admin:month_close_start"), operator | {"period": "2026-02", "issued_on": day}),
        (
            reverse("admin:invoicing_overduedocument_promise", args=own),
            YES | {"amount": "10.00", "promised_on": day, "note": ""},
        ),
        (
            reverse("admin:invoicing_overduedocument_stop", args=own),
            YES | {"what": "document", "until": day, "reason": "Under way"},
        ),
        (
            reverse("admin:invoicing_invoice_credit_page", args=own),
            {"mode": "whole", "reason": "Wrong", "issued_on": day, "do": "1"},
        ),
    ]
    for address, given in forms:
        answer = client.post(address, given, follow=True)
        assert answer.status_code == 200, address
        assert kept() == before, address


@pytest.mark.parametrize(
    "words",
    [
        ["bill", "--period", "9999-12"],
        ["bill", "--period", "2026-02", "--issued-on", "9999-12-31"],
        ["export_books", "journal", "--month", "9999-12", "--out", "nowhere"],
        ["dun", "--on", "9999-12-31"],
    ],
)
def test_given_the_last_day_of_all_when_a_command_is_run_then_it_refuses(words: list[str]) -> None:
    make_issued_invoice()
    before = kept()
    with pytest.raises(SystemExit) as refused:
        call_command(*words, stdout=io.StringIO(), stderr=io.StringIO())
    assert refused.value.code == USAGE
    assert kept() == before


def test_given_the_last_day_of_all_when_dunning_is_tried_dry_then_it_says_what_would_be_done() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    overdue = make_overdue(contract)
    before, said = kept(), io.StringIO()
    call_command("dun", "--on", str(dt.date.max), "--dry-run", stdout=said)
    assert f"{overdue.number}:1" in said.getvalue()
    assert kept() == before
