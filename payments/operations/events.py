"""Events of processors: stored first, applied once, by fetching the object again (I13)."""

import datetime as dt
from typing import Any

from django.db import transaction

from evbilling.kernel import outbox
from evbilling.kernel.card_guard import mask_card_numbers
from evbilling.kernel.strict_json import dumps, loads
from payments.models import Payment, ProcessorEvent
from payments.operations.payments import refresh_payment

EVENT_STEP = "payments.event"


def receive_event(
    *, processor: str, event_ref: str, object_ref: str, body: dict[str, Any], at: dt.datetime
) -> tuple[ProcessorEvent, bool]:
    """Store an event (card numbers masked) and queue its work; the event, and whether it was new."""
    with transaction.atomic():
        event, created = ProcessorEvent.objects.get_or_create(
            processor=processor,
            event_ref=event_ref,
            defaults={
                "object_ref": object_ref,
                "body": loads(mask_card_numbers(dumps(body))),
                "received_at": at,
            },
        )
        if created:
            outbox.add(kind=EVENT_STEP, key=f"event:{event.pk}", payload={"event_id": event.pk}, at=at)
    return event, created


def process_event(*, event_id: int, at: dt.datetime) -> ProcessorEvent:
    """Ask the processor about the payment that an event speaks of. An unknown one is kept and said so."""
    event = ProcessorEvent.objects.get(pk=event_id)
    payment = Payment.objects.filter(processor=event.processor, processor_ref=event.object_ref).first()
    outcome = "no payment of ours"
    if payment is not None:
        outcome = f"{payment.public_id}: {refresh_payment(payment_id=payment.pk, at=at).state}"
    ProcessorEvent.objects.filter(pk=event_id).update(processed_at=at, outcome=outcome)
    event.processed_at, event.outcome = at, outcome
    return event
