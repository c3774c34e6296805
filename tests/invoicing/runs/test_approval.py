"""Over the operator's limit a second person lets a month close go (I18)."""

import datetime as dt
from decimal import Decimal

import pytest

from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.errors import BadInput, MakerIsChecker, WrongState
from evbilling.kernel.models import AuditRecord
from invoicing.models import BillingRun, ExchangeRate, Invoice, JournalEntry, RunState
from invoicing.operations import run_steering, runs
from invoicing.operations.inline import work_off
from invoicing.operations.run_approval import approve_run, decline_run
from sessions.models import ChargingSession
from sessions.operations.rating import rate_sessions
from tests.factories import make_user
from tests.invoicing.month import AT, ISSUED_ON, LATER, OCTOBER, Month, make_month

pytestmark = pytest.mark.django_db
NET = Decimal("36.00")
"""What the month would bill: 8 sessions of 10 kWh at 0.45."""


@pytest.fixture
def month(db: None) -> Month:
    month = make_month()
    rate_sessions(list(ChargingSession.objects.values_list("pk", flat=True)), at=AT)
    return month


@pytest.fixture
def clerk(db: None) -> User:
    return make_user(Role.BILLING_CLERK)


@pytest.fixture
def second(db: None) -> User:
    return make_user(Role.BILLING_CLERK)


def limit(month: Month, amount: str | None) -> None:
    month.operator.run_limit_amount = None if amount is None else Decimal(amount)
    month.operator.save()


def start(month: Month, by: User | None, *, issue: bool = True) -> BillingRun:
    run = runs.start_run(operator_id=month.operator.pk, period=OCTOBER, issued_on=ISSUED_ON, issue=issue, by=by, at=AT)
    work_off(run_id=run.pk, clock=lambda: AT, progress=lambda: None)
    run.refresh_from_db()
    return run


def test_without_a_limit_nobody_else_is_asked(month: Month, clerk: User) -> None:
    assert (start(month, clerk).state, Invoice.objects.count()) == (RunState.FINISHED, 4)


def test_below_the_limit_nobody_else_is_asked(month: Month, clerk: User) -> None:
    limit(month, "36.01")
    run = start(month, clerk)
    assert (run.state, run.planned_amount, run.needs_second) == (RunState.FINISHED, NET, False)


def test_from_the_limit_on_nothing_is_done_before_a_second_person_approves(
    month: Month, clerk: User, second: User
) -> None:
    limit(month, "36.00")
    run = start(month, clerk)
    assert (run.state, run.planned_amount) == (RunState.ASKED, NET)
    assert (Invoice.objects.count(), JournalEntry.objects.count()) == (0, 0)
    approve_run(run_id=run.pk, by=second, at=LATER)
    work_off(run_id=run.pk, clock=lambda: LATER, progress=lambda: None)
    run.refresh_from_db()
    assert (run.state, run.approved_by, Invoice.objects.count()) == (RunState.FINISHED, second, 4)
    assert AuditRecord.objects.get(action="invoicing.run.approve").by_id == second.pk


@pytest.mark.parametrize(
    ("rate", "planned", "state"),
    [
        (("EUR", "CHF", 26, "0.93"), "33.48", RunState.FINISHED),
        (("CHF", "EUR", 26, "1.25"), "28.80", RunState.FINISHED),
        (("EUR", "CHF", 20, "0.93"), "0.00", RunState.ASKED),
        (("EUR", "USD", 26, "1.16"), "0.00", RunState.ASKED),
    ],
    ids=["stated", "turned round", "too old", "another"],
)
def test_a_plan_in_another_currency_takes_the_rate_that_a_document_would(
    month: Month, clerk: User, rate: tuple[str, str, int, str], planned: str, state: RunState
) -> None:
    limit(month, "1000.00")
    month.operator.currency = "CHF"
    month.operator.save()
    currency, target, day, worth = rate
    ExchangeRate.objects.create(currency=currency, target=target, on=dt.date(2026, 10, day), rate=Decimal(worth))
    run = start(month, clerk)
    assert (run.planned_amount, run.state) == (Decimal(planned), state)


