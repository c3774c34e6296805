"""`check_books` runs what the apps registered, and the guards of the database are checked too."""

import datetime as dt
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.db import InternalError, connection, transaction

from evbilling.kernel import books
from evbilling.kernel.audit import AuditRecord, record_audit
from evbilling.kernel.books import Check, Finding, check_books
from evbilling.kernel.protection import install_protections, missing_protections, registered

pytestmark = pytest.mark.django_db


def test_every_guard_stands_after_migrate() -> None:
    assert len(registered()) >= 20
    assert missing_protections() == []


@pytest.mark.usefixtures("without_protections")
def test_a_missing_guard_is_reported_and_installed_again(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("check_books", "--only", "I8", "--json")
    assert ended.value.code == 1
    problems = [finding["problem"] for finding in json.loads(capsys.readouterr().out)["findings"]]
    assert any("does not guard protect_invoicing_invoice_issued_update" in problem for problem in problems)
    install_protections()
    assert missing_protections() == []


def test_insert_or_replace_does_not_go_around_the_guards() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has INSERT OR REPLACE")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers = OFF")
        try:
            assert any("recursive_triggers" in name for name in missing_protections())
        finally:
            cursor.execute("PRAGMA recursive_triggers = ON")


def test_an_empty_installation_has_clean_books(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_books", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["clean"] is True
    assert {"I8", "I19"} <= {check["invariant"] for check in report["checks"]}


def test_an_unknown_invariant_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("check_books", "--only", "I99")
    assert ended.value.code == 2
    assert "I99" in capsys.readouterr().err


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_all_checks_read_the_books_as_of_one_instant_and_cannot_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given what others book while checks run; when they run; then none sees it, all answer in their order, and their
    database sessions are gone.
    """

    def book() -> None:
        record_audit(action="test.meanwhile", obj=None, by=None, at=dt.datetime(2026, 11, 2, 8, 0, tzinfo=dt.UTC))
        connection.close()

    def booked_meanwhile() -> Iterator[Finding]:
        with ThreadPoolExecutor(1) as another:
            another.submit(book).result()
        yield Finding("I1", "first", f"{AuditRecord.objects.count()} records")

    def looks() -> Iterator[Finding]:
        yield Finding("I2", "second", f"{AuditRecord.objects.count()} records")

    def writes() -> Iterator[Finding]:
        with pytest.raises(InternalError, match="read-only transaction"), transaction.atomic():
            record_audit(action="test.write", obj=None, by=None, at=dt.datetime(2026, 11, 2, 8, 0, tzinfo=dt.UTC))
        yield Finding("I3", "third", "refused")

    checks = [Check("I1", "a", booked_meanwhile), Check("I2", "b", looks), Check("I3", "c", writes)]
    monkeypatch.setattr(books, "_checks", {(each.invariant, each.title): each for each in checks})
    before = _database_sessions()
    results = list(check_books())
    assert [result.check for result in results] == checks
    assert [finding.problem for result in results for finding in result.findings] == ["0 records"] * 2 + ["refused"]
    assert list(AuditRecord.objects.values_list("action", flat=True)) == ["test.meanwhile"]
    assert _database_sessions() == before


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_check_that_breaks_ends_them_all_and_leaves_no_database_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks() -> Iterator[Finding]:
        raise ZeroDivisionError
        yield

    checks = [Check(f"I{number}", "breaks", breaks) for number in (1, 2, 3)]
    monkeypatch.setattr(books, "_checks", {(each.invariant, each.title): each for each in checks})
    before = _database_sessions()
    with pytest.raises(ZeroDivisionError):
        list(check_books())
    assert _database_sessions() == before


def _database_sessions() -> int:
    """How many read or write this database; one that was closed may take a moment to end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.1)")
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
