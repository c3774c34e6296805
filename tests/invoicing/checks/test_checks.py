"""Every check of the books sees what it is there for: a good month is clean, each corruption is reported.

The database refuses these changes; the fixture takes its triggers away first, and the rollback brings them back.
"""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection

from evbilling.kernel.books import Finding, check_books
from invoicing.models import (
    AccountingPeriod,
    Allocation,
    BilledCharge,
    BillingRunItem,
    Document,
    Invoice,
    InvoiceLine,
    JournalEntry,
    JournalLine,
)
from invoicing.operations.allocations import allocate, reverse_allocation
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.periods import close_period
from sessions.models import ChargingSession, SessionCharge, SessionPrice
from tests.invoicing.factories import ISSUED_AT
from tests.invoicing.month import AT, Month, make_month, record

pytestmark = pytest.mark.django_db
OURS = frozenset({"I1", "I2", "I7", "I8", "I9", "I10", "I11", "I12", "I15", "I17"})
PAID_ON = dt.date(2026, 11, 10)


@pytest.fixture
def month() -> Month:
    """October closed: customers, sponsor and host; beta paid in two steps and was credited, alpha paid in part."""
    month = make_month()
    month.close()
    alpha, beta = invoice_of(month, "alpha"), invoice_of(month, "beta")
    pay(alpha, "5.00")
    undone = pay(alpha, "1.00")
    reverse_allocation(allocation_id=undone.pk, by=None, at=AT, reason="twice")
    pay(beta, "1.00")
    credit_invoice(invoice_id=beta.pk, reason="Wrong contract", by=None, at=AT)
    Document.objects.get_or_create(
        invoice=alpha,
        kind="csv",
        defaults={
            "file_name": "alpha.csv",
            "content_type": "text/csv",
            "content": b"bytes",
            "size": 5,
            "sha256": "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9",
            "rendered_at": AT,
        },
    )
    return month


def invoice_of(month: Month, name: str) -> Invoice:
    return Invoice.objects.get(contract=month.contracts[name], kind__in=["invoice", "settlement"])


def pay(invoice: Invoice, amount: str) -> Allocation:
    source = f"payment:{invoice.pk}-{amount}"
    return allocate(
        invoice_id=invoice.pk, source=source, amount=Decimal(amount), allocated_on=PAID_ON, by=None, at=ISSUED_AT
    )


def findings(*only: str) -> list[Finding]:
    """What invoicing's own checks find; the triggers are lifted here, and payments' checks want payments."""
    ours = (
        result
        for result in check_books(frozenset(only) or OURS)
        if result.check.function.__module__.startswith("invoicing.")
    )
    return [finding for result in ours for finding in result.findings]


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_given_a_closed_month_when_checked_then_the_books_are_clean(month: Month) -> None:
    assert findings() == []


# --- Each corruption, and the finding it must lead to -----------------------------------------------------------------


def line_changed(month: Month) -> None:
    sql(
        "UPDATE invoicing_invoiceline SET net_amount = net_amount + 1 WHERE invoice_id = %s",
        invoice_of(month, "alpha").pk,
    )


def tax_changed(month: Month) -> None:
    invoice = invoice_of(month, "alpha")
    sql("UPDATE invoicing_invoicetax SET tax_amount = tax_amount + 0.01 WHERE invoice_id = %s", invoice.pk)
    sql(
        "UPDATE invoicing_invoice SET tax_amount = tax_amount + 0.01, gross_amount = gross_amount + 0.01 WHERE id = %s",
        invoice.pk,
    )


def total_changed(month: Month) -> None:
    sql(
        "UPDATE invoicing_invoice SET net_amount = net_amount + 1, gross_amount = gross_amount + 1 WHERE id = %s",
        invoice_of(month, "alpha").pk,
    )


def ledger_changed(month: Month) -> None:
    entry = JournalEntry.objects.get(source=f"invoice:{invoice_of(month, 'alpha').pk}")
    sql("UPDATE invoicing_journalline SET amount = amount * 2 WHERE entry_id = %s", entry.pk)


def allocation_changed(month: Month) -> None:
    entry = JournalEntry.objects.filter(source__startswith="allocation:").order_by("pk")[0]
    sql("UPDATE invoicing_journalline SET amount = amount * 2 WHERE entry_id = %s", entry.pk)


def charge_changed(month: Month) -> None:
    charge = SessionCharge.objects.filter(contract=month.contracts["alpha"])[0]
    sql("UPDATE charging_sessioncharge SET net_amount = net_amount + 1 WHERE id = %s", charge.pk)


def billed_twice(month: Month) -> None:
    """A second revision of a billed session is billed too."""
    one, two = SessionCharge.objects.filter(contract=month.contracts["alpha"]).order_by("pk")[:2]
    sql("UPDATE charging_chargingsession SET revision = 2, superseded_at = %s, provider_ref = %s WHERE id = %s",
        AT, one.session.provider_ref, two.session_id)  # fmt: skip


def session_lost(month: Month) -> None:
    """A session of the billed month loses its place on a document, its charges and its price."""
    session = ChargingSession.objects.get(provider_ref="alpha-0")
    BilledCharge.objects.filter(charge__session=session)._raw_delete("default")
    SessionCharge.objects.filter(session=session)._raw_delete("default")
    SessionPrice.objects.filter(session=session)._raw_delete("default")


def bytes_changed(month: Month) -> None:
    sql("UPDATE invoicing_document SET content = %s WHERE invoice_id = %s", b"other", invoice_of(month, "alpha").pk)


def number_skipped(month: Month) -> None:
    sql("UPDATE invoicing_numberseries SET last_number = last_number + 1 WHERE prefix = 'SET'")


