"""A database for a benchmark alone: made for it, migrated, and dropped at its end. Real data is never touched."""

import contextlib
import importlib
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import environ
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from evbilling.kernel.databases import POSTGRESQL_OPTIONS
from evbilling.kernel.errors import BadInput

type Settings = dict[str, Any]


@contextlib.contextmanager
def server(*, sqlite: bool, say: Callable[[str], None]) -> Iterator[Settings]:
    """Where databases can be made: settings of the PostgreSQL of DATABASE_URL, else of a private one that is started.

    With `sqlite`, settings of an SQLite file. The private server is the tests' own: it does not wait for the disk.
    """
    configured: Settings = dict(settings.DATABASES["default"])
    if sqlite:
        if connection.vendor != "sqlite":
            raise BadInput("--sqlite", "DATABASE_URL", "It names PostgreSQL; leave out one of the two.")
        yield configured
    elif connection.vendor == "postgresql":
        yield configured
    else:
        say("starting a private PostgreSQL (fsync off)")
        servers = importlib.import_module("tests.servers")  # stands in a clone of the product
        with servers.private_postgres() as url:
            yield {**environ.Env.db_url_config(url), "ATOMIC_REQUESTS": False, "OPTIONS": POSTGRESQL_OPTIONS}


@contextlib.contextmanager
def fresh_database(server_settings: Settings) -> Iterator[None]:
    """Point the default connection at a new, migrated database on that server; back again, and dropped, afterwards."""
    before: Settings = dict(settings.DATABASES["default"])
    if "sqlite" in server_settings["ENGINE"]:
        with (
            tempfile.TemporaryDirectory(prefix="evbilling-bench-") as folder,
            _connected({**server_settings, "NAME": str(Path(folder) / "bench.sqlite3")}, before),
        ):
            yield
        return
    name = f"evbilling_bench_{secrets.token_hex(6)}"
    with _connected(server_settings, before), connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    try:
        with _connected({**server_settings, "NAME": name}, before):
            yield
    finally:
        with _connected(server_settings, before), connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def _connected(wanted: Settings, before: Settings) -> Iterator[None]:
    _point_to(wanted)
    try:
        yield
    finally:
        _point_to(before)


def _point_to(wanted: Settings) -> None:
    connections.close_all()
    connections.settings = connections.configure_settings({"default": dict(wanted)})
    with contextlib.suppress(AttributeError):
        del connections["default"]


def migrate() -> None:
    """Tables, triggers and seeds as every installation has them."""
    call_command("migrate", verbosity=0, interactive=False)
