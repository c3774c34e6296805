"""Given a contract with a fee for failed payments, when a saved method is refused, then the fee is due once."""

from decimal import Decimal

import pytest
from django.urls import reverse

from evbilling.kernel import outbox
from invoicing.models import Invoice, Penalty
from payments.models import PaymentState
from payments.operations.payments import cancel_payment, refresh_payment, start_checkout, start_payment
from tests.factories import make_contract_in_force
from tests.payments.world import AT, make_issued_invoice, make_method

pytestmark = pytest.mark.django_db
FEE = ("failed_payment", {"amount": "3.50"})


def invoice_of(*terms: tuple[str, dict[str, str]]) -> Invoice:
    return make_issued_invoice(contract=make_contract_in_force(terms=terms))


def charge(invoice: Invoice, token: str) -> str:
    method = make_method(invoice.party, token)
    payment = start_payment(invoice_id=invoice.pk, method_id=method.pk, by=None, at=AT)
    outbox.drain(at=AT, kinds={"payments.charge"})
    payment.refresh_from_db()
    return payment.state


def test_a_refused_charge_costs_the_fee_once() -> None:
    invoice = invoice_of(FEE)
    assert charge(invoice, "decline") == PaymentState.FAILED
    penalty = Penalty.objects.get()
    assert (penalty.kind, penalty.amount, penalty.invoice) == ("failed_payment", Decimal("3.50"), invoice)
    refresh_payment(payment_id=invoice.payments.get().pk, at=AT)
    assert Penalty.objects.count() == 1


def test_a_charge_that_succeeds_costs_nothing() -> None:
    assert charge(invoice_of(FEE), "approve") == PaymentState.CAPTURED
    assert not Penalty.objects.exists()


def test_without_the_term_a_refused_charge_costs_nothing() -> None:
    assert charge(invoice_of(), "decline") == PaymentState.FAILED
    assert not Penalty.objects.exists()


def test_a_page_that_its_visitor_left_costs_nothing() -> None:
    invoice = invoice_of(FEE)
    payment, _url = start_checkout(
        invoice_id=invoice.pk, processor="sandbox", return_address=lambda ref: reverse("portal:home"), by=None, at=AT
    )
    cancel_payment(payment_id=payment.pk, reason="Left", by=None, at=AT)
    assert not Penalty.objects.exists()
