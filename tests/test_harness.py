"""The harness itself: the flush between tests, the schedule, a real worker and its death."""

import datetime as dt
from importlib import import_module

import pytest
from celery.schedules import crontab
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from evbilling.celery import app
from evbilling.kernel.audit import AuditRecord, record_audit
from evbilling.kernel.protection import missing_protections
from evbilling.kernel.tasks import seal_audit

AT = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "again"])
def test_a_test_with_real_transactions_starts_empty_and_protected(time: str) -> None:
    assert AuditRecord.objects.count() == 0
    record_audit(action="test.flush", obj=None, by=None, at=AT, reason=time)
    assert missing_protections() == []


@pytest.mark.django_db
def test_lifted_protections_let_a_test_corrupt_rows(without_protections: None) -> None:
    record = record_audit(action="test.corrupt", obj=None, by=None, at=AT)
    AuditRecord.objects.filter(pk=record.pk).update(action="test.forged")
    assert AuditRecord.objects.get().action == "test.forged"


@pytest.mark.django_db
def test_protections_stand_again_in_the_next_test() -> None:
    record = record_audit(action="test.corrupt", obj=None, by=None, at=AT)
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditRecord.objects.filter(pk=record.pk).update(action="test.forged")
    assert AuditRecord.objects.get().action == "test.corrupt"
    assert missing_protections() == []


def test_every_scheduled_task_exists() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        module, _dot, function = entry["task"].rpartition(".")
        assert getattr(import_module(module), function).name == entry["task"]
    assert all(isinstance(entry["schedule"], float | crontab) for entry in settings.CELERY_BEAT_SCHEDULE.values())


def test_queues_of_settings_start_script_and_application_agree() -> None:
    assert [queue.name for queue in app.conf.task_queues] == list(settings.QUEUES)
    assert f"--queues {','.join(settings.QUEUES)} " in (settings.BASE_DIR / "run").read_text()


@pytest.mark.postgres
def test_the_second_pass_runs_on_postgresql(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        assert int(cursor.fetchone()[0]) >= 150000


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_real_worker_takes_the_tasks_of_the_test_database(celery_worker, wait_until) -> None:
    record = record_audit(action="test.worker", obj=None, by=None, at=AT)
    worker = celery_worker()
    seal_audit.apply_async()
    wait_until(lambda: AuditRecord.objects.filter(pk=record.pk, seal__isnull=False).exists())

    worker.kill()
    assert worker.process.poll() is not None
    later = record_audit(action="test.later", obj=None, by=None, at=AT)
    seal_audit.apply_async()
    assert AuditRecord.objects.filter(pk=later.pk, seal__isnull=True).exists()

    celery_worker()  # the broker kept the task for the next worker
    wait_until(lambda: AuditRecord.objects.filter(pk=later.pk, seal__isnull=False).exists())
