"""A close that is killed anywhere and started again ends as if it had not been killed (I16)."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core import mail
from django.db import transaction

from evbilling.kernel.books import check_books
from evbilling.kernel.steps import observed
from invoicing.models import Delivery, DeliveryState, Invoice, InvoiceState
from tests.invoicing.month import AT, Killed, Month, kill_at, left_behind, make_month, start_again
from tests.invoicing.quiet import drawn_once  # noqa: F401 - a close that is repeated draws the same documents

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("drawn_once")]
RESTART = AT + dt.timedelta(hours=1)


@pytest.fixture
def month(db: None) -> Month:
    return make_month(sessions=2)


class Undo(Exception):
    """Leaves a block and takes back what it did."""


@contextmanager
def undone() -> Iterator[None]:
    """A close whose rows are taken back afterwards, so that the same month can be closed again."""
    try:
        with transaction.atomic():
            yield
            raise Undo
    except Undo:
        mail.outbox.clear()


def uninterrupted(month: Month) -> tuple[dict[str, list[object]], list[str]]:
    """What a close that nobody kills leaves behind, and the steps it goes through."""
    trace: list[str] = []
    with undone():
        with observed(trace.append):
            month.close()
        found = left_behind()
        assert len(mail.outbox) == 4
    return found, trace


def assert_nothing_lost_and_nothing_twice() -> None:
    """At most one mail per intent, each intent accounted for, at most one of them unknown; the books are clean."""
    sent = [message.extra_headers["Message-ID"] for message in mail.outbox]
    assert len(sent) == len(set(sent))
    issued = Invoice.objects.filter(state=InvoiceState.ISSUED)
    for invoice in issued:
        (delivery,) = Delivery.objects.filter(invoice=invoice)
        assert delivery.state in {DeliveryState.SENT, DeliveryState.UNKNOWN}
        assert delivery.state == DeliveryState.UNKNOWN or delivery.message_ref in sent
    assert [finding for result in check_books() for finding in result.findings] == []


def kill_and_restart(month: Month, place: int, trace: list[str], whole: dict[str, list[object]]) -> None:
    seen: list[str] = []
    with pytest.raises(Killed), observed(kill_at(place, seen)):
        month.close()
    assert seen == trace[: place + 1]
    start_again(month, RESTART)
    assert left_behind() == whole, f"killed at step {place}: {trace[place]}"
    assert_nothing_lost_and_nothing_twice()
    unknown = Delivery.objects.filter(state=DeliveryState.UNKNOWN).count()
    assert unknown == trace[place].startswith("invoicing.delivery.") - (trace[place] == "invoicing.delivery.settled")


def test_every_named_step_is_reached(month: Month) -> None:
    _, trace = uninterrupted(month)
    assert set(trace) == {
        "invoicing.run.claimed", "invoicing.run.rated", "invoicing.draft.split", "invoicing.draft.written",
        "invoicing.run.drafted", "invoicing.issue.frozen", "invoicing.issue.numbered", "invoicing.issue.posted",
        "invoicing.issue.queued", "invoicing.run.issued", "invoicing.run.noted", "invoicing.run.committed",
        "invoicing.document.drawn", "invoicing.document.stored", "invoicing.document.committed",
        "invoicing.delivery.claimed", "invoicing.delivery.sent", "invoicing.delivery.settled",
        "invoicing.letter.filed",
    }  # fmt: skip


def test_killed_at_each_named_step(month: Month) -> None:
    whole, trace = uninterrupted(month)
    for name in dict.fromkeys(trace):
        last = len(trace) - 1 - trace[::-1].index(name)
        with undone():
            kill_and_restart(month, last, trace, whole)


@pytest.mark.long
def test_killed_at_each_occurrence_of_every_step(month: Month) -> None:
    whole, trace = uninterrupted(month)
    for place in range(len(trace)):
        with undone():
            kill_and_restart(month, place, trace, whole)


@pytest.mark.long
def test_killed_over_and_over_it_still_ends_the_same(month: Month) -> None:
    """Every start is killed after fourteen steps: a contract and a bit further."""
    whole, _ = uninterrupted(month)
    kills, killed = 0, True
    while killed:
        killed = False
        try:
            with observed(kill_at(13, [])):
                start_again(month, AT + dt.timedelta(hours=kills))
        except Killed:
            kills, killed = kills + 1, True
    start_again(month, AT + dt.timedelta(hours=kills))
    assert kills >= 4
    assert left_behind() == whole
    assert_nothing_lost_and_nothing_twice()
