"""The database refuses what must never be: triggers on frozen rows, on PostgreSQL and SQLite alike.

Installed after every migrate because SQLite's AlterField silently drops triggers; `check_books` verifies their
presence with `missing_protections`. Only Django's `flush` in tests lifts them (DROP, then installed again).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connections

OPERATIONS = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Protection:
    """Refuse some operations on a model's rows while a condition holds.

    `when` is SQL over OLD (UPDATE, DELETE) or NEW (INSERT), the same on both databases; empty means always.
    `message` is what the database answers.
    """

    model: str
    name: str
    message: str
    operations: tuple[str, ...] = ("UPDATE", "DELETE")
    when: str = ""

    @property
    def table(self) -> str:
        """The protected table."""
        return str(apps.get_model(self.model)._meta.db_table)

    def trigger(self, operation: str) -> str:
        """The trigger's name in the database."""
        return f"protect_{self.table}_{self.name}_{operation.lower()}"

    def condition(self, operation: str) -> str:
        """The condition with ROW standing for NEW on insert, OLD otherwise.

        Where inserts are refused, an update looks at both: no row can be moved to where it could not be inserted.
        """
        before, after = self.when.replace("ROW.", "OLD."), self.when.replace("ROW.", "NEW.")
        if operation == "UPDATE" and self.when and "INSERT" in self.operations:
            return f"({before}) OR ({after})"
        return after if operation == "INSERT" else before


_registered: dict[tuple[str, str], Protection] = {}


def protect(*protections: Protection) -> None:
    """Register protections; each app does so in its AppConfig.ready()."""
    for protection in protections:
        _registered[(protection.model, protection.name)] = protection


def registered() -> list[Protection]:
    """All registered protections in a stable order."""
    return [_registered[key] for key in sorted(_registered)]


def append_only(model: str, message: str) -> Protection:
    """Rows of this model are inserted and never changed or deleted."""
    return Protection(model=model, name="append_only", message=message)


def _sqlite(protection: Protection, operation: str) -> Iterable[str]:
    name = protection.trigger(operation)
    when = f"WHEN {protection.condition(operation)}" if protection.when else ""
    message = protection.message.replace("'", "''")
    yield f'DROP TRIGGER IF EXISTS "{name}"'
    yield (
        f'CREATE TRIGGER "{name}" BEFORE {operation} ON "{protection.table}" FOR EACH ROW {when} '
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _postgres(protection: Protection, operation: str) -> Iterable[str]:
    name = protection.trigger(operation)
    message = protection.message.replace("'", "''").replace("%", "%%")
    condition = protection.condition(operation) or "TRUE"
    result = "OLD" if operation == "DELETE" else "NEW"
    yield (
        # by index even where the plan was made while the table was still small: a session keeps it
        f'CREATE OR REPLACE FUNCTION "{name}_fn"() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $body$ '
        f"BEGIN IF ({condition}) THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation'; END IF; "
        f"RETURN {result}; END $body$"
    )
    yield (
        f'CREATE OR REPLACE TRIGGER "{name}" BEFORE {operation} ON "{protection.table}" '
        f'FOR EACH ROW EXECUTE FUNCTION "{name}_fn"()'
    )


def _postgres_truncate(protection: Protection) -> Iterable[str]:
    name = protection.trigger("TRUNCATE")
    message = protection.message.replace("'", "''").replace("%", "%%")
    yield (
        f'CREATE OR REPLACE FUNCTION "{name}_fn"() RETURNS trigger LANGUAGE plpgsql AS $body$ '
        f"BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation'; END $body$"
    )
    yield (
        f'CREATE OR REPLACE TRIGGER "{name}" BEFORE TRUNCATE ON "{protection.table}" '
        f'FOR EACH STATEMENT EXECUTE FUNCTION "{name}_fn"()'
    )


def _statements(vendor: str, protection: Protection) -> Iterable[str]:
    for operation in protection.operations:
        yield from _sqlite(protection, operation) if vendor == "sqlite" else _postgres(protection, operation)
    if vendor == "postgresql" and "DELETE" in protection.operations:
        yield from _postgres_truncate(protection)


def install_protections(using: str = "default", **_signal: Any) -> None:
    """Create every trigger whose table exists (called after migrate; safe to repeat)."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for protection in registered():
            if protection.table in tables:
                for statement in _statements(connection.vendor, protection):
                    cursor.execute(statement)


def _expected(vendor: str, protection: Protection) -> set[str]:
    names = {protection.trigger(operation) for operation in protection.operations}
    if vendor == "postgresql" and "DELETE" in protection.operations:
        names.add(protection.trigger("TRUNCATE"))
    return names


def missing_protections(using: str = "default") -> list[str]:
    """Names of triggers that should stand in the database and do not (or are disabled)."""
    connection = connections[using]
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        present = {row[0] for row in cursor.fetchall()}
        expected = {name for protection in registered() for name in _expected(connection.vendor, protection)}
        missing = sorted(expected - present)
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA recursive_triggers")
            if not cursor.fetchone()[0]:
                missing.append("PRAGMA recursive_triggers (off: INSERT OR REPLACE would go around the triggers)")
    return missing


def lift_protections(using: str = "default") -> None:
    """Drop every trigger: for tests that flush or corrupt on purpose; `install_protections` puts them back."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for protection in registered():
            for name in sorted(_expected(connection.vendor, protection)):
                on = "" if connection.vendor == "sqlite" else f' ON "{protection.table}"'
                cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"{on}')
