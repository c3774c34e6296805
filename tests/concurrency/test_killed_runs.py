"""Real workers over a real Redis and PostgreSQL, killed with SIGKILL in the middle of a month close (I16)."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from evbilling.kernel import outbox
from evbilling.kernel.books import check_books
from evbilling.kernel.outbox import OutboxMessage, OutboxState
from invoicing.models import (
    BillingRun,
    BillingRunItem,
    Delivery,
    DeliveryState,
    Document,
    Invoice,
    InvoiceState,
    ItemState,
    JournalLine,
    RunState,
)
from invoicing.operations import deliveries, runs
from invoicing.queries.progress import run_progress
from invoicing.tasks import enqueue_run
from tests.invoicing.mailserver import MailServer, serve_mail
from tests.invoicing.month import Month, make_month

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]
FLEETS = tuple(f"fleet{number:02}" for number in range(14))
LONG_AGO = dt.timedelta(minutes=15)


@pytest.fixture
def mails() -> Iterator[tuple[MailServer, str]]:
    """A mail server and its EMAIL_URL for the workers."""
    with serve_mail() as (server, port):
        yield server, f"smtp://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def nothing_is_drawn() -> None:
    """Here documents are drawn, unlike in the tests beside."""


class Undo(Exception):
    """Takes back what a block did."""


def outcome() -> dict[str, Any]:
    """What a close leaves, whoever took which number: the set of numbers, each contract's totals, the ledger."""
    issued = Invoice.objects.filter(state=InvoiceState.ISSUED)
    totals: dict[str, tuple[Decimal, ...]] = {
        number: amounts
        for number, *amounts in issued.values_list("contract__number", "net_amount", "tax_amount", "gross_amount")
    }
    return {
        "numbers": sorted(issued.values_list("number", flat=True)),
        "totals": totals,
        "ledger": dict(JournalLine.objects.values_list("account__role").annotate(Sum("amount")).order_by()),
        "documents": Counter(Document.objects.values_list("invoice__contract__number", "kind")),
        "items": dict(BillingRunItem.objects.values_list("contract__number", "state")),
    }


def uninterrupted(month: Month) -> dict[str, Any]:
    """The outcome of a close in this process, taken back afterwards."""
    found: dict[str, Any] = {}
    try:
        with transaction.atomic(), outbox.run_here():
            month.close()
            found = outcome()
            raise Undo
    except Undo:
        return found


def time_passes_and_sweepers_run() -> None:
    """What dead workers claimed is old by now; what was theirs is taken up."""
    then = timezone.now() - LONG_AGO
    OutboxMessage.objects.filter(state=OutboxState.IN_FLIGHT).update(claimed_at=then)
    OutboxMessage.objects.filter(state=OutboxState.QUEUED).update(due_at=then)
    BillingRunItem.objects.filter(state=ItemState.PENDING, claimed_at__isnull=False).update(claimed_at=then)
    outbox.sweep(at=timezone.now())
    runs.sweep_runs(at=timezone.now())
    deliveries.settle_lost(at=timezone.now())
    for run_id in BillingRun.objects.values_list("pk", flat=True):
        enqueue_run(run_id=run_id)


@pytest.mark.long
def test_workers_killed_again_and_again_end_as_if_nobody_had_killed_them(
    mails: tuple[MailServer, str], celery_worker: Callable[..., Any], wait_until: Callable[..., None]
) -> None:
    server, email_url = mails
    month = make_month(sessions=6, fleets=FLEETS)
    whole = uninterrupted(month)
    assert len(whole["numbers"]) == len(FLEETS) + 2
    run = month.start()
    enqueue_run(run_id=run.pk)

    moments: list[Callable[[], bool]] = [
        lambda: BillingRunItem.objects.filter(state=ItemState.ISSUED).count() >= 4,
        lambda: Document.objects.count() >= 3,
        lambda: len(server.received) >= 3,
    ]
    for moment in moments:
        worker = celery_worker(concurrency=2, EMAIL_URL=email_url)
        wait_until(moment, 60, 0.02)
        worker.kill()
        assert not run_progress(run, at=timezone.now()).settled
        time_passes_and_sweepers_run()
    celery_worker(concurrency=2, EMAIL_URL=email_url)

    def settled() -> bool:
        run.refresh_from_db()
        return run_progress(run, at=timezone.now()).settled and run.state == RunState.FINISHED

    wait_until(settled, 120)
    assert outcome() == whole
    assert [finding for result in check_books() for finding in result.findings] == []
    received = Counter(mail["Message-ID"] for mail in server.received)
    assert set(received.values()) <= {1}, "no intent is mailed twice"
    for delivery in Delivery.objects.all():
        assert delivery.state in {DeliveryState.SENT, DeliveryState.UNKNOWN}
        assert delivery.state == DeliveryState.UNKNOWN or received[delivery.message_ref] == 1
    assert Delivery.objects.count() == len(whole["numbers"])
    assert Delivery.objects.filter(state=DeliveryState.UNKNOWN).count() <= 2 * len(moments)


def test_two_workers_at_one_run_share_it_and_double_nothing(
    mails: tuple[MailServer, str], celery_worker: Callable[..., Any], wait_until: Callable[..., None]
) -> None:
    """Every chunk is queued twice, as a sweeper that is too eager would."""
    server, email_url = mails
    month = make_month(sessions=2, fleets=FLEETS[:6])
    whole = uninterrupted(month)
    run = month.start()
    enqueue_run(run_id=run.pk)
    enqueue_run(run_id=run.pk)
    celery_worker(concurrency=2, EMAIL_URL=email_url)
    wait_until(lambda: len(server.received) == len(whole["numbers"]), 60)
    assert outcome() == whole
    assert set(BillingRunItem.objects.values_list("attempts", flat=True)) == {1}
