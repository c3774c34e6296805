"""Payment attempts end to end over the sandbox: charged once, booked once, settled."""

import datetime as dt
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from evbilling.kernel import outbox
from evbilling.kernel.errors import WrongState
from evbilling.kernel.models import AuditRecord
from evbilling.kernel.steps import observed
from invoicing.models import Allocation, Invoice
from invoicing.queries.documents import PaymentState as SettledState
from invoicing.queries.documents import open_amount, payment_state
from payments.errors import AttemptOpen, NoConsent, NothingToPay
from payments.models import Payment, PaymentEvent, PaymentState, SandboxCharge
from payments.operations.methods import detach_method
from payments.operations.payments import apply_seen, cancel_payment, refresh_payment, start_checkout, start_payment
from payments.processors import ProcessorPayment
from payments.processors.sandbox import SETTLES_AFTER, decide
from payments.queries import unallocated_amount
from payments.tasks import resolve_open_payments
from tests.factories import make_party
from tests.payments.world import AT, balance, everything, make_issued_invoice, make_method

pytestmark = pytest.mark.django_db


def checkout(invoice: Invoice) -> tuple[Payment, str]:
    return start_checkout(
        invoice_id=invoice.pk, processor="sandbox", return_address="/payments/{}/return".format, by=None, at=AT
    )


def run_outbox() -> None:
    outbox.drain(at=AT, kinds={"payments.charge", "payments.event"})


def test_an_approved_charge_settles_the_invoice() -> None:
    invoice = make_issued_invoice("100.00")
    payment = start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party).pk, by=None, at=AT)
    assert payment.state == PaymentState.CREATED
    run_outbox()
    payment.refresh_from_db()
    assert (payment.state, payment.received_on) == (PaymentState.CAPTURED, dt.date(2026, 3, 2))
    assert open_amount(invoice) == Decimal("0.00")
    assert payment_state(invoice, on=dt.date(2027, 1, 1)) == SettledState.PAID
    assert balance("processor_clearing") == Decimal("119.00")
    assert balance("receivable") == Decimal("0.00")
    assert balance("customer_credit") == Decimal("0.00")
    assert [event.kind for event in payment.events.all()] == ["started", "captured"]


def test_a_declined_charge_leaves_the_debt_and_says_why() -> None:
    invoice = make_issued_invoice()
    payment = start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party, "decline").pk, by=None, at=AT)
    run_outbox()
    payment.refresh_from_db()
    assert (payment.state, payment.failure) == (PaymentState.FAILED, "insufficient_funds")
    assert open_amount(invoice) == Decimal("119.00")
    assert balance("processor_clearing") == 0


def test_a_delayed_charge_settles_when_the_processor_says_so(time_machine) -> None:
    time_machine.move_to(AT, tick=False)
    invoice = make_issued_invoice()
    payment = start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party, "delayed").pk, by=None, at=AT)
    run_outbox()
    payment.refresh_from_db()
    assert payment.state == PaymentState.PROCESSING
    assert open_amount(invoice) == Decimal("119.00")
    time_machine.move_to(AT + SETTLES_AFTER, tick=False)
    assert resolve_open_payments() == 1
    payment.refresh_from_db()
    assert payment.state == PaymentState.CAPTURED
    assert open_amount(invoice) == 0


def test_a_lost_answer_is_resolved_by_asking_and_charged_once() -> None:
    invoice = make_issued_invoice()
    payment = start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party, "timeout").pk, by=None, at=AT)
    run_outbox()
    payment.refresh_from_db()
    assert payment.state == PaymentState.UNKNOWN
    assert refresh_payment(payment_id=payment.pk, at=AT).state == PaymentState.CAPTURED
    assert SandboxCharge.objects.count() == 1
    assert open_amount(invoice) == 0


def test_a_charge_that_never_reached_the_processor_fails_by_asking() -> None:
    invoice = make_issued_invoice()
    payment = start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party).pk, by=None, at=AT)
    Payment.objects.filter(pk=payment.pk).update(state=PaymentState.UNKNOWN)
    refreshed = refresh_payment(payment_id=payment.pk, at=AT)
    assert (refreshed.state, refreshed.failure) == (PaymentState.FAILED, "never_reached_processor")
    assert start_payment(invoice_id=invoice.pk, method_id=payment.method_id, by=None, at=AT).state == "created"


@pytest.mark.parametrize("name", ["payments.charge.sending", "payments.charge.answered"])
def test_a_worker_that_dies_while_charging_ends_in_one_charge(name: str) -> None:
    invoice = make_issued_invoice()
    payment = start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party).pk, by=None, at=AT)

    def die(reached: str) -> None:
        if reached == name:
            raise RuntimeError("killed")

    with observed(die):
        run_outbox()
    outbox.drain(at=AT + dt.timedelta(minutes=1))
    payment.refresh_from_db()
    assert payment.state == PaymentState.CAPTURED
    assert SandboxCharge.objects.count() == 1
    assert Allocation.objects.filter(invoice=invoice).count() == 1


