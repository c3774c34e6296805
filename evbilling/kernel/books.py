"""The books prove themselves: apps register checks for the invariants of DOMAIN.md; `check_books` runs them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from evbilling.kernel import audit
from evbilling.kernel.protection import missing_protections


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
    """Run every check (or those of the named invariants), yielding each result as it is there."""
    for check in registered_checks():
        if only and check.invariant not in only:
            continue
        started = time.perf_counter()
        findings = tuple(check.function())
        yield CheckResult(check, findings, time.perf_counter() - started)


@proves("I8", "The database guards frozen rows")
def _protections_present() -> Iterator[Finding]:
    for name in missing_protections():
        yield Finding("I8", name, f"The database does not guard {name}; run manage.py migrate to install it again.")


@proves("I19", "The audit chain verifies")
def _audit_chain() -> Iterator[Finding]:
    for finding in audit.verify_chain():
        yield Finding("I19", f"seal {finding.sequence}", finding.problem)
