"""Open amounts, states of payment, aging; in Python and in SQL alike."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import ContractKind
from invoicing.models import Invoice
from invoicing.operations.allocations import allocate
from invoicing.operations.crediting import credit_invoice
from invoicing.queries.aging import aging
from invoicing.queries.documents import (
    PaymentState,
    credit_source,
    in_payment_state,
    open_amount,
    payment_state,
    with_open_amount,
)
from tests.factories import make_contract_in_force
from tests.invoicing.factories import ISSUED_AT, ISSUED_ON, make_draft, make_issued

pytestmark = pytest.mark.django_db
D = Decimal
DUE = dt.date(2026, 11, 15)
PAID_AT = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)


def pay(invoice: Invoice, amount: str) -> None:
    allocate(invoice_id=invoice.pk, source="payment:x", amount=D(amount), allocated_on=ISSUED_ON, by=None, at=ISSUED_AT)


@pytest.fixture
def documents() -> dict[str, Invoice]:
    contract = make_contract_in_force()
    made = {name: make_issued(contract) for name in ("open", "partly_paid", "paid", "credited", "paid_and_credited")}
    made["draft"] = make_draft(contract)
    made["settlement"] = make_issued(make_contract_in_force(ContractKind.HOSTING, operator=contract.operator))
    made["nothing"] = make_issued(contract, nets=("0.00",))
    pay(made["partly_paid"], "0.10")
    pay(made["paid"], "119.00")
    pay(made["paid_and_credited"], "119.00")
    for name in ("credited", "paid_and_credited"):
        made[f"note of {name}"] = credit_invoice(invoice_id=made[name].pk, reason="Wrong", by=None, at=PAID_AT)
    return made


STATES = {
    "open": (PaymentState.OPEN, PaymentState.OVERDUE, "119.00"),
    "partly_paid": (PaymentState.PARTLY_PAID, PaymentState.OVERDUE, "118.90"),
    "paid": (PaymentState.PAID, PaymentState.PAID, "0.00"),
    "credited": (PaymentState.CREDITED, PaymentState.CREDITED, "0.00"),
    "paid_and_credited": (PaymentState.CREDITED, PaymentState.CREDITED, "0.00"),
    "note of credited": (PaymentState.SETTLED, PaymentState.SETTLED, "0.00"),
    "note of paid_and_credited": (PaymentState.OPEN, PaymentState.OPEN, "119.00"),
    "draft": (PaymentState.DRAFT, PaymentState.DRAFT, "0.00"),
    "settlement": (PaymentState.OPEN, PaymentState.OPEN, "119.00"),
    "nothing": (PaymentState.PAID, PaymentState.PAID, "0.00"),
}


def test_given_documents_when_read_then_each_says_what_is_open_and_its_state_on_that_day(
    documents: dict[str, Invoice],
) -> None:
    after = DUE + dt.timedelta(days=1)
    found = {
        name: (payment_state(invoice, on=DUE), payment_state(invoice, on=after), str(open_amount(invoice)))
        for name, invoice in documents.items()
    }
    assert found == STATES


def test_given_a_credit_note_when_part_of_it_settles_an_invoice_then_it_is_partly_settled_and_nobody_paid_it(
    documents: dict[str, Invoice],
) -> None:
    note = documents["note of paid_and_credited"]
    allocate(
        invoice_id=documents["open"].pk, source=credit_source(note.pk), amount=D("19.00"), allocated_on=ISSUED_ON,
        by=None, at=PAID_AT,
    )  # fmt: skip
    assert payment_state(note, on=DUE) == PaymentState.PARTLY_SETTLED
    for state, found in ((PaymentState.PARTLY_SETTLED, True), (PaymentState.PARTLY_PAID, False)):
        assert in_payment_state(Invoice.objects.filter(pk=note.pk), state, on=DUE).exists() == found


@pytest.mark.parametrize("day", [DUE, DUE + dt.timedelta(days=1)])
def test_given_documents_when_filtered_by_state_then_sql_and_python_agree(
    day: dt.date, documents: dict[str, Invoice]
) -> None:
    for state in PaymentState:
        in_sql = set(in_payment_state(Invoice.objects.all(), state, on=day).values_list("pk", flat=True))
        assert in_sql == {each.pk for each in Invoice.objects.all() if payment_state(each, on=day) == state}


def test_given_annotated_documents_when_read_then_no_further_query_is_made(
    documents: dict[str, Invoice], django_assert_num_queries: object
) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        rows = list(with_open_amount(Invoice.objects.all()))
        assert sum(open_amount(row) for row in rows) == D("119") + D("118.90") + D("119") + D("119")
        assert {payment_state(row, on=DUE) for row in rows} >= {PaymentState.OPEN, PaymentState.CREDITED}


def test_given_open_invoices_when_aged_then_each_stands_in_its_bucket() -> None:
    contract = make_contract_in_force()
    today = dt.date(2026, 12, 31)
    for days in (0, 1, 30, 31, 60, 61, 90, 91, 400):
        make_issued(contract, nets=("10.00",), issued_on=today - dt.timedelta(days=days + 14), period=(
            dt.date(2025, 1, 1), dt.date(2025, 2, 1)))  # fmt: skip
    pay(make_issued(contract), "119.00")
    buckets = aging(contract.operator, on=today)
    assert [(each.from_days, each.to_days, each.count) for each in buckets] == [
        (None, 0, 1), (1, 30, 2), (31, 60, 2), (61, 90, 2), (91, None, 2),
    ]  # fmt: skip
    assert buckets[4].amounts == {"EUR": D("23.80")}
