"""The books prove themselves: apps register checks for the invariants of DOMAIN.md; `check_books` runs them.

On PostgreSQL two go on at a time, each in a database session of its own, and all see the books as of one instant: what
is booked while they run is not half seen by one check and whole by another.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, connections
from django.utils.translation import activate, get_language

from evbilling.kernel import audit
from evbilling.kernel.protection import missing_protections

AT_A_TIME = 2
_READ = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in the books that must not be: the invariant, the object it is about, and a sentence."""

    invariant: str
    about: str
    problem: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check of an invariant. `function` yields findings and changes nothing."""

    invariant: str
    title: str
    function: Callable[[], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found, and the seconds it took."""

    check: Check
    findings: tuple[Finding, ...]
    seconds: float


_checks: dict[tuple[str, str], Check] = {}


def proves(invariant: str, title: str) -> Callable[[Callable[[], Iterator[Finding]]], Callable[[], Iterator[Finding]]]:
    """Register a check of an invariant (I1 to I21); the title is what the operator reads."""

    def register(function: Callable[[], Iterator[Finding]]) -> Callable[[], Iterator[Finding]]:
        _checks[(invariant, title)] = Check(invariant, title, function)
        return function

    return register


def registered_checks() -> list[Check]:
    """All checks in the order of their invariants."""
    return sorted(_checks.values(), key=lambda check: (int(check.invariant[1:]), check.title))


def check_books(only: frozenset[str] = frozenset()) -> Iterator[CheckResult]:
    """Run every check (or those of the named invariants), yielding each result in their order.

    Inside a transaction, whose changes no other database session sees, and on SQLite one after the other.
    """
    checks = [check for check in registered_checks() if not only or check.invariant in only]
    if connection.vendor != "postgresql" or connection.in_atomic_block or len(checks) < AT_A_TIME:
        yield from map(_result, checks)
        return
    with _provers() as pool:
        yield from pool.map(_result, checks)


@contextmanager
def _provers() -> Iterator[ThreadPoolExecutor]:
    """Threads whose database sessions read one snapshot of the books, and cannot write."""
    language = get_language()
    keeper = connection.copy()
    sessions = [keeper]

    def read_as_of(snapshot: str) -> None:
        session = connections[keeper.alias]
        session.inc_thread_sharing()
        sessions.append(session)
        session.set_autocommit(False)
        with session.cursor() as cursor:
            cursor.execute(_READ)
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
            cursor.execute("SET LOCAL work_mem = '64MB'")
        if language:
            activate(language)

    try:
        keeper.set_autocommit(False)
        with keeper.cursor() as cursor:
            cursor.execute(_READ)
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot = cursor.fetchone()[0]
        with ThreadPoolExecutor(AT_A_TIME, initializer=read_as_of, initargs=(snapshot,)) as pool:
            yield pool
    finally:
        for session in sessions:
            session.close()


def _result(check: Check) -> CheckResult:
    started = time.perf_counter()
    findings = tuple(check.function())
    return CheckResult(check, findings, time.perf_counter() - started)


@proves("I8", "The database guards frozen rows")
def _protections_present() -> Iterator[Finding]:
    for name in missing_protections():
        yield Finding("I8", name, f"The database does not guard {name}; run manage.py migrate to install it again.")


@proves("I19", "The audit chain verifies")
def _audit_chain() -> Iterator[Finding]:
    for finding in audit.verify_chain():
        yield Finding("I19", f"seal {finding.sequence}", finding.problem)
