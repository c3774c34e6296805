"""A month is billed contract by contract, whole, once (I10, I16, I17)."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.models import Contact, DeliveryChannel, Party
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import BadInput, NotAllowed, WrongState
from evbilling.kernel.outbox import OutboxMessage
from invoicing.models import (
    BillingRun,
    BillingRunItem,
    Delivery,
    Document,
    Invoice,
    InvoiceState,
    ItemState,
    RunState,
    TaxRate,
)
from invoicing.operations import run_steering, runs
from invoicing.operations.drafting import discard_draft
from invoicing.operations.inline import work_off
from invoicing.queries.progress import run_progress
from sessions.models import SessionPrice
from tests.factories import make_site, make_station, make_user
from tests.invoicing.month import AT, ISSUED_ON, LATER, OCTOBER, Month, left_behind, make_month, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def month(db: None) -> Month:
    return make_month()


def states(month: Month) -> dict[str, str]:
    return {name: month.item(name).state for name in month.contracts}


def test_all_due_contracts_get_their_document(month: Month, mailoutbox: list[object]) -> None:
    run = month.close()
    assert run.state == RunState.FINISHED
    assert states(month) == {
        "alpha": "issued", "beta": "issued", "idle": "skipped", "sponsor": "issued", "host": "issued"
    }  # fmt: skip
    assert month.item("idle").reason == "Nothing to bill."
    # 4 sessions of 10 kWh at 0.45 each; half of alpha's go to the sponsor; 60 % of the 4 sessions at the host's site
    totals = {name: month.item(name).invoice.net_amount for name in ("alpha", "beta", "sponsor", "host")}
    assert totals == {
        "alpha": Decimal("9.00"), "beta": Decimal("18.00"), "sponsor": Decimal("9.00"), "host": Decimal("10.80")
    }  # fmt: skip
    assert Document.objects.count() == 4
    assert sorted(mail.to[0] for mail in mailoutbox) == [
        "books@alpha.example", "books@beta.example", "books@maker.example", "owner@host.example"
    ]  # fmt: skip


def test_numbers_follow_the_phases_customers_sponsors_hosts(month: Month) -> None:
    month.close()
    numbers = {name: month.item(name).invoice.number for name in ("alpha", "beta", "sponsor", "host")}
    assert numbers == {
        "alpha": "INV-2026-000001", "beta": "INV-2026-000002", "sponsor": "INV-2026-000003", "host": "SET-2026-000001"
    }  # fmt: skip


def test_starting_again_changes_nothing(month: Month, mailoutbox: list[object]) -> None:
    month.close()
    before = left_behind()
    month.close(at=LATER)
    assert left_behind() == before
    assert len(mailoutbox) == 4
    assert BillingRun.objects.count() == 1


def test_without_issuing_it_stops_at_drafts_and_hosts_wait(month: Month) -> None:
    steps = list(OutboxMessage.objects.values_list("pk", flat=True))  # those of the contracts' own documents
    month.close(issue=False)
    assert states(month) == {
        "alpha": "drafted", "beta": "drafted", "idle": "skipped", "sponsor": "drafted", "host": "skipped"
    }  # fmt: skip
    assert month.item("host").reason == "Shares are settled when the month's documents are issued."
    assert not Invoice.objects.exclude(number=None).exists()
    left = OutboxMessage.objects.exclude(pk__in=steps).order_by("pk")
    assert [step.kind for step in left] == ["invoicing.run.report", "invoicing.run.check"]


def test_drafts_are_issued_by_starting_again_and_the_end_is_the_same(month: Month, mailoutbox: list[object]) -> None:
    drafted = month.close(issue=False)
    drafts = set(Invoice.objects.values_list("pk", flat=True))
    assert month.close(at=LATER).pk == drafted.pk
    assert drafts <= set(Invoice.objects.exclude(number=None).values_list("pk", flat=True))
    assert states(month)["host"] == "issued"
    assert len(mailoutbox) == 4


def test_a_discarded_draft_is_drafted_again(month: Month) -> None:
    month.close(issue=False)
    discard_draft(invoice_id=month.item("beta").invoice.pk, by=None, at=AT)
    month.close(issue=False, at=LATER)
    assert month.item("beta").state == ItemState.DRAFTED
    assert month.item("beta").invoice.net_amount == Decimal("18.00")


def test_an_issuing_run_is_not_turned_back_to_drafts(month: Month) -> None:
    month.close()
    before = left_behind()
    with pytest.raises(WrongState, match="already issues documents"):
        month.start(issue=False)
    assert left_behind() == before


def test_sessions_without_a_price_are_rated_first(month: Month) -> None:
    SessionPrice.objects.all().delete()
    month.close()
    assert month.item("beta").invoice.net_amount == Decimal("18.00")


def test_one_bad_contract_blocks_no_other(month: Month) -> None:
    """I17: one of beta's sessions was in a country without a tax rate."""
    abroad = make_station(make_site(country="FR"))
    record([replace(month.charge("beta", 4), station_ref=abroad.ref)])
    run = month.close()
    assert states(month) == {
        "alpha": "issued", "beta": "failed", "idle": "skipped", "sponsor": "issued", "host": "issued"
    }  # fmt: skip
    assert month.item("beta").reason.startswith("There is no tax rate for FR on 9 Oct 2026.")
    assert run.state == RunState.FINISHED
    assert not Invoice.objects.filter(contract=month.contracts["beta"]).exists()


