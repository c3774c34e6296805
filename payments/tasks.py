"""Celery entry points and outbox steps of payments."""

import datetime as dt

from celery import shared_task
from django.utils import timezone

from evbilling.kernel import outbox
from evbilling.kernel.models import OutboxMessage
from payments.models import OPEN_STATES, Payment
from payments.operations import events, payments, refunds


@outbox.handles(payments.CHARGE_STEP, queue="payments")
def charge(message: OutboxMessage, at: dt.datetime) -> None:
    """Carry one payment to its processor; safe to repeat: the idempotency key is the payment's own."""
    payments.charge(payment_id=message.payload["payment_id"], at=at)


@outbox.handles(refunds.REFUND_STEP, queue="payments")
def send_refund(message: OutboxMessage, at: dt.datetime) -> None:
    """Send one refund to its processor; safe to repeat: the idempotency key is the refund's own."""
    refunds.send_refund(refund_id=message.payload["refund_id"], at=at)


@outbox.handles(events.EVENT_STEP, queue="payments")
def process_event(message: OutboxMessage, at: dt.datetime) -> None:
    """Apply one event by asking its processor."""
    events.process_event(event_id=message.payload["event_id"], at=at)


@shared_task(queue="payments")
def resolve_open_payments() -> int:
    """Ask the processors about attempts that are still open for more than a minute; how many were asked."""
    at = timezone.now()
    waiting = Payment.objects.filter(state__in=OPEN_STATES, created_at__lt=at - dt.timedelta(minutes=1))
    pks = list(waiting.exclude(state="created").order_by("pk").values_list("pk", flat=True)[:500])
    for pk in pks:
        payments.refresh_payment(payment_id=pk, at=at)
    return len(pks)
