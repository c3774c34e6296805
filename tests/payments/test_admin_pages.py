"""Payments in the workspace: a link changes nothing, a confirmed dialog does, and only for those who may."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Contract, EInvoiceFormat, Operator, Party
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from invoicing.models import Invoice
from invoicing.queries.documents import open_amount
from payments.models import MethodState, Payment, PaymentMethod, PaymentState
from payments.operations.payments import start_payment
from payments.operations.refunds import approve_refund, ask_refund, confirm_transfer
from payments.operations.transfers import record_transfer
from payments.queries import unallocated_amount
from tests.contracts.world import sign_in
from tests.factories import make_contract_in_force, make_user
from tests.invoicing.factories import make_issued
from tests.payments.world import AT, everything, make_issued_invoice, make_method

pytestmark = pytest.mark.django_db
YES = {"_form_submitted": "True"}


@pytest.fixture
def officer(client: Client, settings: Any) -> Client:
    return sign_in(client, make_user(Role.PAYMENTS_OFFICER), settings)


@pytest.fixture
def method() -> PaymentMethod:
    """A saved method beside the party's default."""
    first = make_method(make_issued_invoice().party)
    return make_method(first.party)


@pytest.fixture
def unknown() -> Payment:
    """A charge whose answer never came: the processor has not seen it."""
    invoice = make_issued_invoice()
    payment = start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party).pk, by=None, at=AT)
    Payment.objects.filter(pk=payment.pk).update(state=PaymentState.UNKNOWN)
    payment.refresh_from_db()
    return payment


def button(row: Payment | PaymentMethod, step: str) -> str:
    return reverse(f"admin:payments_{row._meta.model_name}_{step}", args=[row.pk])


def state_of(row: Payment | PaymentMethod) -> dict[str, Any]:
    return type(row).objects.values().get(pk=row.pk)


@pytest.mark.parametrize("step", ["make_default", "detach"])
def test_given_a_link_to_a_method_when_it_is_opened_then_a_dialog_asks_and_nothing_changes(
    officer: Client, method: PaymentMethod, step: str
) -> None:
    before = state_of(method), everything()
    answer = officer.get(button(method, step), headers={"hx-request": "true"})
    assert (answer.status_code, "csrfmiddlewaretoken" in answer.content.decode()) == (200, True)
    assert (state_of(method), everything()) == before


def test_given_the_dialog_when_confirmed_then_the_method_is_the_default(officer: Client, method: PaymentMethod) -> None:
    officer.post(button(method, "make_default"), YES)
    assert PaymentMethod.objects.get(party=method.party, is_default=True) == method
    assert AuditRecord.objects.get(action="payments.method.default").by_id is not None


def test_given_the_dialog_when_confirmed_then_the_method_is_removed(officer: Client, method: PaymentMethod) -> None:
    officer.post(button(method, "detach"), YES)
    assert state_of(method)["state"] == MethodState.DETACHED


def test_given_a_link_to_ask_when_it_is_opened_then_nothing_changes(officer: Client, unknown: Payment) -> None:
    before = state_of(unknown), everything()
    assert officer.get(button(unknown, "ask_processor")).status_code == 200
    assert (state_of(unknown), everything()) == before


def test_given_the_dialog_when_the_processor_is_asked_then_the_trail_names_who_had_it_asked(
    officer: Client, unknown: Payment
) -> None:
    officer.post(button(unknown, "ask_processor"), YES)
    assert state_of(unknown)["state"] == PaymentState.FAILED
    assert AuditRecord.objects.get(action="payments.payment.failed").by_id == int(officer.session["_auth_user_id"])


def test_given_a_transfer_when_booked_and_settled_further_then_the_figures_are_exact(officer: Client) -> None:
    invoice = make_issued_invoice()
    other = make_issued_invoice("50.00", contract=invoice.contract)
    line = {"invoice": invoice.number, "amount": "150.00", "received_on": "2026-03-02", "payer_reference": "TX 1"}
    booked = officer.post(reverse("admin:payments_payment_book_transfer"), YES | line)
    assert booked["Location"] == reverse("admin:payments_payment_changelist")
    payment = Payment.objects.get()
    assert (open_amount(invoice), unallocated_amount(payment)) == (Decimal(0), Decimal("31.00"))
    officer.post(button(payment, "allocate"), YES | {"invoice": other.number, "amount": "31.00"})
    assert (open_amount(other), unallocated_amount(payment)) == (Decimal("28.50"), Decimal(0))


