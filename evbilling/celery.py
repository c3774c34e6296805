"""The Celery application: carries work; the database is the queue (ARCHITECTURE, Background work)."""

import os

from celery import Celery
from celery.signals import worker_process_init
from kombu import Queue

from evbilling.kernel.memory import collect_rarely

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evbilling.settings")
app = Celery("evbilling")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name, routing_key=name) for name in ("billing", "documents", "mail", "payments")]
app.conf.task_create_missing_queues = False  # a misspelt queue raises instead of filling one that nobody works on
app.autodiscover_tasks()


@worker_process_init.connect
def prepare_worker(**_about: object) -> None:
    """What every worker process does before its first task."""
    collect_rarely()
