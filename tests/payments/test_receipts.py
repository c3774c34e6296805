"""Receipts: made once from what a payment settled, for its own party, and none for money that has not arrived."""

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client

from contracts.models import Membership, MembershipRole
from evbilling.kernel.errors import WrongState
from invoicing.models import Letter
from payments.models import Payment
from payments.operations.payments import start_payment
from payments.operations.receipts import file_receipt
from tests.factories import make_user
from tests.invoicing.documents.reading import text_of
from tests.payments.test_transfers import transfer
from tests.payments.world import AT, make_issued_invoice, make_method

pytestmark = pytest.mark.django_db

LATER = AT + dt.timedelta(days=40)


def test_given_a_transfer_with_a_rest_then_its_receipt_says_what_it_settled_and_what_is_kept() -> None:
    invoice = make_issued_invoice()
    payment = transfer(invoice, "120.00")
    letter = file_receipt(payment_id=payment.pk, by=None, at=AT)
    text = " ".join(text_of(bytes(letter.content)).split())
    assert (letter.kind, letter.party, letter.source) == ("receipt", invoice.party, f"receipt:{payment.public_id}")
    assert "€120.00" in text
    assert f"{invoice.number} 1 Mar 2026 119.00 119.00 0.00" in text
    assert "Kept as credit €1.00" in text
    whole = "".join(text_of(bytes(letter.content), layout=False).split())
    assert payment.public_id.replace("-", "") in whole.replace("-", "")  # a line may end after "PAY-", read without it


def test_given_a_receipt_then_the_same_bytes_are_given_again() -> None:
    payment = transfer(make_issued_invoice(), "119.00")
    first = file_receipt(payment_id=payment.pk, by=None, at=AT)
    again = file_receipt(payment_id=payment.pk, by=None, at=LATER)
    assert (again.pk, bytes(again.content)) == (first.pk, bytes(first.content))
    assert Letter.objects.count() == 1


def test_given_money_that_has_not_arrived_then_there_is_no_receipt() -> None:
    invoice = make_issued_invoice()
    payment = start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party).pk, by=None, at=AT)
    with pytest.raises(WrongState, match="has not arrived"):
        file_receipt(payment_id=payment.pk, by=None, at=AT)
    assert not Letter.objects.exists()


def test_given_the_portal_then_the_own_company_gets_its_receipt_and_others_nothing(client: Client) -> None:
    invoice = make_issued_invoice()
    payment = transfer(invoice, "119.00")
    address = f"/payments/{payment.public_id}/receipt/"
    stranger, owner = make_user(None), make_user(None)
    Membership.objects.create(user=owner, party=invoice.party, role=MembershipRole.VIEWER)
    Membership.objects.create(user=stranger, party=make_issued_invoice().party, role=MembershipRole.MANAGER)
    assert client.post(address).status_code == 302  # anonymous: to the login
    client.force_login(stranger)
    assert client.post(address).status_code == 404
    assert not Letter.objects.exists()
    client.force_login(owner)
    assert client.get(address).status_code == 405
    answer = client.post(address)
    (letter,) = Letter.objects.all()
    assert answer["Location"] == f"/letters/{letter.pk}/"
    assert client.get(answer["Location"]).headers["Content-Type"] == "application/pdf"
    assert Payment.objects.get().amount == Decimal("119.00")