def test_given_a_transfer_far_above_what_is_open_when_booked_then_it_is_asked_back_and_taken_once_ticked(
    officer: Client,
) -> None:
    # Given 119.00 and 59.50 open of one customer
    invoice = make_issued_invoice()
    make_issued_invoice("50.00", contract=invoice.contract)
    address, dialog = reverse("admin:payments_payment_book_transfer"), {"hx-request": "true"}
    line = {"invoice": invoice.number, "received_on": "2026-03-02", "payer_reference": "TX 1"}
    tick = '<input type="checkbox" name="sure"'
    assert tick not in officer.get(address, headers=dialog).content.decode()
    # When more than twice of it is typed
    before = everything()
    asked = officer.post(address, YES | line | {"amount": "357.01"}, headers=dialog).content.decode()
    # Then the dialog asks, and books nothing until the tick is set
    assert "owes €178.50" in asked
    assert tick in asked
    assert everything() == before
    officer.post(address, YES | line | {"amount": "357.01", "sure": "on"}, headers=dialog)
    assert Payment.objects.get().amount == Decimal("357.01")


def test_given_a_transfer_of_twice_what_is_open_when_booked_then_nothing_is_asked(officer: Client) -> None:
    line = {"invoice": make_issued_invoice().number, "received_on": "2026-03-02", "payer_reference": "TX 1"}
    officer.post(reverse("admin:payments_payment_book_transfer"), YES | line | {"amount": "238.00"})
    assert Payment.objects.get().amount == Decimal("238.00")


def test_given_an_unknown_invoice_when_a_transfer_is_booked_then_the_page_says_so_and_nothing_changes(
    officer: Client,
) -> None:
    before = everything()
    line = {"invoice": "INV-0", "amount": "150.00", "received_on": "2026-03-02", "payer_reference": ""}
    answer = officer.post(reverse("admin:payments_payment_book_transfer"), YES | line, follow=True)
    assert "Enter the number of an issued invoice" in answer.content.decode()
    assert everything() == before


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.BILLING_CLERK, Role.CONTRACT_MANAGER])
def test_the_buttons_are_closed_to_other_roles(
    client: Client, settings: Any, method: PaymentMethod, unknown: Payment, role: Role
) -> None:
    sign_in(client, make_user(role), settings)
    before = state_of(method), state_of(unknown), everything()
    for row, step in ((method, "make_default"), (method, "detach"), (unknown, "ask_processor"), (unknown, "cancel")):
        assert client.post(button(row, step), YES | {"reason": "x"}).status_code == 403, step
    assert (state_of(method), state_of(unknown), everything()) == before


def test_given_a_refund_when_its_page_is_opened_then_only_what_its_state_allows_is_offered(
    client: Client, settings: Any
) -> None:
    # Given money that may go back by transfer
    asker, other = make_user(Role.PAYMENTS_OFFICER), make_user(Role.PAYMENTS_OFFICER)
    invoice = make_issued_invoice()
    payment = record_transfer(
        operator_id=invoice.operator_id,
        party_id=invoice.party_id,
        amount=Decimal("40.00"),
        currency="EUR",
        received_on=AT.date(),
        payer_reference="too much",
        invoice_id=None,
        by=asker,
        at=AT,
    )
    refund = ask_refund(payment_id=payment.pk, amount=Decimal("40.00"), reason="Paid twice", by=asker, at=AT)

    def offered(by: User) -> set[str]:
        page = sign_in(client, by, settings).get(reverse("admin:payments_refund_change", args=[refund.pk]))
        text = page.content.decode()
        steps = ("approve", "decline", "transferred", "ask")
        return {step for step in steps if reverse(f"admin:payments_refund_{step}", args=[refund.pk]) in text}

    # Then another person decides, the transfer is noted, and what is done offers nothing
    assert offered(asker) == set()
    assert offered(other) == {"approve", "decline"}
    approve_refund(refund_id=refund.pk, by=other, at=AT)
    assert offered(other) == {"transferred"}
    confirm_transfer(refund_id=refund.pk, paid_on=AT.date(), by=other, at=AT)
    assert offered(other) == set()


