"""The books see every corruption of payments (I12, I13, I21)."""

import pytest
from django.db import connection

from evbilling.kernel.books import check_books
from payments.operations.transfers import record_transfer
from tests.factories import make_party
from tests.payments.world import AT, make_issued_invoice, make_method

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_protections")]
MINE = frozenset({"I12", "I13", "I20", "I21"})


def findings() -> list[str]:
    return [finding.problem for result in check_books(MINE) for finding in result.findings]


@pytest.fixture
def paid_invoice() -> None:
    invoice = make_issued_invoice()
    make_method(invoice.party)
    record_transfer(
        operator_id=invoice.operator_id,
        party_id=invoice.party_id,
        amount=invoice.gross_amount,
        currency="EUR",
        received_on=AT.date(),
        payer_reference="INV",
        invoice_id=invoice.pk,
        by=None,
        at=AT,
    )


@pytest.mark.usefixtures("paid_invoice")
@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE payments_paymentevent SET amount = 100", "of it is used"),
        ("UPDATE payments_payment SET state = 'failed'", "its events say otherwise"),
        ("UPDATE invoicing_journalentry SET source = 'x' WHERE source LIKE 'payment:%'", "do not go together"),
        ("UPDATE payments_paymentmethod SET token = '4242424242424242'", "holds a card number"),
        ("UPDATE payments_payment SET payer_reference = '4242 4242 4242 4242'", "holds a card number"),
        (
            "UPDATE payments_payment SET party_id = (SELECT MAX(id) FROM contracts_party)",
            "of another party than its invoice",
        ),
        (
            "UPDATE payments_payment SET public_id = 'PAY-other', party_id = (SELECT MAX(id) FROM contracts_party)",
            "settles an invoice of another party",
        ),
        (
            "UPDATE payments_payment SET method_id = (SELECT MAX(id) FROM payments_paymentmethod), "
            "party_id = (SELECT MAX(id) FROM contracts_party)",
            "used a method of another party",
        ),
    ],
)
def test_a_corruption_is_found(sql: str, problem: str) -> None:
    make_party()
    assert findings() == []
    with connection.cursor() as cursor:
        cursor.execute(sql)
    assert any(problem in found for found in findings())


@pytest.mark.usefixtures("paid_invoice")
def test_money_taken_twice_is_found() -> None:
    assert findings() == []
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX payment_captured_once")
        cursor.execute(
            "INSERT INTO payments_paymentevent (payment_id, kind, amount, detail, at) "
            "SELECT payment_id, kind, amount, detail, at FROM payments_paymentevent WHERE kind = 'captured'"
        )
    assert any("was captured 2 times" in found for found in findings())
