"""The outbox: claimed once, repeated with backoff, never lost; at most once where it must be (I16)."""

import datetime as dt

import pytest
from django.db import transaction

from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel import outbox
from evbilling.kernel.errors import NotAllowed, WrongState
from evbilling.kernel.models import AuditRecord, OutboxMessage, OutboxState
from tests.factories import make_user
from tests.kernel.steps import NOON, handled, make_step

pytestmark = pytest.mark.django_db
LATER = NOON + dt.timedelta(hours=2)


def refuse_with(error: Exception):  # noqa: ANN201 - a handler
    def handler(message: OutboxMessage, at: dt.datetime) -> None:
        raise error

    return handler


def test_a_step_runs_once_even_when_its_task_comes_twice() -> None:
    seen = []
    step = make_step(key="a")
    with handled("test.step", lambda message, at: seen.append((message.pk, at))):
        assert outbox.run(message_id=step.pk, at=NOON) == OutboxState.DONE
        assert outbox.run(message_id=step.pk, at=NOON) is None
    assert seen == [(step.pk, NOON)]


def test_the_same_intent_twice_is_one_step(django_capture_on_commit_callbacks) -> None:
    seen = []
    handler = handled("test.step", lambda message, at: seen.append(message.payload))
    with handler, django_capture_on_commit_callbacks(execute=True):
        outbox.add(kind="test.step", key="a", payload={"n": 1}, at=NOON)
        outbox.add(kind="test.step", key="a", payload={"n": 2}, at=NOON)
    assert seen == [{"n": 1}]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_intent_leaves_nothing_and_runs_nothing() -> None:
    seen = []
    with handled("test.step", lambda message, at: seen.append(message)), transaction.atomic():
        outbox.add(kind="test.step", key="a", payload={}, at=NOON)
        transaction.set_rollback(True)
    assert not OutboxMessage.objects.exists()
    assert seen == []


def test_a_step_that_cannot_reach_the_other_side_waits_longer_each_time() -> None:
    step = make_step(key="a")
    with handled("test.step", refuse_with(outbox.TryAgain("the server is away"))):
        assert outbox.run(message_id=step.pk, at=NOON) == OutboxState.QUEUED
    step.refresh_from_db()
    assert dt.timedelta(seconds=7) < step.due_at - NOON < dt.timedelta(seconds=13)
    assert (step.attempts, step.last_error) == (1, "the server is away")
    assert outbox.backoff(20) >= dt.timedelta(minutes=45)


def test_a_step_fails_for_a_person_after_its_last_try() -> None:
    step = make_step(key="a", max_attempts=1)
    with handled("test.step", refuse_with(outbox.TryAgain("away"))):
        assert outbox.run(message_id=step.pk, at=NOON) == OutboxState.FAILED


def test_a_hopeless_step_is_not_repeated() -> None:
    step = make_step(key="a")
    with handled("test.step", refuse_with(outbox.GiveUp("no address"))):
        assert outbox.run(message_id=step.pk, at=NOON) == OutboxState.FAILED


def test_a_step_that_nobody_handles_waits_for_a_person() -> None:
    step = make_step(key="a", kind="test.nobody")
    assert outbox.run(message_id=step.pk, at=NOON) == OutboxState.FAILED
    step.refresh_from_db()
    assert "test.nobody" in step.last_error


@pytest.mark.parametrize(("at_most_once", "state"), [(False, OutboxState.QUEUED), (True, OutboxState.UNKNOWN)])
def test_an_unexpected_error_repeats_only_what_may_be_repeated(at_most_once: bool, state: OutboxState) -> None:
    step = make_step(key="a", at_most_once=at_most_once)
    with handled("test.step", refuse_with(RuntimeError("boom"))):
        assert outbox.run(message_id=step.pk, at=NOON) == state


@pytest.mark.parametrize(("at_most_once", "state"), [(False, OutboxState.DONE), (True, OutboxState.UNKNOWN)])
def test_what_a_dead_worker_left_in_flight_is_released_or_listed(at_most_once: bool, state: OutboxState) -> None:
    step = make_step(key="a", at_most_once=at_most_once, state=OutboxState.IN_FLIGHT, claimed_at=NOON)
    with handled("test.step", lambda message, at: None):
        outbox.sweep(at=LATER)
        outbox.drain(at=LATER)
    step.refresh_from_db()
    assert step.state == state


def test_a_step_still_in_time_is_left_alone_by_the_sweeper() -> None:
    step = make_step(key="a", state=OutboxState.IN_FLIGHT, claimed_at=NOON)
    assert outbox.sweep(at=NOON + dt.timedelta(minutes=5)) == []
    step.refresh_from_db()
    assert step.state == OutboxState.IN_FLIGHT


def test_a_lost_task_is_sent_again() -> None:
    step = make_step(key="a")
    with handled("test.step", lambda message, at: None):
        assert outbox.sweep(at=LATER) == [step]
    step.refresh_from_db()
    assert step.state == OutboxState.DONE


def test_draining_leaves_what_is_not_due_and_other_kinds() -> None:
    due, future, other = make_step(key="a"), make_step(key="b", at=LATER), make_step(key="c", kind="test.other")
    with handled("test.step", lambda message, at: None):
        assert outbox.drain(at=NOON, kinds={"test.step"}) == 1
    states = dict(OutboxMessage.objects.values_list("pk", "state"))
    assert states == {due.pk: OutboxState.DONE, future.pk: OutboxState.QUEUED, other.pk: OutboxState.QUEUED}


@pytest.fixture
def clerk() -> User:
    return make_user(Role.BILLING_CLERK)


def test_who_may_not_sends_no_step_again() -> None:
    step = make_step(key="a", state=OutboxState.FAILED, attempts=6)
    with pytest.raises(NotAllowed, match="does not include background steps"):
        outbox.retry_by_hand(message_id=step.pk, by=make_user(Role.AUDITOR), at=NOON)
    step.refresh_from_db()
    assert (step.state, step.attempts) == (OutboxState.FAILED, 6)


def test_a_person_sends_a_failed_step_again(clerk: User, django_capture_on_commit_callbacks) -> None:
    step = make_step(key="a", state=OutboxState.FAILED, attempts=6)
    with handled("test.step", lambda message, at: None), django_capture_on_commit_callbacks(execute=True):
        outbox.retry_by_hand(message_id=step.pk, by=clerk, at=NOON)
    step.refresh_from_db()
    assert (step.state, step.attempts) == (OutboxState.DONE, 7)
    assert AuditRecord.objects.get().action == "kernel.outbox.retry"


@pytest.mark.parametrize("state", [OutboxState.QUEUED, OutboxState.IN_FLIGHT, OutboxState.DONE])
def test_only_what_failed_is_sent_again(clerk: User, state: OutboxState) -> None:
    step = make_step(key="a", state=state)
    with pytest.raises(WrongState, match="only failed or unknown"):
        outbox.retry_by_hand(message_id=step.pk, by=clerk, at=NOON)
    assert not AuditRecord.objects.exists()


def test_what_may_have_happened_is_repeated_only_with_a_reason(clerk: User) -> None:
    step = make_step(key="a", state=OutboxState.UNKNOWN, at_most_once=True)
    with pytest.raises(WrongState, match="say why"):
        outbox.retry_by_hand(message_id=step.pk, by=clerk, at=NOON)
    step.refresh_from_db()
    assert step.state == OutboxState.UNKNOWN
