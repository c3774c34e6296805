"""Celery entry points of access: they parse arguments and call one operation."""

from celery import shared_task
from django.utils import timezone

from evbilling.access.operations import deactivate_unused_users


@shared_task
def switch_off_unused_users() -> None:
    """Every day: who has not been here for 90 days is switched off."""
    deactivate_unused_users(by=None, at=timezone.now())
