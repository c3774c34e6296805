"""`check_books` runs what the apps registered, and the guards of the database are checked too."""

import json

import pytest
from django.core.management import call_command
from django.db import connection

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