def number_rewritten(month: Month) -> None:
    sql("UPDATE invoicing_invoice SET number = 'INV-2026-000777' WHERE id = %s", invoice_of(month, "alpha").pk)


def document_gone(month: Month) -> None:
    """An issued settlement is deleted with all that hangs on it."""
    invoice = invoice_of(month, "host")
    lines = InvoiceLine.objects.filter(invoice=invoice)
    BilledCharge.objects.filter(line__in=lines)._raw_delete("default")
    lines._raw_delete("default")
    for table in ("invoicing_invoicetax", "invoicing_delivery", "invoicing_document"):
        sql(f"DELETE FROM {table} WHERE invoice_id = %s", invoice.pk)  # noqa: S608 - three fixed names
    BillingRunItem.objects.filter(invoice=invoice).update(invoice=None)
    sql("DELETE FROM invoicing_invoice WHERE id = %s", invoice.pk)


def second_live_document(month: Month) -> None:
    alpha, idle = month.contracts["alpha"], month.contracts["sponsor"]
    sql("UPDATE invoicing_invoice SET contract_id = %s WHERE contract_id = %s", alpha.pk, idle.pk)


def credit_too_high(month: Month) -> None:
    note = Invoice.objects.get(kind="credit_note")
    sql("UPDATE invoicing_invoicetax SET net_amount = net_amount + 1 WHERE invoice_id = %s", note.pk)


def over_allocated(month: Month) -> None:
    sql("UPDATE invoicing_allocation SET amount = amount + 100 WHERE source LIKE %s AND amount > 0", "payment:%")


def credit_used_twice(month: Month) -> None:
    sql("UPDATE invoicing_allocation SET amount = amount * 9 WHERE source LIKE %s", "credit:%")


def reversal_changed(month: Month) -> None:
    sql("UPDATE invoicing_allocation SET amount = -0.5 WHERE reverses_id IS NOT NULL")


def half_an_entry(month: Month) -> None:
    line = JournalLine.objects.filter(account__role="customer_credit")[0]
    sql("DELETE FROM invoicing_journalline WHERE id = %s", line.pk)


def entry_gone(month: Month) -> None:
    entry = JournalEntry.objects.get(source=f"invoice:{invoice_of(month, 'alpha').pk}")
    sql("DELETE FROM invoicing_journalline WHERE entry_id = %s", entry.pk)
    sql("DELETE FROM invoicing_journalentry WHERE id = %s", entry.pk)


def allocation_unbooked(month: Month) -> None:
    sql("UPDATE invoicing_journalentry SET source = 'elsewhere' WHERE source = %s",
        f"allocation:{Allocation.objects.order_by('pk')[0].pk}")  # fmt: skip


def posted_into_closed_month(month: Month) -> None:
    closed = close_period(
        operator_id=month.operator.pk, month=PAID_ON, by=None, at=dt.datetime(2026, 12, 3, tzinfo=dt.UTC)
    )
    AccountingPeriod.objects.filter(pk=closed.pk).update(closed_at=AT - dt.timedelta(days=30))


def item_left_behind(month: Month) -> None:
    BillingRunItem.objects.filter(contract=month.contracts["idle"]).update(state="pending")


def item_without_cause(month: Month) -> None:
    BillingRunItem.objects.filter(contract=month.contracts["idle"]).update(state="failed", reason="")


CORRUPTIONS: list[tuple[str, Callable[[Month], None], str]] = [
    ("I1", charge_changed, "Its charges add up to"),
    ("I1", billed_twice, "billed more than once"),
    ("I2", session_lost, "neither billed, held, excluded nor late"),
    ("I7", line_changed, "its session charges add up to"),
    ("I7", line_changed, "its tax table says"),
    ("I7", tax_changed, "on 9.0000 it is 1.71"),
    ("I7", total_changed, "Its totals are"),
    ("I7", ledger_changed, "not what the document says"),
    ("I15", allocation_changed, "not what was allocated"),
    ("I8", bytes_changed, "not those that were archived"),
    ("I9", number_skipped, "It has given"),
    ("I9", number_rewritten, "Its place in the series is INV-2026-000"),
    ("I9", document_gone, "0 documents carry"),
    ("I10", second_live_document, "2 live documents"),
    ("I11", credit_too_high, "more than it charges there"),
    ("I12", over_allocated, "is allocated to it"),
    ("I12", credit_used_twice, "it holds"),
    ("I12", reversal_changed, "does not undo exactly"),
    ("I15", half_an_entry, "not to zero"),
    ("I15", entry_gone, "issued but not in the ledger"),
    ("I15", allocation_unbooked, "not in the ledger"),
    ("I15", posted_into_closed_month, "after that month was closed"),
    ("I17", item_left_behind, "never billed"),
    ("I17", item_without_cause, "without a reason"),
]


@pytest.mark.usefixtures("without_protections")
@pytest.mark.parametrize(
    ("invariant", "corrupt", "says"),
    CORRUPTIONS,
    ids=[f"{name}-{how.__name__}-{n}" for n, (name, how, _) in enumerate(CORRUPTIONS)],
)
def test_given_a_corruption_when_checked_then_it_is_reported(
    invariant: str, corrupt: Callable[[Month], None], says: str, month: Month
) -> None:
    corrupt(month)
    problems = [finding.problem for finding in findings(invariant)]
    assert any(says in problem for problem in problems), problems


def test_given_a_late_session_of_a_billed_month_when_checked_then_it_is_late_and_not_missing(month: Month) -> None:
    record([month.charge("beta", 20)])
    assert findings("I2") == []
