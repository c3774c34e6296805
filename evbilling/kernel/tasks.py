"""Celery entry points of the kernel: they parse arguments and call one function."""

from celery import shared_task
from django.utils import timezone

from evbilling.kernel import audit, outbox


@shared_task
def run_outbox_message(message_id: int) -> None:
    """Run one background step."""
    outbox.run(message_id=message_id, at=timezone.now())


@shared_task
def sweep_outbox() -> None:
    """Re-enqueue lost steps."""
    outbox.sweep(at=timezone.now())


@shared_task
def seal_audit() -> None:
    """Chain committed audit records."""
    while audit.seal_audit() == 5000:
        pass
