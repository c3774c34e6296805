"""Many rows at once are the rows that were given, on both databases, and the database still guards them."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from evbilling.kernel.audit import AuditRecord, AuditSeal
from evbilling.kernel.bulk import check_references, insert_rows, next_ids, update_rows
from evbilling.kernel.models import OutboxMessage

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
NASTY = 'tab\tline\nreturn\rbackslash\\N quote" ümlaut €'


def _audit(count: int, **changes: Any) -> None:
    insert_rows(
        AuditRecord,
        ("action", "by_label", "at", "changes", "members", "reason"),
        ((f"test.{n}", "system", AT, changes, [NASTY, n], NASTY) for n in range(count)),
    )


def test_rows_are_read_back_as_they_were_given_and_the_rest_has_its_defaults() -> None:
    _audit(3, net=Decimal("1.10"), text=NASTY, nothing=None)
    rows = list(AuditRecord.objects.order_by("pk"))
    assert [row.action for row in rows] == ["test.0", "test.1", "test.2"]
    assert (rows[1].at, rows[1].reason, rows[1].members) == (AT, NASTY, [NASTY, 1])
    assert rows[1].changes == {"net": "1.10", "text": NASTY, "nothing": None}
    assert (rows[1].result, rows[1].object_type, rows[1].by_id) == ("ok", "", None)


def test_many_more_rows_than_a_batch() -> None:
    _audit(2501)
    assert AuditRecord.objects.count() == 2501


def test_a_float_is_refused_and_nothing_is_written() -> None:
    with pytest.raises(TypeError, match="float"), transaction.atomic():
        _audit(1, net=1.5)
    assert not AuditRecord.objects.exists()


@pytest.mark.postgres
def test_a_row_that_names_no_other_is_refused_when_references_are_checked_before_the_commit() -> None:
    with transaction.atomic():
        _audit(1)
        check_references()
    with transaction.atomic():
        insert_rows(AuditSeal, ("sequence", "record_id", "previous_hash", "hash"), [(7, 999_999_999, "", "")])
        with pytest.raises(IntegrityError, match="record_id"):
            check_references()
        transaction.set_rollback(True)
    assert AuditRecord.objects.count() == 1
    assert not AuditSeal.objects.exists()


def test_keys_that_were_taken_before_are_those_of_the_rows_and_come_never_again() -> None:
    first, second = next_ids(OutboxMessage, 2), next_ids(OutboxMessage, 3)
    assert sorted({*first, *second}) == [*first, *second]
    fields = ("pk", "kind", "key", "queue", "created_at", "due_at")
    insert_rows(OutboxMessage, fields, [(pk, "k", f"key{pk}", "billing", AT, AT) for pk in (*first, *second)])
    assert set(OutboxMessage.objects.values_list("pk", flat=True)) == {*first, *second}
    made = OutboxMessage.objects.create(kind="k", key="later", queue="billing", created_at=AT, due_at=AT)
    assert made.pk > second[-1]
    assert next_ids(OutboxMessage, 0) == []


def test_an_update_sets_only_what_it_names() -> None:
    ids = next_ids(OutboxMessage, 2)
    fields = ("pk", "kind", "key", "queue", "created_at", "due_at")
    insert_rows(OutboxMessage, fields, [(pk, "k", f"key{pk}", "billing", AT, AT) for pk in ids])
    later = AT + dt.timedelta(days=1)
    wanted = [(ids[0], {"a": Decimal("2.50")}, NASTY, later, 4), (ids[1], {}, "", None, 0)]
    assert update_rows(OutboxMessage, ("payload", "last_error", "claimed_at", "attempts"), wanted) == 2
    first, second = OutboxMessage.objects.order_by("pk")
    assert (first.payload, first.last_error, first.claimed_at, first.attempts) == ({"a": "2.50"}, NASTY, later, 4)
    assert (second.payload, second.claimed_at, second.key) == ({}, None, f"key{ids[1]}")
    assert update_rows(OutboxMessage, ("attempts",), []) == 0


def test_frozen_rows_stay_frozen() -> None:
    _audit(1)
    record = AuditRecord.objects.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        update_rows(AuditRecord, ("reason",), [(record.pk, "changed")])
    assert AuditRecord.objects.get().reason == NASTY
