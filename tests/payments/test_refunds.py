"""Money goes back once, decided by two people, and never more than is free (I12, I18)."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel import outbox
from evbilling.kernel.books import check_books
from evbilling.kernel.errors import BadInput, MakerIsChecker, WrongState
from evbilling.kernel.models import AuditRecord, OutboxMessage
from invoicing.models import AccountRole, JournalEntry, JournalLine
from invoicing.operations.crediting import credit_invoice
from invoicing.queries.documents import open_amount
from payments.models import Payment, Refund, RefundState, SandboxRefund
from payments.operations.payments import start_payment
from payments.operations.refunds import (
    approve_refund,
    ask_processor,
    ask_refund,
    confirm_transfer,
    decline_refund,
    send_refund,
)
from payments.operations.transfers import record_transfer
from payments.queries import unallocated_amount
from tests.access.people import staff
from tests.factories import make_user
from tests.payments.world import AT, make_issued_invoice, make_method

pytestmark = pytest.mark.django_db
DAY = dt.date(2026, 3, 2)
FORTY = Decimal("40.00")
YES = {"_form_submitted": "True"}


@pytest.fixture
def officer(db: None) -> User:
    return make_user(Role.PAYMENTS_OFFICER)


@pytest.fixture
def second(db: None) -> User:
    return make_user(Role.PAYMENTS_OFFICER)


def overpaid(by: User) -> Payment:
    """A transfer of 159.00 on an invoice of 119.00: 40.00 are free."""
    invoice = make_issued_invoice()
    return record_transfer(
        operator_id=invoice.operator_id,
        party_id=invoice.party_id,
        amount=Decimal("159.00"),
        currency="EUR",
        received_on=DAY,
        payer_reference=str(invoice.number),
        invoice_id=invoice.pk,
        by=by,
        at=AT,
    )


def charged(by: User) -> Payment:
    """An invoice of 119.00 charged to a test card."""
    invoice = make_issued_invoice()
    method = make_method(invoice.party)
    payment = start_payment(invoice_id=invoice.pk, method_id=method.pk, by=by, at=AT)
    with outbox.run_here():
        for pk in OutboxMessage.objects.filter(kind="payments.charge").values_list("pk", flat=True):
            outbox.run(message_id=pk, at=AT)
    payment.refresh_from_db()
    return payment


def state() -> tuple[Any, ...]:
    """What a refusal must leave alone."""
    return (
        list(Refund.objects.values_list("pk", "state")),
        JournalEntry.objects.count(),
        OutboxMessage.objects.count(),
        AuditRecord.objects.count(),
    )


def findings() -> list[str]:
    return [str(finding) for result in check_books(frozenset({"I12", "I15"})) for finding in result.findings]


def credit_whole(payment: Payment) -> None:
    assert payment.invoice is not None
    clerk = make_user(Role.BILLING_CLERK)
    credit_invoice(invoice_id=payment.invoice.pk, reason="Wrong vehicle", by=clerk, at=AT)


def credit_in_ledger(payment: Payment) -> Decimal:
    lines = JournalLine.objects.filter(account__role=AccountRole.CUSTOMER_CREDIT, party=payment.party)
    return -sum((line.amount for line in lines), Decimal(0))


def test_asking_reserves_the_money_and_books_nothing(officer: User) -> None:
    payment = overpaid(officer)
    refund = ask_refund(payment_id=payment.pk, amount=FORTY, reason="Paid twice", by=officer, at=AT)
    assert (refund.state, refund.needs_second) == (RefundState.ASKED, True)
    assert (unallocated_amount(payment), credit_in_ledger(payment)) == (Decimal("0.00"), FORTY)
    assert findings() == []


def test_who_asked_cannot_approve(officer: User) -> None:
    payment = overpaid(officer)
    refund = ask_refund(payment_id=payment.pk, amount=FORTY, reason="Paid twice", by=officer, at=AT)
    before = state()
    with pytest.raises(MakerIsChecker):
        approve_refund(refund_id=refund.pk, by=officer, at=AT)
    assert state() == before


def test_a_transfer_is_paid_back_by_a_person_and_booked_then(officer: User, second: User) -> None:
    payment = overpaid(officer)
    refund = ask_refund(payment_id=payment.pk, amount=FORTY, reason="Paid twice", by=officer, at=AT)
    approve_refund(refund_id=refund.pk, by=second, at=AT)
    assert credit_in_ledger(payment) == FORTY  # approved is not paid
    refund = confirm_transfer(refund_id=refund.pk, paid_on=DAY, by=officer, at=AT)
    assert (refund.state, refund.paid_on, credit_in_ledger(payment)) == (RefundState.DONE, DAY, Decimal("0.00"))
    cash = JournalLine.objects.get(entry__source=f"refund:{refund.public_id}", account__role=AccountRole.CASH)
    assert cash.amount == Decimal("-40.00")
    assert findings() == []


@pytest.mark.parametrize("day", [dt.date(1, 1, 1), dt.date(2015, 12, 31), dt.date(2026, 3, 3), dt.date.max])
def test_a_refund_dated_outside_the_books_is_refused_and_changes_nothing(
    officer: User, second: User, day: dt.date
) -> None:
    refund = ask_refund(payment_id=overpaid(officer).pk, amount=FORTY, reason="Paid twice", by=officer, at=AT)
    approve_refund(refund_id=refund.pk, by=second, at=AT)
    before = state()
    with pytest.raises(BadInput, match=f"paid on: {day} cannot"):
        confirm_transfer(refund_id=refund.pk, paid_on=day, by=officer, at=AT)
    assert state() == before


def test_below_the_limit_nobody_else_is_asked(officer: User) -> None:
    payment = overpaid(officer)
    payment.operator.refund_limit_amount = Decimal("40.01")
    payment.operator.save()
    refund = ask_refund(payment_id=payment.pk, amount=FORTY, reason="Paid twice", by=officer, at=AT)
    assert (refund.state, refund.needs_second) == (RefundState.SENDING, False)


def test_pieces_below_the_limit_are_one_refund_over_it(officer: User) -> None:
    payment = overpaid(officer)
    payment.operator.refund_limit_amount = FORTY
    payment.operator.save()
    piece = Decimal("20.00")
    one = ask_refund(payment_id=payment.pk, amount=piece, reason="Paid twice", by=officer, at=AT)
    two = ask_refund(payment_id=payment.pk, amount=piece, reason="The rest", by=officer, at=AT)
    assert [(each.state, each.needs_second) for each in (one, two)] == [
        (RefundState.SENDING, False),
        (RefundState.ASKED, True),
    ]


@pytest.mark.parametrize("amount", ["0.00", "40.01", "-1.00"])
def test_what_is_not_free_is_refused_and_nothing_changes(officer: User, amount: str) -> None:
    payment = overpaid(officer)
    before = state()
    with pytest.raises(BadInput, match="may be paid back"):
        ask_refund(payment_id=payment.pk, amount=Decimal(amount), reason="Paid twice", by=officer, at=AT)
    assert state() == before


def test_a_refund_without_a_reason_is_refused(officer: User) -> None:
    payment = overpaid(officer)
    with pytest.raises(BadInput, match="Say why"):
        ask_refund(payment_id=payment.pk, amount=FORTY, reason=" ", by=officer, at=AT)
    assert not Refund.objects.exists()


def test_a_declined_refund_gives_the_money_free_again(officer: User, second: User) -> None:
    payment = overpaid(officer)
    refund = ask_refund(payment_id=payment.pk, amount=FORTY, reason="Paid twice", by=officer, at=AT)
    decline_refund(refund_id=refund.pk, reason="It is the March payment", by=second, at=AT)
    assert unallocated_amount(payment) == FORTY
    with pytest.raises(WrongState, match="declined"):
        approve_refund(refund_id=refund.pk, by=second, at=AT)


def test_a_credited_card_payment_goes_back_through_its_processor(officer: User, second: User) -> None:
    payment = charged(officer)
    credit_whole(payment)
    refund = ask_refund(payment_id=payment.pk, amount=Decimal("119.00"), reason="Wrong vehicle", by=officer, at=AT)
    approve_refund(refund_id=refund.pk, by=second, at=AT)
    refund = send_refund(refund_id=refund.pk, at=AT)
    assert (refund.state, SandboxRefund.objects.get().amount) == (RefundState.DONE, Decimal("119.00"))
    assert send_refund(refund_id=refund.pk, at=AT).state == RefundState.DONE
    assert (SandboxRefund.objects.count(), credit_in_ledger(payment)) == (1, Decimal("0.00"))
    assert open_amount(payment.invoice) == Decimal("0.00")
    assert findings() == []


def test_part_of_a_credited_payment_leaves_the_rest_on_the_invoice(officer: User) -> None:
    payment = charged(officer)
    credit_whole(payment)
    ask_refund(payment_id=payment.pk, amount=Decimal("19.00"), reason="Part of it", by=officer, at=AT)
    assert (open_amount(payment.invoice), unallocated_amount(payment)) == (Decimal("0.00"), Decimal("0.00"))
    assert findings() == []


def test_a_lost_answer_is_asked_for_and_never_sent_again(officer: User, second: User) -> None:
    payment = charged(officer)
    credit_whole(payment)
    refund = ask_refund(payment_id=payment.pk, amount=Decimal("9.99"), reason="A part", by=officer, at=AT)
    approve_refund(refund_id=refund.pk, by=second, at=AT)
    assert send_refund(refund_id=refund.pk, at=AT).state == RefundState.UNKNOWN
    assert send_refund(refund_id=refund.pk, at=AT).state == RefundState.UNKNOWN
    assert ask_processor(refund_id=refund.pk, by=officer, at=AT).state == RefundState.DONE
    assert SandboxRefund.objects.count() == 1
    assert findings() == []


def test_one_that_the_processor_never_saw_failed_and_its_money_is_free_again(officer: User, second: User) -> None:
    payment = charged(officer)
    credit_whole(payment)
    refund = ask_refund(payment_id=payment.pk, amount=Decimal("9.99"), reason="A part", by=officer, at=AT)
    approve_refund(refund_id=refund.pk, by=second, at=AT)
    send_refund(refund_id=refund.pk, at=AT)
    SandboxRefund.objects.all().delete()
    refund = ask_processor(refund_id=refund.pk, by=officer, at=AT)
    assert (refund.state, refund.failure) == (RefundState.FAILED, "never_reached_processor")
    assert unallocated_amount(payment) == Decimal("9.99")


@pytest.mark.parametrize(
    ("role", "may"), [(Role.PAYMENTS_OFFICER, True), (Role.BILLING_CLERK, False), (Role.AUDITOR, False)]
)
def test_only_the_payments_officer_has_the_buttons(officer: User, role: Role, may: bool) -> None:
    payment = overpaid(officer)
    refund = ask_refund(payment_id=payment.pk, amount=FORTY, reason="Paid twice", by=officer, at=AT)
    client = Client()
    client.force_login(staff(role=role))
    page = client.get(reverse("admin:payments_refund_change", args=[refund.pk]))
    assert (page.status_code, f"/refund/{refund.pk}/approve/" in page.content.decode()) == (200, may)
    answer = client.post(reverse("admin:payments_refund_approve", args=[refund.pk]), YES)
    refund.refresh_from_db()
    assert (refund.state == RefundState.SENDING) == may, answer.status_code
