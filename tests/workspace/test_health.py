"""What load balancers, supervisors and browsers ask by themselves: alive, ready with every part, the icon."""

import pytest
from django.core.cache import cache
from django.db.migrations.executor import MigrationExecutor
from django.templatetags.static import static
from django.test import Client


def test_the_process_answers_without_a_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_ready_when_database_migrations_and_cache_are(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "parts": {"database": "ok", "migrations": "ok", "cache": "ok"}}


@pytest.mark.django_db
def test_a_cache_that_forgets_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(cache._connections["default"]), "get", lambda *_args, **_kwargs: None)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": "ok", "migrations": "ok", "cache": "unavailable"}


@pytest.mark.django_db
def test_a_migration_that_is_missing_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_args: [("charging", "0002")])
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["migrations"] == "unavailable"


@pytest.mark.django_db
def test_only_reading_is_answered(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
    assert client.post("/readyz").status_code == 405


@pytest.mark.django_db
def test_a_browser_that_asks_for_an_icon_by_itself_gets_the_products(client: Client) -> None:
    """As it does beside a PDF, which cannot name one."""
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer.headers["Location"]) == (302, static("shell/favicon.svg"))
