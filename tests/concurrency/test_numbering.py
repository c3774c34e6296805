"""Numbers are gapless and unique under concurrent issuers (I9): real threads, real transactions, PostgreSQL.

Twenty threads issue ten drafts each. The last test takes the lock away and must see numbers collide: so the others
would see it too.
"""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connections

from evbilling.kernel.steps import observed
from invoicing.models import Invoice, InvoiceState, JournalEntry, NumberSeries
from invoicing.operations import numbers
from invoicing.operations.issuing import issue_invoice
from tests.factories import make_contract_in_force
from tests.invoicing.factories import ISSUED_AT, ISSUED_ON, make_draft

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
THREADS, EACH = 20, 10
ALL_NUMBERS = [f"INV-2026-{sequence:06d}" for sequence in range(1, THREADS * EACH + 1)]


class RolledBack(Exception):
    """Ends a transaction after its number was taken."""


@pytest.fixture
def drafts() -> list[int]:
    contract = make_contract_in_force()
    return [make_draft(contract).pk for _number in range(THREADS * EACH)]


def issue_all(drafts: list[int], issue: Callable[[int], None]) -> None:
    """Let twenty threads begin together, each with its ten drafts; an error in one is raised here."""
    start = threading.Barrier(THREADS)

    def work(mine: list[int]) -> None:
        try:
            start.wait()
            for draft in mine:
                issue(draft)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as threads:
        for done in [threads.submit(work, drafts[index::THREADS]) for index in range(THREADS)]:
            done.result(timeout=120)


def issue_one(draft: int) -> None:
    issue_invoice(invoice_id=draft, issued_on=ISSUED_ON, by=None, at=ISSUED_AT)


def given_numbers() -> list[str]:
    return sorted(Invoice.objects.filter(state=InvoiceState.ISSUED).values_list("number", flat=True))


def test_given_twenty_threads_when_they_issue_at_once_then_numbers_are_exactly_one_to_two_hundred(
    drafts: list[int],
) -> None:
    issue_all(drafts, issue_one)
    assert given_numbers() == ALL_NUMBERS
    assert NumberSeries.objects.get().last_number == 200
    assert JournalEntry.objects.count() == 200


def test_given_three_in_ten_rolled_back_after_taking_a_number_when_issued_again_then_there_is_no_gap(
    drafts: list[int],
) -> None:
    dice, rolled_back = random.Random(2026), []  # noqa: S311 - repeatable, guards nothing

    def roll_back_sometimes(step: str) -> None:
        if step == "invoicing.issue.queued" and dice.random() < 0.3:
            rolled_back.append(step)
            raise RolledBack

    def issue_until_done(draft: int) -> None:
        while True:
            try:
                return issue_one(draft)
            except RolledBack:
                continue

    with observed(roll_back_sometimes):
        issue_all(drafts, issue_until_done)
    assert len(rolled_back) > 40
    assert given_numbers() == ALL_NUMBERS
    assert NumberSeries.objects.get().last_number == 200
    assert JournalEntry.objects.count() == 200


def test_given_the_lock_removed_when_threads_issue_at_once_then_numbers_collide(
    drafts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "lock", lambda model, pk: model.objects.get(pk=pk))
    collided = []

    def take_time(step: str) -> None:
        if step == "invoicing.issue.numbered":
            time.sleep(0.002)

    def issue_or_collide(draft: int) -> None:
        try:
            issue_one(draft)
        except IntegrityError as error:
            collided.append(str(error))

    with observed(take_time):
        issue_all(drafts, issue_or_collide)
    assert collided, "without the lock two threads must have taken the same number"
    assert any("invoice_sequence_once" in text or "number" in text for text in collided)
