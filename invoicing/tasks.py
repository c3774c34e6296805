"""Entry points of background work: they parse arguments and call one operation each.

Handlers of the outbox are registered here, so that every process that may run a step knows them (AppConfig.ready).
"""

import datetime as dt
import logging
from itertools import batched

from celery import shared_task
from django.utils import timezone

from contracts.models import Operator
from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.clock import local_date
from evbilling.kernel.outbox import OutboxMessage
from invoicing.operations import (
    book_checks,
    deliveries,
    dispute_answers,
    documents,
    dunning,
    export_folder,
    run_reports,
    runs,
)

log = logging.getLogger(__name__)
CHUNK = 50
"""Contracts a task: enough that reads and writes are shared, few enough that a lost task costs little."""


def enqueue_run(*, run_id: int) -> int:
    """Queue a task for each chunk of the contracts that are due now; how many contracts. Safe to call at any time."""
    item_ids = runs.next_items(run_id=run_id)
    for chunk in batched(item_ids, CHUNK):
        bill_items.apply_async(args=(run_id, list(chunk)), queue="billing")
    return len(item_ids)


@shared_task
def bill_items(run_id: int, item_ids: list[int]) -> None:
    """Bill a chunk of a run; whoever ends a phase queues the next one, whoever ends the last one closes the run."""
    phase = runs.phase_of(run_id=run_id)
    runs.process_items(run_id=run_id, item_ids=item_ids, at=timezone.now())
    if runs.phase_of(run_id=run_id) == phase:
        return
    if not runs.finish_run(run_id=run_id, at=timezone.now()):
        enqueue_run(run_id=run_id)


@shared_task
def sweep_billing_runs() -> None:
    """Take up what workers that ended left: contracts of runs, and mails in flight."""
    at = timezone.now()
    for run_id in runs.sweep_runs(at=at):
        enqueue_run(run_id=run_id)
    deliveries.settle_lost(at=at)


@shared_task
def dun_overdue() -> None:
    """Remind of what is overdue on each operator's day; hourly, so soon after its midnight; in effect once a day."""
    at = timezone.now()
    for operator in Operator.objects.order_by("pk"):
        run = dunning.run_dunning(operator_id=operator.pk, on=local_date(at, operator.zone), by=None, at=at)
        for party, why in run.failures:
            log.error("Dunning of %s failed: %s", party, why)


@shared_task
def check_books_nightly() -> None:
    """Prove the books every night; findings are logged, kept and shown on the dashboard."""
    book_checks.record_books_check(cause=book_checks.NIGHT, at=timezone.now())


@shared_task
def check_books_by_hand(user_id: int) -> None:
    """Prove the books because a person asked."""
    by = User.objects.filter(pk=user_id).first()
    book_checks.record_books_check(cause=book_checks.COMMAND, at=timezone.now(), by=by)


@outbox.handles("invoicing.document.render", queue="documents")
def render_document(message: OutboxMessage, at: dt.datetime) -> None:
    """Draw and archive an issued document, then ask for its delivery. Payload: invoice_id."""
    documents.archive_document(invoice_id=message.payload["invoice_id"], at=at)


@outbox.handles("invoicing.run.report", queue="documents")
def report_run(message: OutboxMessage, at: dt.datetime) -> None:
    """Keep the completeness report of a finished run. Payload: run_id."""
    run_reports.file_report(run_id=message.payload["run_id"], at=at)


@outbox.handles("invoicing.run.check", queue="billing")
def check_run(message: OutboxMessage, at: dt.datetime) -> None:
    """Prove the books after a finished run, once per finish. Payload: run_id."""
    book_checks.check_after_run(run_id=message.payload["run_id"], at=at)


@outbox.handles("invoicing.delivery.send", queue="mail", at_most_once=True)
def send_delivery(message: OutboxMessage, at: dt.datetime) -> None:
    """Send one delivery, at most once. Payload: delivery_id."""
    last = message.attempts >= message.max_attempts
    deliveries.send(delivery_id=message.payload["delivery_id"], last_attempt=last, at=at)


@outbox.handles(dispute_answers.ANSWER_STEP, queue="mail", at_most_once=True)
def send_dispute_answer(message: OutboxMessage, at: dt.datetime) -> None:
    """Send the answer to one dispute, at most once. Payload: dispute_id, to."""
    dispute_answers.send_answer(dispute_id=message.payload["dispute_id"], to=message.payload["to"], at=at)


@outbox.handles("invoicing.delivery.export", queue="mail")
def export_delivery(message: OutboxMessage, at: dt.datetime) -> None:
    """Write one delivery into the party's export folder; safe to repeat. Payload: delivery_id."""
    last = message.attempts >= message.max_attempts
    export_folder.export(delivery_id=message.payload["delivery_id"], last_attempt=last, at=at)
