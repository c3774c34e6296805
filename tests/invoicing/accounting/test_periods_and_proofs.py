"""Months closed, opened again by two persons and closed anew; charts; proofs of the books that are kept."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contracts.models import Chart
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel import outbox
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.books import check_books
from evbilling.kernel.errors import BadInput, BillingError, MakerIsChecker, NotAllowed, WrongState
from evbilling.kernel.protection import lift_protections
from evbilling.kernel.strict_json import loads
from invoicing.models import (
    Account,
    AccountingPeriod,
    AccountRole,
    AccountRule,
    BillingRun,
    BooksCheck,
    JournalLine,
    RunState,
)
from invoicing.operations.book_checks import NIGHT, RUN, check_after_run, record_books_check
from invoicing.operations.charts import chart_of, chart_rows, take_chart
from invoicing.operations.inline import work_off
from invoicing.operations.ledger import PeriodClosed
from invoicing.operations.periods import ask_reopening, close_period, decline_reopening, reopen_period
from invoicing.operations.runs import next_items, process_items
from invoicing.tasks import bill_items, sweep_billing_runs
from tests.factories import make_contract_in_force, make_operator, make_user
from tests.invoicing.factories import make_issued
from tests.invoicing.month import Month, make_month
from tests.invoicing.quiet import nothing_is_drawn  # noqa: F401 - documents are not drawn here
from tests.workspace.world import closed_month, signed_in

pytestmark = pytest.mark.django_db
MONTH = dt.date(2026, 10, 1)
AT = dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def clerk() -> User:
    return make_user(Role.BILLING_CLERK)


def closed(at: dt.datetime = AT) -> AccountingPeriod:
    return close_period(operator_id=make_operator().pk, month=MONTH, by=None, at=at)


def test_two_persons_open_a_month_again_and_it_is_closed_anew(clerk: User) -> None:
    # Given a closed month, into which nothing can be booked
    contract = make_contract_in_force()
    period = close_period(operator_id=contract.operator_id, month=MONTH, by=clerk, at=AT)
    with pytest.raises(PeriodClosed):
        make_issued(contract, issued_on=dt.date(2026, 10, 31))

    # When one person asks and another opens it
    ask_reopening(period_id=period.pk, reason="an invoice was forgotten", by=clerk, at=AT)
    with pytest.raises(PeriodClosed):
        make_issued(contract, issued_on=dt.date(2026, 10, 31))
    opened = reopen_period(period_id=period.pk, by=make_user(Role.ADMINISTRATOR), at=AT + HOUR)

    # Then it takes a booking, and closing it makes a new row; the trail says why
    make_issued(contract, issued_on=dt.date(2026, 10, 31))
    again = close_period(operator_id=contract.operator_id, month=MONTH, by=clerk, at=AT + 2 * HOUR)
    assert again.pk != opened.pk
    record = AuditRecord.objects.get(action="invoicing.ledger.reopen")
    assert (record.reason, record.changes["asked_by"]) == ("an invoice was forgotten", str(clerk))
    assert [finding for result in check_books(frozenset({"I15", "I18"})) for finding in result.findings] == []


def test_who_asked_cannot_open_and_nobody_opens_unasked(clerk: User) -> None:
    period = closed()
    with pytest.raises(WrongState, match="Nobody asked"):
        reopen_period(period_id=period.pk, by=clerk, at=AT)
    ask_reopening(period_id=period.pk, reason="late", by=clerk, at=AT)
    with pytest.raises(MakerIsChecker):
        reopen_period(period_id=period.pk, by=clerk, at=AT)
    period.refresh_from_db()
    assert (period.reopened_at, period.asked_by) == (None, clerk)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.PAYMENTS_OFFICER, None])
def test_who_has_no_right_neither_asks_nor_opens(role: Role | None, clerk: User) -> None:
    period = closed()
    other = make_user(role)
    with pytest.raises(NotAllowed):
        ask_reopening(period_id=period.pk, reason="late", by=other, at=AT)
    ask_reopening(period_id=period.pk, reason="late", by=clerk, at=AT)
    for refused in (other, None):
        with pytest.raises(NotAllowed):
            reopen_period(period_id=period.pk, by=refused, at=AT)
    period.refresh_from_db()
    assert period.reopened_at is None


def test_a_request_is_declined_with_a_reason_and_may_be_made_again(clerk: User) -> None:
    period = closed()
    with pytest.raises(BadInput):
        ask_reopening(period_id=period.pk, reason=" ", by=clerk, at=AT)
    ask_reopening(period_id=period.pk, reason="late", by=clerk, at=AT)
    with pytest.raises(WrongState, match="already"):
        ask_reopening(period_id=period.pk, reason="again", by=clerk, at=AT)
    decline_reopening(period_id=period.pk, reason="December will do", by=clerk, at=AT)
    period.refresh_from_db()
    assert (period.asked_by, period.reason) == (None, "")
    ask_reopening(period_id=period.pk, reason="it will not", by=clerk, at=AT)


def test_the_database_keeps_a_reopened_month_as_it_was(clerk: User) -> None:
    period = closed()
    ask_reopening(period_id=period.pk, reason="late", by=clerk, at=AT)
    reopen_period(period_id=period.pk, by=make_user(Role.ADMINISTRATOR), at=AT)
    with pytest.raises(DatabaseError), transaction.atomic():
        AccountingPeriod.objects.filter(pk=period.pk).update(reopened_by=clerk)
    with pytest.raises(BillingError):
        decline_reopening(period_id=period.pk, reason="too late", by=clerk, at=AT)


def test_a_booking_while_the_month_was_closed_is_found_although_it_is_open_again(
    clerk: User, without_protections: None
) -> None:
    contract = make_contract_in_force()
    invoice = make_issued(contract, issued_on=dt.date(2026, 10, 31))
    period = close_period(operator_id=contract.operator_id, month=MONTH, by=clerk, at=invoice.issued_at - HOUR)
    AccountingPeriod.objects.filter(pk=period.pk).update(
        asked_by=clerk, reopened_by=make_user(), reopened_at=invoice.issued_at + HOUR, reason=""
    )
    found = {finding.invariant for result in check_books(frozenset({"I15", "I18"})) for finding in result.findings}
    assert found == {"I15", "I18"}


@pytest.mark.parametrize("chart", list(Chart))
def test_every_chart_names_every_role_once_with_numbers_of_four_digits(chart: Chart) -> None:
    found = chart_of(chart)
    assert set(found) == set(AccountRole)
    codes = [row.code for row in found.values()]
    assert len(set(codes)) == len(codes)
    assert all(row.code.isdecimal() and len(row.code) == 4 for row in chart_rows(chart))
    assert all(row.name for row in chart_rows(chart)) or chart == Chart.PLAIN


def test_an_operator_takes_a_chart_before_its_first_booking_only(clerk: User) -> None:
    contract = make_contract_in_force()
    contract.operator.chart = Chart.SKR04
    contract.operator.save()
    take_chart(operator_id=contract.operator_id, by=clerk, at=AT)
    assert Account.objects.get(role="cash").code == "1800"
    assert AccountRule.objects.get(account__role="revenue", tax_rate=19).code == "4400"
    make_issued(contract)
    contract.operator.chart = Chart.SKR03
    contract.operator.save()
    with pytest.raises(WrongState, match="has bookings"):
        take_chart(operator_id=contract.operator_id, by=clerk, at=AT)
    with pytest.raises(NotAllowed):
        take_chart(operator_id=contract.operator_id, by=make_user(Role.AUDITOR), at=AT)
    assert Account.objects.get(role="cash").code == "1800"


def by_this_process(month: Month) -> BillingRun:
    run = month.start()
    work_off(run_id=run.pk, clock=lambda: AT, progress=lambda: None)
    return run


def by_workers(month: Month) -> BillingRun:
    run = month.start()
    while items := next_items(run_id=run.pk):
        bill_items(run.pk, items)
    outbox.drain(at=timezone.now())
    return run


def by_the_sweeper(month: Month) -> BillingRun:
    """Of a worker that ended between its last contract and the end of the run."""
    run = month.start()
    while items := next_items(run_id=run.pk):
        process_items(run_id=run.pk, item_ids=items, at=AT)
    sweep_billing_runs()
    outbox.drain(at=timezone.now())
    return run


@pytest.mark.parametrize("finished", [by_this_process, by_workers, by_the_sweeper])
def test_whoever_finishes_a_run_the_books_are_proved_once(finished: Callable[[Month], BillingRun]) -> None:
    month = make_month(sessions=1)
    run = finished(month)
    run.refresh_from_db()
    assert run.state == RunState.FINISHED
    assert [(kept.cause, kept.findings) for kept in BooksCheck.objects.all()] == [(RUN, [])]
    sweep_billing_runs()
    assert BooksCheck.objects.count() == 1


def test_proofs_are_kept_with_their_findings_once_per_run() -> None:
    # Given a month close; its proof is kept once
    month = closed_month()
    run = month.item("alpha").run
    kept = BooksCheck.objects.get()
    assert (kept.cause, kept.findings) == (RUN, [])
    assert check_after_run(run_id=run.pk, at=AT) is None

    # When a line of the journal is changed, the nightly proof keeps the findings, and the trail says so
    lift_protections()
    line = JournalLine.objects.order_by("pk")[0]
    JournalLine.objects.filter(pk=line.pk).update(amount=line.amount + Decimal(1))
    night = record_books_check(cause=NIGHT, at=AT)
    assert {"I7", "I15"} <= {finding["invariant"] for finding in night.findings}
    assert BooksCheck.objects.count() == 2
    assert AuditRecord.objects.filter(action="invoicing.books.check").latest("pk").result.endswith("findings")


def test_the_command_writes_a_file_once_and_tells_its_figures(tmp_path: Any, capsys: Any) -> None:
    make_issued(make_contract_in_force())
    out = tmp_path / "journal.csv"
    call_command("export_books", "journal", "--month", "2026-11", "--out", str(out), "--json")
    told = loads(capsys.readouterr().out)
    assert (told["entries"], told["rows"], told["bytes"]) == (1, 3, len(out.read_bytes()))
    before = out.read_bytes()
    with pytest.raises(SystemExit):
        call_command("export_books", "journal", "--month", "2026-11", "--out", str(out))
    assert out.read_bytes() == before
    archive = tmp_path / "documents.zip"
    call_command("export_books", "documents", "--month", "2026-11", "--out", str(archive))
    assert archive.read_bytes().startswith(b"PK")


def test_buttons_of_a_month_are_those_that_its_state_allows(client: Client, settings: Any) -> None:
    first, second, period = make_user(Role.ADMINISTRATOR), make_user(Role.ADMINISTRATOR), closed()

    def offered(by: User) -> set[str]:
        address = reverse("admin:invoicing_accountingperiod_change", args=[period.pk])
        page = signed_in(client, settings, by).get(address).content.decode()
        steps = ("ask", "decline", "reopen")
        return {step for step in steps if reverse(f"admin:invoicing_accountingperiod_{step}", args=[period.pk]) in page}

    assert offered(first) == {"ask"}
    ask_reopening(period_id=period.pk, reason="A late invoice", by=first, at=AT + HOUR)
    assert (offered(first), offered(second)) == ({"decline"}, {"decline", "reopen"})
    reopen_period(period_id=period.pk, by=second, at=AT + 2 * HOUR)
    assert (offered(first), offered(second)) == (set(), set())