def test_no_second_attempt_while_one_is_open() -> None:
    invoice = make_issued_invoice()
    method = make_method(invoice.party)
    start_payment(invoice_id=invoice.pk, method_id=method.pk, by=None, at=AT)
    before = everything()
    with pytest.raises(AttemptOpen, match="wait for it"):
        start_payment(invoice_id=invoice.pk, method_id=method.pk, by=None, at=AT)
    assert everything() == before


def test_the_database_refuses_a_second_open_attempt() -> None:
    invoice = make_issued_invoice()
    first = start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party).pk, by=None, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.create(
            public_id="PAY-second",
            operator=first.operator,
            party=first.party,
            invoice=invoice,
            processor="sandbox",
            amount=1,
            currency="EUR",
            created_at=AT,
        )


def test_a_settled_invoice_takes_no_payment() -> None:
    invoice = make_issued_invoice()
    method = make_method(invoice.party)
    start_payment(invoice_id=invoice.pk, method_id=method.pk, by=None, at=AT)
    run_outbox()
    before = everything()
    with pytest.raises(NothingToPay, match="nothing to pay"):
        start_payment(invoice_id=invoice.pk, method_id=method.pk, by=None, at=AT)
    assert everything() == before


def test_nobody_is_charged_automatically_without_consent() -> None:
    invoice = make_issued_invoice()
    method = make_method(invoice.party, consent=False)
    before = everything()
    with pytest.raises(NoConsent, match="not agreed"):
        start_payment(invoice_id=invoice.pk, method_id=method.pk, by=None, at=AT)
    assert everything() == before


def test_a_strangers_or_removed_method_pays_nothing() -> None:
    invoice = make_issued_invoice()
    removed = make_method(invoice.party)
    detach_method(method_id=removed.pk, by=None, at=AT)
    for method in (removed, make_method(make_party())):
        before = everything()
        with pytest.raises(WrongState, match="cannot pay"):
            start_payment(invoice_id=invoice.pk, method_id=method.pk, by=None, at=AT)
        assert everything() == before


def test_a_checkout_is_continued_not_doubled() -> None:
    invoice = make_issued_invoice()
    first, address = checkout(invoice)
    second, again = checkout(invoice)
    assert (first.pk, address) == (second.pk, again)
    assert SandboxCharge.objects.count() == 1


def test_an_abandoned_checkout_can_be_cancelled_and_started_anew() -> None:
    invoice = make_issued_invoice()
    payment, _address = checkout(invoice)
    assert cancel_payment(payment_id=payment.pk, reason="customer left", by=None, at=AT).state == "cancelled"
    assert AuditRecord.objects.filter(action="payments.payment.cancelled", reason="customer left").count() == 1
    again, _address = checkout(invoice)
    assert again.pk != payment.pk


def test_money_beyond_the_debt_is_kept_as_credit() -> None:
    # Given a page that was cancelled here while the customer paid there, and a second attempt that paid too
    invoice = make_issued_invoice()
    late, _address = checkout(invoice)
    Payment.objects.filter(pk=late.pk).update(state=PaymentState.CANCELLED)
    start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party).pk, by=None, at=AT)
    run_outbox()
    # When the first one's money arrives after all
    seen = ProcessorPayment(late.processor_ref, "captured", Decimal("119.00"), "EUR")
    late = apply_seen(payment_id=late.pk, seen=seen, at=AT)
    # Then it is taken and stays the party's
    assert late.state == PaymentState.CAPTURED
    assert unallocated_amount(late) == Decimal("119.00")
    assert open_amount(invoice) == 0
    assert balance("customer_credit") == Decimal("-119.00")


@pytest.mark.parametrize("order", [["captured", "failed"], ["failed", "captured"], ["captured"] * 3])
def test_any_order_and_repetition_of_answers_ends_the_same(order: list[str]) -> None:
    invoice = make_issued_invoice()
    payment, _address = checkout(invoice)
    for state in order:
        seen = ProcessorPayment(payment.processor_ref, state, Decimal("119.00"), "EUR")
        apply_seen(payment_id=payment.pk, seen=seen, at=AT)
    payment.refresh_from_db()
    assert payment.state == PaymentState.CAPTURED
    assert PaymentEvent.objects.filter(payment=payment, kind="captured").count() == 1
    assert open_amount(invoice) == 0


@pytest.mark.parametrize(("amount", "currency"), [("118.99", "EUR"), ("119.00", "USD")])
def test_an_answer_about_other_money_is_refused(amount: str, currency: str) -> None:
    invoice = make_issued_invoice()
    payment, _address = checkout(invoice)
    before = everything()
    seen = ProcessorPayment(payment.processor_ref, "captured", Decimal(amount), currency)
    with pytest.raises(WrongState, match="we asked for"):
        apply_seen(payment_id=payment.pk, seen=seen, at=AT)
    assert everything() == before


def test_the_sandbox_answers_the_same_key_with_the_same_charge() -> None:
    invoice = make_issued_invoice()
    payment, _address = checkout(invoice)
    charge = SandboxCharge.objects.get()
    decide(charge, "approve")
    assert refresh_payment(payment_id=payment.pk, at=AT).state == PaymentState.CAPTURED
    assert settings.SANDBOX_PROCESSOR is True
