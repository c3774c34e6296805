"""A dialog that is refused stays open with what was typed, and says why; nothing is stored."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from evbilling.access.roles import Role
from payments.models import Payment
from tests.contracts.world import sign_in
from tests.factories import make_user
from tests.payments.world import make_issued_invoice

pytestmark = pytest.mark.django_db
TYPED = {
    "_form_submitted": "True",
    "invoice": "INV-2026-999999",
    "amount": "12.34",
    "received_on": "2026-11-02",
    "payer_reference": "Statement 17 <line 3>",
}
WHY = "Enter the number of an issued invoice, such as INV-2026-000365."


def book(client: Client, *, in_dialog: bool, **typed: str) -> Any:
    headers = {"HX-Request": "true"} if in_dialog else {}
    return client.post(reverse("admin:payments_payment_book_transfer"), TYPED | typed, headers=headers)


@pytest.fixture
def officer(client: Client, settings: Any) -> Client:
    return sign_in(client, make_user(Role.PAYMENTS_OFFICER), settings)


def test_given_a_dialog_when_refused_then_it_says_why_above_what_was_typed(officer: Client) -> None:
    answer = book(officer, in_dialog=True)
    page = answer.content.decode()
    assert (answer.status_code, "HX-Redirect" in answer) == (200, False)
    assert page.index('id="dialog-form"') < page.index(WHY) < page.index('value="INV-2026-999999"')
    assert 'value="12.34"' in page
    assert "Statement 17 &lt;line 3&gt;" in page
    assert list(get_messages(answer.wsgi_request)) == []
    assert not Payment.objects.exists()


def test_given_a_refused_dialog_when_put_right_then_it_closes(officer: Client) -> None:
    invoice = make_issued_invoice()
    book(officer, in_dialog=True)
    answer = book(officer, in_dialog=True, invoice=invoice.number)
    assert answer["HX-Redirect"] == reverse("admin:payments_payment_changelist")
    assert Payment.objects.get().payer_reference == TYPED["payer_reference"]


def test_given_no_dialog_when_refused_then_the_next_page_says_why(officer: Client) -> None:
    answer = book(officer, in_dialog=False)
    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:payments_payment_changelist"))
    (said,) = get_messages(answer.wsgi_request)
    assert str(said).endswith(WHY)
    assert not Payment.objects.exists()
