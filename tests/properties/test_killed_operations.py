"""What people do with money, killed at each of its steps and done again, ends as if nobody had killed it (I16).

One transaction leaves nothing behind when it is killed; what takes several (a month, a refund through a processor)
goes on where it stood.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from evbilling.kernel import steps
from evbilling.kernel.books import check_books
from evbilling.kernel.steps import observed
from invoicing.models import (
    AccountingPeriod,
    Allocation,
    Correction,
    Deposit,
    Dispute,
    DunningStep,
    Invoice,
    Letter,
)
from invoicing.operations import dunning, statements
from payments.models import Payment, Refund, SandboxRefund
from tests.invoicing.month import AT, ISSUED_ON, OCTOBER, Killed, kill_at, left_behind
from tests.invoicing.quiet import nothing_is_drawn
from tests.properties.kills import KILLED_BY, Noting
from tests.properties.office import MATRIX, Office, Work
from tests.properties.world import make_world

__all__ = ["nothing_is_drawn"]
pytestmark = pytest.mark.django_db


class Undo(Exception):
    """Takes back what a block did."""


@contextmanager
def undone() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            raise Undo
    except Undo:
        pass


FEW = ("write-off", "deposit held", "dispute accepted")
"""Those that every run of the tests kills; they are quick."""


def left() -> dict[str, Any]:
    """All that matters, without keys, instants and random references."""
    corrections = Correction.objects.values_list("invoice__number", "kind", "state", "amount", "credit_note__number")
    return left_behind() | {
        "replaced": sorted(Invoice.objects.values_list("slot", "state", "replaces__number", "split_key"), key=repr),
        "corrections": sorted(corrections, key=repr),
        "disputes": sorted(Dispute.objects.values_list("session__provider_ref", "state", "answer"), key=repr),
        "allocations": sorted(Allocation.objects.values_list("invoice__number", "amount"), key=repr),
        "deposits": sorted(Deposit.objects.values_list("contract__number", "kind", "amount"), key=repr),
        "dunning": sorted(DunningStep.objects.values_list("invoice__number", "level", "open_amount"), key=repr),
        "letters": sorted(Letter.objects.values_list("source", "sha256"), key=repr),
        "payments": sorted(Payment.objects.values_list("party__number", "state", "amount"), key=repr),
        "refunds": sorted(Refund.objects.values_list("amount", "state", "failure"), key=repr),
        "given back": sorted(SandboxRefund.objects.values_list("amount", "failure"), key=repr),
        "closed": sorted(AccountingPeriod.objects.values_list("month", "asked_by", "reopened_by"), key=repr),
    }


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(dunning, "draw_notice", lambda *_args, **_values: b"%PDF-1.7 a notice")
    monkeypatch.setattr(statements, "draw_statement", lambda *_args, **_values: b"%PDF-1.7 a statement")
    office = Office(*make_world())
    office.run(OCTOBER, AT, ISSUED_ON)
    return office


def kill_each(office: Office, work: Work, whole: bool, every: bool) -> set[str]:
    """Kill the work at the last place of each step (`every`: at each place) and do it again; the steps it has."""
    before, trace = left(), list[str]()
    with undone():
        with observed(trace.append):
            work(office)
        after = left()
    assert after != before
    last = {name: place for place, name in enumerate(trace)}
    for place in range(len(trace)) if every else sorted(last.values()):
        with undone():
            with pytest.raises(Killed) as killed, observed(kill_at(place, [])):
                work(office)
            assert str(killed.value) == trace[place]
            assert not whole or left() == before, f"killed at {trace[place]}, something stayed"
            work(office)
            assert left() == after, f"killed at {trace[place]} and done again"
            assert [finding for result in check_books() for finding in result.findings] == []
    return set(trace)


def named_steps() -> set[str]:
    """The names of all steps in the product."""
    root = Path(settings.BASE_DIR)
    apps = ("evbilling", "contracts", "sessions", "invoicing", "payments")
    sources = (path for app in apps for path in (root / app).rglob("*.py"))
    return {name for path in sources for name in re.findall(r'\bstep\("([a-z_.]+)"\)', path.read_text())}


def kill_all(office: Office, names: Iterable[str], *, every: bool) -> set[str]:
    reached: set[str] = set()
    for name in names:
        prepare, work, whole = MATRIX[name]
        with undone():
            prepare(office)
            killed_at = kill_each(office, work, whole, every)
            assert killed_at, f"{name} has no step"
            reached |= killed_at
    return reached


def test_killed_at_each_step_of_a_few_operations(office: Office) -> None:
    assert len(kill_all(office, FEW, every=False)) >= 4


@pytest.mark.long
def test_every_named_step_is_killed_at_and_what_was_killed_ends_the_same(office: Office) -> None:
    missing = named_steps() - kill_all(office, MATRIX, every=False)
    assert missing == frozenset().union(*KILLED_BY.values())


@pytest.mark.long
def test_what_is_killed_elsewhere_has_its_test() -> None:
    """Each is found by its name; that it kills where it is said to is looked at when it runs (kills.py)."""
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--no-cov", "-q", "--all", "--collect-only"]
        + list(KILLED_BY),
        cwd=settings.BASE_DIR,
        check=False,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert {line for line in found.stdout.splitlines() if "::" in line} == set(KILLED_BY)


def test_a_step_that_the_work_only_passes_is_not_one_that_it_was_killed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    noting: Any = Noting()
    monkeypatch.setattr(steps, "_observer", noting)
    with observed(kill_at(1, [])):
        steps.step("passed")
        with pytest.raises(Killed):
            steps.step("killed")
    assert noting.killed == {"killed"}
    assert list(noting) == []