def test_a_failed_contract_is_tried_again_when_its_cause_is_gone(month: Month) -> None:
    TaxRate.objects.all().delete()
    month.close()
    TaxRate.objects.create(country="DE", percent=19, valid_from=dt.date(2020, 1, 1))
    item = run_steering.retry_item(item_id=month.item("beta").pk, by=None, at=LATER)
    assert item.run.state == RunState.RUNNING
    assert (item.state, item.reason, item.attempts) == ("pending", "", 0)
    work_off(run_id=item.run_id, clock=lambda: LATER, progress=lambda: None)
    assert {name: states(month)[name] for name in ("alpha", "beta", "sponsor")} == {
        "alpha": "failed", "beta": "issued", "sponsor": "skipped"
    }  # fmt: skip
    assert BillingRun.objects.get().state == RunState.FINISHED


def test_only_failed_contracts_are_tried_again(month: Month) -> None:
    month.close()
    with pytest.raises(WrongState, match="is issued in this run; only failed contracts"):
        run_steering.retry_item(item_id=month.item("beta").pk, by=None, at=LATER)
    assert month.item("beta").state == ItemState.ISSUED


def test_all_failed_ones_are_tried_again_at_once_and_who_depends_on_them_too(month: Month) -> None:
    TaxRate.objects.all().delete()
    run = month.close()
    assert states(month)["sponsor"] == "skipped"
    TaxRate.objects.create(country="DE", percent=19, valid_from=dt.date(2020, 1, 1))
    assert run_steering.retry_failed_items(run_id=run.pk, by=None, at=LATER) == 2
    work_off(run_id=run.pk, clock=lambda: LATER, progress=lambda: None)
    assert states(month) == {
        "alpha": "issued", "beta": "issued", "idle": "skipped", "sponsor": "issued", "host": "issued"
    }  # fmt: skip


def test_a_pause_holds_between_contracts(month: Month) -> None:
    run = month.start()
    first, second, *_ = runs.next_items(run_id=run.pk)
    runs.process_items(run_id=run.pk, item_ids=[first], at=AT)
    run_steering.pause_run(run_id=run.pk, by=None, at=AT)
    assert runs.process_items(run_id=run.pk, item_ids=[second], at=AT) == {}
    assert runs.next_items(run_id=run.pk) == []
    assert not runs.finish_run(run_id=run.pk, at=AT)
    assert BillingRunItem.objects.get(pk=second).attempts == 0
    run_steering.resume_run(run_id=run.pk, by=None, at=LATER)
    assert runs.process_items(run_id=run.pk, item_ids=[second], at=LATER) == {second: "issued"}


def test_a_run_ends_as_it_was_started_when_who_started_it_has_left(month: Month) -> None:
    # Given a run that a clerk started, who then loses role and account
    clerk = make_user(Role.BILLING_CLERK)
    run = runs.start_run(
        operator_id=month.operator.pk, period=OCTOBER, issued_on=ISSUED_ON, issue=True, by=clerk, at=AT
    )
    clerk.groups.clear()
    clerk.is_active = False
    clerk.save()
    # When workers go on with it
    work_off(run_id=run.pk, clock=lambda: AT, progress=lambda: None)
    # Then every contract is billed, and nobody can steer it in that name any more
    run.refresh_from_db()
    assert run.state == RunState.FINISHED
    assert not run.items.filter(state__in=["failed", "pending"]).exists()
    assert Invoice.objects.filter(state=InvoiceState.ISSUED).count() == 4
    gone = User.objects.get(pk=clerk.pk)
    with pytest.raises(NotAllowed):
        run_steering.retry_failed_items(run_id=run.pk, by=gone, at=LATER)


