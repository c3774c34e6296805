"""Bank transfers by hand: booked once, settle what they name, the rest stays credit (I12)."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from evbilling.kernel.errors import BadInput, BillingError, MoneyError, WrongState
from invoicing.queries.documents import open_amount
from payments.errors import CardNumberGiven
from payments.models import Payment
from payments.operations.allocating import allocate_payment
from payments.operations.transfers import record_transfer
from payments.queries import credit_of, unallocated_amount
from tests.factories import make_user
from tests.payments.world import AT, balance, everything, make_issued_invoice

pytestmark = pytest.mark.django_db


def transfer(invoice: Any, arrived: str = "119.00", **given: Any) -> Payment:
    fields = {
        "operator_id": invoice.operator_id,
        "party_id": invoice.party_id,
        "amount": Decimal(arrived),
        "currency": "EUR",
        "received_on": dt.date(2026, 3, 2),
        "payer_reference": "INV",
        "invoice_id": invoice.pk,
        "by": None,
        "at": AT,
    }
    return record_transfer(**fields | given)


@pytest.mark.parametrize(
    ("amount", "left", "credit"), [("119.00", "0.00", "0.00"), ("100.00", "19.00", "0.00"), ("120.00", "0.00", "1.00")]
)
def test_a_transfer_settles_and_the_rest_is_credit(amount: str, left: str, credit: str) -> None:
    invoice = make_issued_invoice()
    payment = transfer(invoice, amount)
    assert open_amount(invoice) == Decimal(left)
    assert unallocated_amount(payment) == credit_of(invoice.party, "EUR") == Decimal(credit)
    assert balance("cash") == Decimal(amount)
    assert balance("receivable") == Decimal(left)
    assert balance("customer_credit") == -Decimal(credit)


@pytest.mark.parametrize(
    ("given_", "error"),
    [
        ({"amount": Decimal("0.00")}, BadInput),
        ({"amount": Decimal("-5.00")}, BadInput),
        ({"amount": Decimal("5.005")}, MoneyError),
        ({"received_on": dt.date(2026, 3, 3)}, BadInput),
        ({"received_on": dt.date(2015, 12, 31)}, BadInput),
        ({"received_on": dt.date(1, 1, 1)}, BadInput),
        ({"currency": "USD"}, WrongState),
        ({"payer_reference": "my card 4242 4242 4242 4242"}, CardNumberGiven),
    ],
)
def test_a_transfer_that_cannot_be_is_refused_and_changes_nothing(
    given_: dict[str, Any], error: type[BillingError]
) -> None:
    invoice = make_issued_invoice()
    before = everything()
    with pytest.raises(error) as refused:
        transfer(invoice, **given_)
    assert everything() == before
    assert "4242" not in refused.value.message


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"amount": Decimal("0.00")}, "amount: 0.00 cannot"),
        ({"received_on": dt.date(2099, 1, 1)}, "received on: 2099-01-01 cannot"),
        ({"received_on": dt.date(1, 1, 1)}, "received on: 0001-01-01 cannot .* from 1 Jan 2016 on"),
    ],
)
def test_a_refused_amount_or_day_reads_as_it_was_typed(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        transfer(make_issued_invoice(), **given)


def test_the_same_statement_line_twice_is_refused() -> None:
    invoice = make_issued_invoice()
    transfer(invoice, "50.00")
    before = everything()
    with pytest.raises(WrongState, match="booked already"):
        transfer(invoice, "50.00")
    assert everything() == before


def test_another_partys_invoice_is_not_settled() -> None:
    invoice, other = make_issued_invoice(), make_issued_invoice()
    before = everything()
    with pytest.raises(WrongState, match="not an issued document"):
        transfer(invoice, "10.00", invoice_id=other.pk)
    assert everything() == before


def test_free_money_settles_another_invoice_of_the_party() -> None:
    first = make_issued_invoice()
    second = make_issued_invoice(contract=first.contract)
    payment = transfer(first, "150.00")
    allocate_payment(payment_id=payment.pk, invoice_id=second.pk, amount=Decimal("31.00"), by=make_user(), at=AT)
    assert (open_amount(first), open_amount(second)) == (Decimal("0.00"), Decimal("88.00"))
    assert unallocated_amount(payment) == Decimal("0.00")


def test_no_more_is_allocated_than_is_free() -> None:
    first = make_issued_invoice()
    second = make_issued_invoice(contract=first.contract)
    payment = transfer(first, "150.00")
    before = everything()
    with pytest.raises(BadInput, match="has €31.00 free"):
        allocate_payment(payment_id=payment.pk, invoice_id=second.pk, amount=Decimal("31.01"), by=None, at=AT)
    assert everything() == before


class TransfersAddUp(TestCase):
    """Any sequence of transfers: allocations + unallocated = payments, never more settled than owed."""

    @classmethod
    def setUpTestData(cls) -> None:
        cls.invoice = make_issued_invoice()

    @given(st.lists(st.integers(min_value=1, max_value=9_000), min_size=1, max_size=6))
    def test_whatever_arrives_is_settled_or_credit(self, amounts: list[int]) -> None:
        invoice = self.invoice
        payments = [
            transfer(invoice, str(Decimal(cents).scaleb(-2)), payer_reference=f"line {index}")
            for index, cents in enumerate(amounts)
        ]
        arrived = sum((payment.amount for payment in payments), Decimal(0))
        free = sum((unallocated_amount(payment) for payment in payments), Decimal(0))
        left = open_amount(invoice)
        assert left == max(Decimal("119.00") - arrived, Decimal(0))
        assert arrived - free == Decimal("119.00") - left
        assert balance("customer_credit") == -free
