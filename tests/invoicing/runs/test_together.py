"""Contracts billed together leave what they leave one by one, in as many queries however many (I9, I16, I17)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from evbilling.kernel import bulk
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.books import check_books
from evbilling.kernel.outbox import OutboxMessage
from invoicing.benchmarks.seed import CLOSED_AT, MONTH, Seeded, seed_month
from invoicing.models import BillingRun, BillingRunItem, Invoice, ItemState
from invoicing.operations import bulk_close, runs
from invoicing.operations.drafting import discard_draft
from tests.invoicing.month import left_behind
from tests.invoicing.quiet import nothing_is_drawn

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


def start(seeded: Seeded, *, issue: bool = True) -> BillingRun:
    return runs.start_run(
        operator_id=seeded.operator_id, period=MONTH, issued_on=CLOSED_AT.date(), issue=issue, by=None, at=CLOSED_AT
    )


def together(run: BillingRun) -> None:
    while ids := runs.next_items(run_id=run.pk):
        runs.process_items(run_id=run.pk, item_ids=ids, at=CLOSED_AT)
    runs.finish_run(run_id=run.pk, at=CLOSED_AT)


def one_by_one(run: BillingRun) -> None:
    while ids := runs.next_items(run_id=run.pk):
        for item_id in ids:
            runs.process_items(run_id=run.pk, item_ids=[item_id], at=CLOSED_AT)
    runs.finish_run(run_id=run.pk, at=CLOSED_AT)


def traces() -> list[object]:
    """The audit trail and the steps, without keys; what each document's says of it."""
    rows = AuditRecord.objects.values_list("action", "object_type", "object_label", "by_label", "result")
    drawn = Invoice.objects.values_list("pk", "number")
    steps = dict(OutboxMessage.objects.values_list("key", "state"))
    return [
        *sorted(rows, key=repr),
        *sorted((number, f"invoicing.document.render:{pk}" in steps) for pk, number in drawn),
    ]


def outcome(work: Callable[[BillingRun], None]) -> list[object]:
    """What a close of two fleets with terms, sponsors and sessions leaves when it is done like this."""
    found: list[object] = []
    with undone():
        run = start(seed_month(sessions=24, contracts=4))
        work(run)
        assert [finding for result in check_books() for finding in result.findings] == []
        assert set(BillingRunItem.objects.values_list("state", "attempts")) == {(ItemState.ISSUED, 1)} | {
            (ItemState.SKIPPED, 1) for _item in BillingRunItem.objects.filter(state=ItemState.SKIPPED)[:1]
        }
        lines = Invoice.objects.values_list("number", "lines__text", "lines__because", "slot", "engine_version")
        frozen = Invoice.objects.order_by("number").values_list("issuer_details", "recipient_details", "language")
        slots = sorted(((row[0], row[1], repr(row[2]), row[3].split("/", 1)[1], row[4]) for row in lines), key=repr)
        found += [left_behind(), slots, list(frozen), [row for row in traces() if "Draft" not in str(row)]]
    return found


def test_contracts_billed_together_leave_what_they_leave_one_by_one() -> None:
    assert outcome(together) == outcome(one_by_one)


def test_a_chunk_that_breaks_is_billed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = outcome(one_by_one)

    def broken(**_words: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bulk_close, "issue_drafts", broken)
    assert outcome(together) == expected


def test_a_contract_with_a_document_of_the_month_goes_alone_and_the_others_together() -> None:
    run = start(seed_month(sessions=8, contracts=3), issue=False)
    together(run)
    discard_draft(invoice_id=Invoice.objects.order_by("pk")[0].pk, by=None, at=CLOSED_AT)
    run = start(Seeded(run.operator_id, 8, 3))
    together(run)
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == [f"INV-2026-{number:06}" for number in range(1, len(numbers) + 1)]
    assert set(run.items.exclude(state=ItemState.SKIPPED).values_list("state", flat=True)) == {ItemState.ISSUED}
    assert [finding for result in check_books() for finding in result.findings] == []


def queries_of(sessions: int, contracts: int) -> int:
    counts: list[int] = []
    with undone():
        run = start(seed_month(sessions=sessions, contracts=contracts))
        ids = runs.next_items(run_id=run.pk)
        with CaptureQueriesContext(connection) as queries:
            done = runs.process_items(run_id=run.pk, item_ids=ids, at=CLOSED_AT)
        assert list(done.values()) == [ItemState.ISSUED] * contracts
        counts.append(len(queries))
    return counts[0]


def test_the_queries_of_a_chunk_grow_neither_with_contracts_nor_with_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of contracts without terms of their own; one of each chunk has some. Few rows go in as many do."""
    monkeypatch.setattr(bulk, "FEW", 0)
    small = queries_of(sessions=24, contracts=3)
    assert queries_of(sessions=48, contracts=6) <= small
    assert queries_of(sessions=120, contracts=6) <= small
