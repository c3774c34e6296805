"""Money settles what it may settle alone: same operator, same currency; a pay link asks for what is open now."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.models import F

from contracts.models import Operator
from evbilling.kernel.books import check_books
from evbilling.kernel.errors import WrongState
from invoicing.models import Invoice, JournalLine
from invoicing.operations.allocations import allocate
from invoicing.operations.crediting import credit_invoice
from invoicing.queries.documents import open_amount
from payments.errors import NoAnswer, NothingToPay
from payments.models import Payment, PaymentState, SandboxCharge
from payments.operations.allocating import allocate_payment
from payments.operations.payments import cancel_payment, start_checkout
from payments.operations.transfers import record_transfer
from payments.processors import ProcessorUnreachable
from payments.processors.sandbox import SandboxProcessor
from tests.factories import make_operator, make_party
from tests.payments.world import AT, everything, make_issued_invoice

pytestmark = pytest.mark.django_db


def transfer(
    invoice: Invoice,
    amount: str,
    *,
    operator: Operator | None = None,
    currency: str = "EUR",
    onto: Invoice | None = None,
) -> Payment:
    return record_transfer(
        operator_id=(operator or invoice.operator).pk,
        party_id=invoice.party_id,
        amount=Decimal(amount),
        currency=currency,
        received_on=dt.date(2026, 3, 2),
        payer_reference="",
        invoice_id=onto.pk if onto else None,
        by=None,
        at=AT,
    )


def checkout(invoice: Invoice) -> Payment:
    return start_checkout(
        invoice_id=invoice.pk, processor="sandbox", return_address="/payments/{}/return".format, by=None, at=AT
    )[0]


def test_given_dollars_when_they_shall_settle_an_invoice_in_euros_then_it_is_refused() -> None:
    invoice = make_issued_invoice("100.00")
    dollars = transfer(invoice, "119.00", currency="USD")
    before = everything()
    with pytest.raises(WrongState, match="currency"):
        allocate_payment(payment_id=dollars.pk, invoice_id=invoice.pk, amount=Decimal("119.00"), by=None, at=AT)
    assert everything() == before
    assert open_amount(invoice) == Decimal("119.00")


def test_given_money_of_one_operator_when_it_shall_settle_another_s_invoice_then_it_is_refused() -> None:
    invoice = make_issued_invoice("100.00")
    other = make_operator()
    money = transfer(invoice, "119.00", operator=other)
    before = everything()
    with pytest.raises(WrongState, match="operator"):
        allocate_payment(payment_id=money.pk, invoice_id=invoice.pk, amount=Decimal("119.00"), by=None, at=AT)
    with pytest.raises(WrongState):
        transfer(invoice, "50.00", operator=other, onto=invoice)
    assert everything() == before


def test_given_a_waiting_pay_link_when_the_invoice_is_settled_otherwise_then_it_is_not_opened_again() -> None:
    invoice = make_issued_invoice("100.00")
    waiting = checkout(invoice)
    transfer(invoice, "119.00", onto=invoice)
    with pytest.raises(NothingToPay):
        checkout(invoice)
    waiting.refresh_from_db()
    assert waiting.state == PaymentState.CANCELLED
    assert SandboxCharge.objects.get().state == "expired"


def test_given_a_waiting_pay_link_when_part_is_paid_otherwise_then_the_next_one_asks_for_the_rest() -> None:
    invoice = make_issued_invoice("100.00")
    first = checkout(invoice)
    transfer(invoice, "19.00", onto=invoice)
    second = checkout(invoice)
    first.refresh_from_db()
    assert (first.state, second.state) == (PaymentState.CANCELLED, PaymentState.REQUIRES_ACTION)
    assert second.amount == Decimal("100.00")


def test_given_a_credited_invoice_when_its_pay_link_is_opened_then_there_is_nothing_to_pay() -> None:
    invoice = make_issued_invoice("100.00")
    checkout(invoice)
    credit_invoice(invoice_id=invoice.pk, reason="Wrong card", by=None, at=AT)
    with pytest.raises(NothingToPay):
        checkout(invoice)


def test_given_an_attempt_whose_page_was_never_opened_when_cancelled_then_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invoice = make_issued_invoice("100.00")

    def silent(*_args: object, **_options: object) -> None:
        raise ProcessorUnreachable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(SandboxProcessor, "create_checkout", silent)
        with pytest.raises(NoAnswer):
            checkout(invoice)
    waiting = Payment.objects.get()
    assert cancel_payment(payment_id=waiting.pk, reason="Page never opened", by=None, at=AT).state == "cancelled"
    assert checkout(invoice).amount == Decimal("119.00")


@pytest.mark.parametrize("change", [{"amount": Decimal(1)}, {"currency": "USD"}, {"invoice": None}, {"party": "other"}])
def test_given_a_payment_when_its_amount_or_payer_is_changed_by_sql_then_the_database_refuses(
    change: dict[str, Any],
) -> None:
    invoice = make_issued_invoice("100.00")
    payment = transfer(invoice, "119.00", onto=invoice)
    if "party" in change:
        change = {"party": make_party()}
    with pytest.raises(DatabaseError, match="amount"), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**change)
    payment.refresh_from_db()
    assert (payment.amount, payment.currency, payment.invoice) == (Decimal(119), "EUR", invoice)


def findings() -> list[str]:
    return [finding.about for result in check_books(frozenset({"I12"})) for finding in result.findings]


def test_given_money_booked_with_another_amount_when_checked_then_it_is_found(without_protections: None) -> None:
    invoice = make_issued_invoice("100.00")
    payment = transfer(invoice, "119.00", onto=invoice)
    assert findings() == []
    JournalLine.objects.filter(entry__source=f"payment:{payment.public_id}:captured").update(amount=F("amount") * 2)
    assert findings() == [f"payment:{payment.public_id}:captured", f"customer credit {invoice.party}"]


def test_given_dollars_that_settle_euros_when_checked_then_it_is_found() -> None:
    invoice = make_issued_invoice("100.00")
    dollars = transfer(invoice, "119.00", currency="USD")
    made = allocate(
        invoice_id=invoice.pk,
        source=f"payment:{dollars.public_id}",
        amount=Decimal("119.00"),
        allocated_on=dt.date(2026, 3, 2),
        by=None,
        at=AT,
    )
    assert findings() == [f"allocation {made.pk}"]
