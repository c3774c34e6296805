"""What two people do to the same document at the same moment: one of them wins, the other is told (PostgreSQL)."""

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connections

from evbilling.kernel.errors import BillingError
from evbilling.kernel.steps import observed
from invoicing.models import AccountingPeriod, Allocation, Invoice, JournalEntry
from invoicing.operations.allocations import AllocationTooHigh, allocate
from invoicing.operations.crediting import AlreadyCredited, Lines, credit, credit_invoice
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.issuing import InvoiceNotDraft, issue_invoice
from invoicing.operations.periods import close_period
from invoicing.queries.documents import open_amount
from invoicing.rules.crediting import LineCreditTooHigh
from tests.invoicing.factories import ISSUED_AT, ISSUED_ON, make_draft, make_issued
from tests.invoicing.month import AT, OCTOBER, make_month

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
DECEMBER = dt.datetime(2026, 12, 3, tzinfo=dt.UTC)


def at_once(works: Sequence[Callable[[], object]]) -> list[BaseException | None]:
    """Begin all together; what each ended with."""
    start = threading.Barrier(len(works))

    def work(one: Callable[[], object]) -> None:
        try:
            start.wait()
            one()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as threads:
        return [done.exception(timeout=60) for done in [threads.submit(work, one) for one in works]]


def refusals(ends: list[BaseException | None]) -> list[type]:
    assert all(end is None or isinstance(end, BillingError) for end in ends), ends
    return [type(end) for end in ends if end is not None]


def test_given_one_draft_when_issued_by_eight_at_once_then_it_has_one_number_and_one_entry() -> None:
    draft = make_draft()
    ends = at_once([lambda: issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=ISSUED_AT)] * 8)
    assert refusals(ends) == [InvoiceNotDraft] * 7
    draft.refresh_from_db()
    assert draft.number == "INV-2026-000001"
    assert JournalEntry.objects.count() == 1


def test_given_one_contract_when_drafted_by_four_at_once_then_there_is_one_draft() -> None:
    month = make_month()
    beta = month.contracts["beta"].pk
    assert at_once([lambda: draft_invoice(contract_id=beta, period=OCTOBER, at=AT)] * 4) == [None] * 4
    assert Invoice.objects.filter(contract=beta).count() == 1


def test_given_one_invoice_when_paid_in_full_by_four_at_once_then_one_payment_settles_it() -> None:
    invoice = make_issued()

    def pay(source: str) -> Callable[[], object]:
        return lambda: allocate(
            invoice_id=invoice.pk,
            source=source,
            amount=Decimal("119.00"),
            allocated_on=ISSUED_ON,
            by=None,
            at=ISSUED_AT,
        )

    ends = at_once([pay(f"payment:{number}") for number in range(4)])
    assert refusals(ends) == [AllocationTooHigh] * 3
    assert (Allocation.objects.count(), open_amount(invoice)) == (1, Decimal("0.00"))


def test_given_one_invoice_when_credited_by_four_at_once_then_there_is_one_credit_note() -> None:
    invoice = make_issued()
    ends = at_once([lambda: credit_invoice(invoice_id=invoice.pk, reason="Wrong", by=None, at=ISSUED_AT)] * 4)
    assert refusals(ends) == [AlreadyCredited] * 3
    assert Invoice.objects.filter(kind="credit_note").count() == 1


def test_given_one_invoice_when_partial_credits_come_at_once_then_together_they_never_exceed_it() -> None:
    invoice = make_issued()
    line = invoice.lines.get()

    def partly() -> object:
        return credit(
            invoice_id=invoice.pk, what=Lines({line.pk: Decimal("40.00")}), reason="Wrong", by=None, at=ISSUED_AT
        )

    assert refusals(at_once([partly] * 4)) == [LineCreditTooHigh] * 2
    notes = Invoice.objects.filter(kind="credit_note")
    assert [note.net_amount for note in notes] == [Decimal("40.00")] * 2
    assert open_amount(invoice) == Decimal("23.80")


def test_given_an_entry_on_its_way_when_its_month_is_closed_then_closing_waits_for_it() -> None:
    draft = make_draft()
    posted, closing = threading.Event(), threading.Event()

    def pause(step: str) -> None:
        if step == "invoicing.issue.posted":
            posted.set()
            closing.wait(1)  # the month is being closed now; it must not be done before this transaction is

    def close() -> None:
        posted.wait(30)
        closed = close_period(operator_id=draft.operator_id, month=ISSUED_ON, by=None, at=DECEMBER)
        entries.append(JournalEntry.objects.count())
        closing.set()
        assert closed.pk

    entries: list[int] = []
    with observed(pause):
        ends = at_once([lambda: issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=ISSUED_AT), close])
    assert ends == [None, None]
    assert entries == [1]  # when the month was closed, the entry was there
    assert AccountingPeriod.objects.count() == 1
