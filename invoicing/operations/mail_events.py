"""What the mail provider says became of a mail: kept as it came, once (I13).

Nothing is written onto the delivery: what became of it is read from its events (`queries.deliveries`), so replays and
any order give the same. An event that names no mail of ours is kept too.
"""

import datetime as dt

from django.db import transaction

from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import mask_card_numbers
from invoicing.models import Delivery, DeliveryEvent, DeliveryEventKind
from invoicing.queries.deliveries import RETURNED


def record_mail_event(
    *,
    provider: str,
    event_ref: str,
    kind: DeliveryEventKind,
    message_refs: tuple[str, ...],
    recipient: str,
    detail: str,
    occurred_at: dt.datetime | None,
    at: dt.datetime,
) -> DeliveryEvent:
    """Keep one event; the same one again changes nothing.

    `message_refs` are the names that it may give the mail, ours first.
    """
    names = [name for name in message_refs if name]
    detail = mask_card_numbers(detail)  # a returned mail may quote what its recipient wrote (I21)
    with transaction.atomic():
        found = Delivery.objects.filter(message_ref__in=names).order_by("pk").first() if names else None
        event, made = DeliveryEvent.objects.get_or_create(
            provider=provider,
            event_ref=event_ref[:120],
            defaults={
                "delivery": found,
                "kind": kind,
                "recipient": recipient[:254],
                "message_ref": next(iter(names), "")[:200],
                "detail": detail[:500],
                "occurred_at": occurred_at,
                "received_at": at,
            },
        )
        if made and found is not None and kind in RETURNED:
            record_audit(
                action="invoicing.delivery.returned",
                obj=found,
                by=None,
                at=at,
                result=kind.value,
                reason=detail[:300],
                changes={"to": recipient},
            )
    return event
