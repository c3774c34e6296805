"""The audit trail: append-only, sealed into a chain, every tampering found (I19)."""

import datetime as dt
import json

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from evbilling.kernel.audit import record_audit, seal_audit, unsealed_count, verify_chain
from evbilling.kernel.models import AuditRecord, AuditSeal
from tests.kernel.steps import NOON

pytestmark = pytest.mark.django_db


def write_three() -> list[AuditRecord]:
    return [
        record_audit(
            action=f"test.thing.{name}",
            obj=None,
            by=None,
            at=NOON + dt.timedelta(microseconds=index),
            reason="because",
            changes={"b": index, "a": {"z": 1, "y": [2]}},
            members=[index],
        )
        for index, name in enumerate(["made", "changed", "ended"])
    ]


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_committed_records_are_sealed_once_in_order() -> None:
    records = write_three()
    assert unsealed_count() == 3
    assert seal_audit() == 3
    assert seal_audit() == 0
    assert [seal.record for seal in AuditSeal.objects.all()] == records
    assert list(verify_chain()) == []


def test_the_chain_goes_on_where_it_ended() -> None:
    write_three()
    seal_audit()
    write_three()
    seal_audit()
    assert AuditSeal.objects.count() == 6
    assert list(verify_chain()) == []


@pytest.mark.parametrize("table", ["kernel_auditrecord", "kernel_auditseal"])
@pytest.mark.parametrize("sql", ["DELETE FROM {table}", "UPDATE {table} SET id = id"])
def test_the_database_refuses_to_change_the_trail(table: str, sql: str) -> None:
    write_three()
    seal_audit()
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        execute(sql.format(table=table))
    assert (AuditRecord.objects.count(), AuditSeal.objects.count()) == (3, 3)


@pytest.mark.usefixtures("without_protections")
@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE kernel_auditrecord SET reason = 'other' WHERE action = 'test.thing.changed'", "was changed after"),
        ("UPDATE kernel_auditrecord SET by_label = 'nobody' WHERE action = 'test.thing.made'", "was changed after"),
        ("DELETE FROM kernel_auditseal WHERE sequence = 2", "is missing"),
        ("UPDATE kernel_auditseal SET previous_hash = 'x' WHERE sequence = 3", "does not follow"),
    ],
)
def test_every_tampering_is_found(sql: str, problem: str) -> None:
    write_three()
    seal_audit()
    execute(sql)
    assert any(problem in finding.problem for finding in verify_chain())


def test_the_command_seals_and_verifies(capsys: pytest.CaptureFixture[str]) -> None:
    write_three()
    call_command("audit_verify", "--json")
    assert json.loads(capsys.readouterr().out) == {"records": 3, "verified": True, "findings": []}


@pytest.mark.usefixtures("without_protections")
def test_the_command_ends_with_1_on_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    write_three()
    seal_audit()
    execute("UPDATE kernel_auditrecord SET reason = 'other'")
    with pytest.raises(SystemExit) as ended:
        call_command("audit_verify")
    assert ended.value.code == 1
    assert "was changed after it was sealed" in capsys.readouterr().out
