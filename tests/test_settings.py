"""The documented settings are the settings; unsafe combinations do not start."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def read_by_settings() -> set[str]:
    """The names in `env.kind("NAME", ...)` calls of evbilling/settings.py."""
    tree = ast.parse((ROOT / "evbilling" / "settings.py").read_text())
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "env" and node.func.attr != "read_env"
        if isinstance(node.args[0], ast.Constant)
    }


def documented(part: int) -> list[str]:
    """The names in the first column of one of the tables of docs/settings.md."""
    table = (ROOT / "docs" / "settings.md").read_text().split("\n## ")[part]
    rows = re.findall(r"(?m)^\| (`.*?) \|", table)
    return [name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)]


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own, with these variables and nothing of the developer's."""
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "DATA_DIR": os.environ["DATA_DIR"], **variables}
    code = "import evbilling.settings as s; print(s.DATABASES['default']['ENGINE'], s.CELERY_BROKER_URL, s.MODE)"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_every_variable_of_the_settings_is_documented_and_no_other() -> None:
    assert sorted(documented(0)) == sorted(read_by_settings())


def test_variables_of_the_start_script_are_documented() -> None:
    script = (ROOT / "run").read_text()
    assert {name for name in documented(1) if not re.search(rf"\$\{{{name}\b", script)} == set()


def test_nothing_set_runs_on_sqlite_and_files() -> None:
    assert start().stdout.split() == ["django.db.backends.sqlite3", "filesystem://localhost/", "demo"]


def test_servers_are_taken_from_their_addresses() -> None:
    given = start(DATABASE_URL="postgres://user@//run/postgresql/name", REDIS_URL="redis://localhost:6379/0")
    assert given.stdout.split() == ["django.db.backends.postgresql", "redis://localhost:6379/0", "demo"]


LIVE = {"MODE": "live", "SECRET_KEY": "k" * 50, "PUBLIC_URL": "https://billing.example"}


def test_live_starts_when_it_is_safe() -> None:
    assert start(**LIVE).stdout.split()[-1:] == ["live"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"MODE": "production"}, "MODE is 'production'"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"DEBUG": "true"}, "DEBUG is on"),
        ({"PUBLIC_URL": "http://billing.example"}, "PUBLIC_URL is 'http://billing.example'"),
        ({"SANDBOX_PROCESSOR": "true"}, "SANDBOX_PROCESSOR is on"),
    ],
)
def test_live_refuses_what_is_unsafe(change: dict[str, str], word: str) -> None:
    refused = start(**LIVE | change)
    assert refused.returncode != 0
    assert word in refused.stderr.splitlines()[-1]
