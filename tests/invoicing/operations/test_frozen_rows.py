"""The database itself refuses to change what is issued (I8): raw SQL, around save() and the operations."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from invoicing.models import (
    AccountingPeriod,
    Allocation,
    Invoice,
    InvoiceLine,
    InvoiceTax,
    JournalEntry,
    JournalLine,
    NumberSeries,
)
from invoicing.operations.allocations import allocate
from invoicing.operations.issuing import issue_invoice
from tests.invoicing.factories import ISSUED_AT, ISSUED_ON, make_draft, make_issued

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued() -> Invoice:
    invoice = make_issued()
    allocate(
        invoice_id=invoice.pk,
        source="payment:a1",
        amount=Decimal("9.00"),
        allocated_on=ISSUED_ON,
        by=None,
        at=ISSUED_AT,
    )
    return invoice


def refused(sql: str, *values: object) -> str:
    with pytest.raises(DatabaseError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(error.value)


def test_an_issued_invoice_cannot_be_updated(issued: Invoice) -> None:
    message = refused("UPDATE invoicing_invoice SET due_on = '2027-01-01' WHERE id = %s", issued.pk)
    assert "An issued document is never changed; credit it instead." in message
    issued.refresh_from_db()
    assert issued.due_on is not None
    assert issued.due_on.isoformat() == "2026-11-15"


def test_an_issued_invoice_cannot_become_a_draft_again(issued: Invoice) -> None:
    refused(
        "UPDATE invoicing_invoice SET state = 'draft', number = NULL, series_id = NULL, sequence = NULL, "
        "issued_on = NULL, issued_at = NULL WHERE id = %s",
        issued.pk,
    )
    assert Invoice.objects.get(pk=issued.pk).state == "issued"


def test_an_issued_invoice_cannot_be_deleted(issued: Invoice) -> None:
    refused("DELETE FROM invoicing_invoice WHERE id = %s", issued.pk)
    assert Invoice.objects.filter(pk=issued.pk).exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="INSERT OR REPLACE is SQLite's")
def test_an_issued_invoice_cannot_be_replaced(issued: Invoice) -> None:
    refused("INSERT OR REPLACE INTO invoicing_invoice SELECT * FROM invoicing_invoice WHERE id = %s", issued.pk)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="TRUNCATE is PostgreSQL's")
def test_issued_invoices_cannot_be_truncated(issued: Invoice) -> None:
    refused("TRUNCATE invoicing_invoice CASCADE")


@pytest.mark.parametrize("table", ["invoicing_invoiceline", "invoicing_invoicetax"])
def test_lines_and_taxes_of_an_issued_document_cannot_be_changed_or_removed(table: str, issued: Invoice) -> None:
    refused(f"UPDATE {table} SET net_amount = 1 WHERE invoice_id = %s", issued.pk)  # noqa: S608 - two fixed names
    refused(f"DELETE FROM {table} WHERE invoice_id = %s", issued.pk)  # noqa: S608 - two fixed names
    assert issued.lines.get().net_amount == issued.taxes.get().net_amount == Decimal(100)


@pytest.mark.parametrize("make", [InvoiceLine, InvoiceTax])
def test_nothing_can_be_added_to_an_issued_document(make: Callable[..., object], issued: Invoice) -> None:
    values: dict = {"invoice": issued, "tax_category": "E", "tax_rate": Decimal(0), "net_amount": Decimal(1)}
    values |= {"position": 9, "kind": "charging", "text": "More"} if make is InvoiceLine else {"tax_amount": 0}
    with pytest.raises(DatabaseError), transaction.atomic():
        make(**values).save()  # type: ignore[attr-defined]
    assert (issued.lines.count(), issued.taxes.count()) == (1, 1)


def test_a_line_cannot_move_from_a_draft_onto_an_issued_document(issued: Invoice) -> None:
    line = make_draft(issued.contract).lines.get()
    refused("UPDATE invoicing_invoiceline SET invoice_id = %s, position = 7 WHERE id = %s", issued.pk, line.pk)
    assert issued.lines.count() == 1


@pytest.mark.parametrize("table", ["invoicing_journalentry", "invoicing_journalline", "invoicing_allocation"])
def test_the_ledger_and_allocations_cannot_be_changed_or_removed(table: str, issued: Invoice) -> None:
    column = "text" if table == "invoicing_journalentry" else "amount"
    refused(f"UPDATE {table} SET {column} = '1'")  # noqa: S608 - three fixed names
    refused(f"DELETE FROM {table}")  # noqa: S608 - three fixed names
    counts = (JournalEntry.objects.count(), JournalLine.objects.count(), Allocation.objects.count())
    assert counts == (2, 5, 1)


def test_a_closed_month_cannot_be_opened_again(issued: Invoice) -> None:
    AccountingPeriod.objects.create(operator=issued.operator, month=dt.date(2026, 11, 1), closed_at=ISSUED_AT)
    refused("DELETE FROM invoicing_accountingperiod")
    refused("UPDATE invoicing_accountingperiod SET month = '2026-10-01'")
    assert AccountingPeriod.objects.get().month == dt.date(2026, 11, 1)


def test_a_number_series_cannot_be_removed(issued: Invoice) -> None:
    refused("DELETE FROM invoicing_numberseries")
    assert NumberSeries.objects.count() == 1


def test_a_number_cannot_stand_on_a_draft_and_not_be_missing_on_an_issued_document() -> None:
    draft = make_draft()
    refused("UPDATE invoicing_invoice SET number = 'INV-2026-000009' WHERE id = %s", draft.pk)
    refused("UPDATE invoicing_invoice SET state = 'issued' WHERE id = %s", draft.pk)
    assert issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=ISSUED_AT).number == "INV-2026-000001"


def test_a_total_that_is_not_net_and_tax_is_refused() -> None:
    draft = make_draft()
    refused("UPDATE invoicing_invoice SET gross_amount = 119.01 WHERE id = %s", draft.pk)


@pytest.mark.parametrize("net", ["0.10", "0.20", "1.15", "33.33", "1234.56", "0.07", "9999999.99"])
def test_a_total_of_any_cents_is_accepted(net: str) -> None:
    """SQLite adds in binary; the constraint must not trip over it."""
    assert make_draft(nets=(net,)).pk