def test_what_a_worker_claimed_for_drafts_is_not_issued_while_the_run_waits(
    month: Month, clerk: User, second: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(month, "1.00")
    run = runs.start_run(
        operator_id=month.operator.pk, period=OCTOBER, issued_on=ISSUED_ON, issue=False, by=clerk, at=AT
    )

    def meanwhile(name: str) -> None:
        if name == "invoicing.run.claimed":
            runs.start_run(
                operator_id=month.operator.pk, period=OCTOBER, issued_on=ISSUED_ON, issue=True, by=clerk, at=AT
            )

    monkeypatch.setattr(runs, "step", meanwhile)
    assert runs.process_items(run_id=run.pk, item_ids=runs.next_items(run_id=run.pk), at=AT) == {}
    monkeypatch.undo()
    run.refresh_from_db()
    assert (run.state, Invoice.objects.count()) == (RunState.ASKED, 0)
    approve_run(run_id=run.pk, by=second, at=LATER)
    work_off(run_id=run.pk, clock=lambda: LATER, progress=lambda: None)
    assert Invoice.objects.exclude(number=None).count() == 4


def test_who_started_it_cannot_approve_it(month: Month, clerk: User) -> None:
    limit(month, "1.00")
    run = start(month, clerk)
    before = AuditRecord.objects.count()
    with pytest.raises(MakerIsChecker, match="second person"):
        approve_run(run_id=run.pk, by=clerk, at=LATER)
    run.refresh_from_db()
    assert (run.state, AuditRecord.objects.count()) == (RunState.ASKED, before)


def test_one_that_a_command_started_is_approved_by_any_person(month: Month, clerk: User) -> None:
    limit(month, "1.00")
    run = start(month, None)
    assert approve_run(run_id=run.pk, by=clerk, at=LATER).state == RunState.RUNNING


def test_a_declined_one_did_nothing_and_asks_anew(month: Month, clerk: User, second: User) -> None:
    limit(month, "1.00")
    run = start(month, clerk)
    with pytest.raises(BadInput, match="Say why"):
        decline_run(run_id=run.pk, reason=" ", by=second, at=LATER)
    assert decline_run(run_id=run.pk, reason="A tariff is wrong.", by=second, at=LATER).state == RunState.DECLINED
    work_off(run_id=run.pk, clock=lambda: LATER, progress=lambda: None)
    assert Invoice.objects.count() == 0
    assert start(month, clerk).state == RunState.ASKED


def test_a_run_that_does_not_wait_is_not_decided(month: Month, clerk: User, second: User) -> None:
    run = start(month, clerk)
    with pytest.raises(WrongState, match="finished"):
        approve_run(run_id=run.pk, by=second, at=LATER)


def test_drafts_need_nobody_but_issuing_them_does(month: Month, clerk: User) -> None:
    limit(month, "10.00")
    assert start(month, clerk, issue=False).state == RunState.FINISHED
    drafts = Invoice.objects.filter(number=None).count()
    run = start(month, clerk)
    assert (drafts, run.state, Invoice.objects.exclude(number=None).count()) == (3, RunState.ASKED, 0)
    assert run.planned_amount == NET


def test_an_approved_run_goes_on_under_its_approval(month: Month, clerk: User, second: User) -> None:
    limit(month, "1.00")
    run = start(month, clerk)
    approve_run(run_id=run.pk, by=second, at=LATER)
    run_steering.pause_run(run_id=run.pk, by=clerk, at=LATER)
    again = runs.start_run(
        operator_id=month.operator.pk, period=OCTOBER, issued_on=ISSUED_ON, issue=True, by=second, at=LATER
    )
    assert (again.state, again.approved_by, again.asked_by) == (RunState.RUNNING, second, clerk)


def test_what_is_not_priced_makes_a_limited_run_wait(month: Month, clerk: User) -> None:
    ChargingSession.objects.first().price.delete()  # type: ignore[union-attr]
    limit(month, "1000000.00")
    assert start(month, clerk).state == RunState.ASKED