@pytest.mark.parametrize(
    ("operation", "state"), [(run_steering.pause_run, "finished"), (run_steering.resume_run, "finished")]
)
def test_only_what_runs_is_paused_and_what_is_paused_resumed(month: Month, operation: object, state: str) -> None:
    run = month.close()
    with pytest.raises(WrongState, match=f"is {state}, not"):
        operation(run_id=run.pk, by=None, at=LATER)
    run.refresh_from_db()
    assert run.state == state


def test_sponsors_and_hosts_wait_for_the_customers(month: Month) -> None:
    run = month.start()
    due = BillingRunItem.objects.filter(pk__in=runs.next_items(run_id=run.pk))
    assert set(due.values_list("contract__kind", flat=True)) == {"charging"}
    assert runs.phase_of(run_id=run.pk) == "charging"


def test_a_month_that_is_not_over_is_refused(month: Month) -> None:
    with pytest.raises(BadInput, match="not over yet"):
        month.start(at=dt.datetime(2026, 10, 31, 22, 59, tzinfo=dt.UTC))
    over_at = dt.datetime(2026, 10, 31, 23, 0, tzinfo=dt.UTC)  # midnight in Berlin
    run = runs.start_run(
        operator_id=month.operator.pk, period=OCTOBER, issued_on=dt.date(2026, 11, 1), issue=True, by=None, at=over_at
    )
    assert run.items.count() == 5


def test_part_of_a_month_is_refused(month: Month) -> None:
    period = Period(dt.date(2026, 10, 1), dt.date(2026, 10, 15))
    with pytest.raises(BadInput, match="one calendar month"):
        runs.start_run(operator_id=month.operator.pk, period=period, issued_on=ISSUED_ON, issue=True, by=None, at=AT)
    assert not BillingRun.objects.exists()


def test_documents_are_not_dated_before_the_month(month: Month) -> None:
    day = dt.date(2026, 9, 30)
    with pytest.raises(BadInput, match="cannot be dated before"):
        runs.start_run(operator_id=month.operator.pk, period=OCTOBER, issued_on=day, issue=True, by=None, at=AT)
    assert not BillingRun.objects.exists()


def test_given_the_wrong_year_when_a_run_is_started_then_it_is_refused_and_there_is_no_run(month: Month) -> None:
    day = dt.date(2027, 11, 2)
    with pytest.raises(BadInput, match="issued on.*2027-11-02.*in the future; give 2 Nov 2026 or an earlier day"):
        runs.start_run(operator_id=month.operator.pk, period=OCTOBER, issued_on=day, issue=True, by=None, at=AT)
    assert not BillingRun.objects.exists()


def test_a_document_without_an_address_is_archived_and_says_why_it_was_not_sent(month: Month) -> None:
    Contact.objects.filter(email="books@beta.example").delete()
    month.close()
    invoice = month.item("beta").invoice
    assert Document.objects.filter(invoice=invoice).count() == 1
    assert Delivery.objects.get(invoice=invoice).state == "failed"


def test_documents_of_the_export_folder_are_written_by_the_same_process(
    month: Month, tmp_path: Path, settings: Any
) -> None:
    settings.EXPORT_DIR = tmp_path
    party = month.contracts["beta"].party
    Party.objects.filter(pk=party.pk).update(delivery_channel=DeliveryChannel.FOLDER)
    run = month.close()
    assert len(list((tmp_path / party.number).glob("*.pdf"))) == 1
    assert run_progress(run, at=LATER).settled


def test_progress_counts_and_estimates(month: Month) -> None:
    run = month.start()
    first, second, third = runs.next_items(run_id=run.pk)
    runs.process_items(run_id=run.pk, item_ids=[first], at=AT)
    runs.process_items(run_id=run.pk, item_ids=[second], at=AT + dt.timedelta(seconds=30))
    found = run_progress(run, at=AT + dt.timedelta(minutes=1))
    assert (found.total, found.pending, found.issued, found.done, found.percent) == (5, 3, 2, 2, 40)
    assert (found.per_minute, found.eta_seconds) == (Decimal("2.0"), 90)
    assert (found.documents, found.documents_waiting, found.settled) == (0, 2, False)


def test_progress_of_a_finished_run(month: Month) -> None:
    found = run_progress(month.close(), at=LATER)
    assert (found.done, found.issued, found.skipped, found.documents, found.mails["sent"]) == (5, 4, 1, 4, 4)
    assert (found.settled, found.needs_person, found.eta_seconds, found.per_minute) == (True, 0, None, None)
