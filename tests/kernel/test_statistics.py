"""After many rows the planner of PostgreSQL knows them; a table that hardly grew is left alone."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evbilling.kernel import statistics
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.bulk import insert_rows

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
AT = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_growth", {})


def known_rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [AuditRecord._meta.db_table])
        return int(cursor.fetchone()[0])


def add(count: int) -> None:
    insert_rows(AuditRecord, ("action", "by_label", "at"), [(f"test.{n}", "system", AT) for n in range(count)])


def test_given_many_new_rows_when_committed_then_the_planner_knows_them(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        add(statistics.FIRST_LOOK)
    assert known_rows() == AuditRecord.objects.count() >= statistics.FIRST_LOOK


def test_given_fewer_rows_when_committed_then_nothing_is_looked_at(django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        add(statistics.FIRST_LOOK - 1)
    assert callbacks == []
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        add(1)
    assert len(callbacks) == 1
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        add(statistics.FIRST_LOOK - 1)  # not twice as many yet
    assert callbacks == []


def test_given_many_rows_in_parts_when_committed_then_the_table_is_looked_at_once(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with CaptureQueriesContext(connection) as queries, django_capture_on_commit_callbacks(execute=True):
        add(statistics.FIRST_LOOK)
        add(100)
    assert len([each for each in queries if each["sql"].startswith("ANALYZE")]) == 1


def test_given_a_table_that_is_much_larger_when_it_grows_then_its_statistics_stay(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with connection.cursor() as cursor:
        table = AuditRecord._meta.db_table
        cursor.execute("UPDATE pg_class SET reltuples = 1000000 WHERE relname = %s", [table])
    with django_capture_on_commit_callbacks(execute=True):
        add(statistics.FIRST_LOOK)
    assert known_rows() == 1_000_000
