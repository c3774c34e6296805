"""What PostgreSQL's planner knows of a table that has just grown by a lot.

Statistics are renewed in the background some minutes after a table has changed; a month close fills tables in seconds,
and meanwhile its own queries would be planned for empty ones and read them whole ("Run ANALYZE afterwards" in
PostgreSQL's manual, Populating a Database). Only for rows that go in by COPY; other databases are left alone.
"""

from dataclasses import dataclass

from django.db import connection, transaction

FIRST_LOOK = 5000
"""Rows that this process has put into a table until it looks for the first time; then whenever they have doubled."""


@dataclass(slots=True)
class _Growth:
    rows: int = 0
    next_look: int = FIRST_LOOK


_growth: dict[tuple[str, str], _Growth] = {}


def note_rows(table: str, count: int) -> None:
    """This many rows went into the table; once they are many against those of the last statistics, these are renewed.

    Runs after the commit, and if it fails nothing of that is lost but time; a table that somebody else is just looking
    through is left to him.
    """
    growth = _growth.setdefault((str(connection.settings_dict["NAME"]), table), _Growth())
    growth.rows += count
    if growth.rows < growth.next_look:
        return
    transaction.on_commit(lambda: _renew(table, growth), robust=True)


def _renew(table: str, growth: _Growth) -> None:
    if growth.rows < growth.next_look:  # looked at already, after the same commit
        return
    added, growth.next_look = growth.rows, 2 * growth.rows
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table])
        (known,) = cursor.fetchone()  # -1: never looked at
        if 2 * added >= known:
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {connection.ops.quote_name(table)}")