STEPS = ("allocate", "refund", "hold_deposit", "free_deposit", "ask_processor", "cancel")


def issued_in(currency: str) -> Invoice:
    """An invoice of an operator that reckons in the currency."""
    contract = make_contract_in_force()
    Operator.objects.filter(pk=contract.operator_id).update(currency=currency)
    Party.objects.filter(pk=contract.party_id).update(einvoice_format=EInvoiceFormat.NONE)
    Contract.objects.filter(pk=contract.pk).update(currency=currency)
    return make_issued(Contract.objects.get(pk=contract.pk), ("100",))


def offered(client: Client, payment: Payment) -> set[str]:
    """The buttons on a payment's page."""
    page = client.get(reverse("admin:payments_payment_change", args=[payment.pk])).content.decode()
    return {step for step in STEPS if button(payment, step) in page}


def test_given_a_payment_when_its_page_is_opened_then_only_what_its_state_allows_is_offered(
    client: Client, settings: Any
) -> None:
    admin = sign_in(client, make_user(Role.ADMINISTRATOR), settings)
    invoice = make_issued_invoice()
    line = {"operator_id": invoice.operator_id, "party_id": invoice.party_id, "currency": "EUR", "by": None, "at": AT}
    line |= {"received_on": AT.date(), "payer_reference": "x", "invoice_id": invoice.pk}
    # Money that settles something, with and without a rest
    assert offered(admin, record_transfer(amount=Decimal("150.00"), **line)) == {"allocate", "refund", "hold_deposit"}
    whole = make_issued_invoice()
    line |= {"operator_id": whole.operator_id, "party_id": whole.party_id, "invoice_id": whole.pk}
    assert offered(admin, record_transfer(amount=Decimal("119.00"), **line)) == {"refund"}
    # An attempt that waits, whose answer never came, and one that ended
    open_ = make_issued_invoice()
    payment = start_payment(invoice_id=open_.pk, method_id=make_method(open_.party).pk, by=None, at=AT)
    for state, steps in (
        (PaymentState.REQUIRES_ACTION, {"ask_processor", "cancel"}),
        (PaymentState.UNKNOWN, {"ask_processor"}),
        (PaymentState.FAILED, set()),
        (PaymentState.CANCELLED, set()),
    ):
        Payment.objects.filter(pk=payment.pk).update(state=state)
        assert offered(admin, payment) == steps, state


@pytest.mark.parametrize(("currency", "amount"), [("KWD", "10.125"), ("JPY", "4200"), ("EUR", "10.12")])
def test_an_amount_has_the_decimals_of_its_currency(officer: Client, currency: str, amount: str) -> None:
    invoice = issued_in(currency)
    line = {"invoice": invoice.number, "amount": amount, "received_on": "2026-03-02", "payer_reference": "TX 1"}
    line |= {"sure": "on"}
    officer.post(reverse("admin:payments_payment_book_transfer"), YES | line)
    assert Payment.objects.values_list("amount", "currency").get() == (Decimal(amount), currency)


@pytest.mark.parametrize(("currency", "amount"), [("KWD", "10.1255"), ("JPY", "4200.50"), ("EUR", "10.125")])
def test_a_fraction_of_the_smallest_unit_is_refused_and_nothing_changes(
    officer: Client, currency: str, amount: str
) -> None:
    invoice = issued_in(currency)
    before = everything()
    line = {
        "invoice": invoice.number,
        "amount": amount,
        "received_on": "2026-03-02",
        "payer_reference": "TX 1",
        "sure": "on",
    }
    answer = officer.post(reverse("admin:payments_payment_book_transfer"), YES | line, follow=True)
    assert f"fraction of the smallest unit of {currency}" in answer.content.decode()
    assert everything() == before
