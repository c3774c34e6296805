"""What a recipient reads in a reminder and a statement is what the database holds, in his language's forms (I7)."""

import datetime as dt
import re
from decimal import Decimal

import pytest

from contracts.models import Contract
from evbilling.kernel import outbox
from evbilling.shell.formats import format_day, format_money, format_number
from evbilling.shell.paper.formats import formats_of
from invoicing.models import Allocation, Invoice, JournalLine, Letter
from invoicing.operations.statements import draw_statement, read_statement
from invoicing.queries.documents import open_amount
from invoicing.queries.statements import ROLES
from payments.models import Payment
from payments.operations.allocating import allocate_payment, source_of
from payments.operations.receipts import file_receipt
from payments.operations.transfers import record_transfer
from payments.queries import unallocated_amount
from tests.invoicing.documents.reading import text_of, unbroken
from tests.invoicing.dunning.world import dun, make_debtor, make_overdue, make_plan

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("language", ["en", "de"])]
PAID_ON = dt.date(2026, 11, 10)
LATER = dt.datetime(2026, 12, 1, 8, tzinfo=dt.UTC)
PAID = Decimal("19.00")
ENTRIES = {
    "en": {
        "document": "Document", "invoice": "invoice", "payment": "Payment received", "set_off": "Set off",
        "closing": "Closing balance",
    },
    "de": {
        "document": "Beleg", "invoice": "Rechnung", "payment": "Zahlungseingang", "set_off": "Verrechnet",
        "closing": "Endsaldo",
    },
}  # fmt: skip

RECEIPT = {
    "en": {
        "title": "Payment receipt", "number": "Receipt no.", "settled": "Settled documents", "credit": "Kept as credit",
        "received": "Received", "transfer": "bank transfer",
    },
    "de": {
        "title": "Zahlungsbestätigung", "number": "Bestätigungsnr.", "settled": "Beglichene Belege",
        "credit": "Bleibt als Guthaben", "received": "Erhalten", "transfer": "Überweisung",
    },
}  # fmt: skip


def plain(text: str) -> str:
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def owing(language: str) -> tuple[Contract, Invoice]:
    """A debtor and its overdue invoice, of which 19.00 were paid."""
    contract = make_debtor()
    make_plan(contract.operator)
    contract.party.language = language
    contract.party.save()
    with outbox.run_here():
        invoice = make_overdue(contract, "1234.50")
        record_transfer(
            operator_id=contract.operator_id, party_id=contract.party_id, amount=PAID, currency="EUR",
            received_on=PAID_ON, payer_reference="first part", invoice_id=invoice.pk, by=None, at=LATER,
        )  # fmt: skip
    return contract, invoice


def row_of(invoice: Invoice, language: str, *, overdue: int) -> str:
    """Number, days and figures of an overdue document, as they stand side by side."""
    assert invoice.issued_on is not None
    assert invoice.due_on is not None
    days = [format_day(day, language) for day in (invoice.issued_on, invoice.due_on)]
    amounts = [format_number(each, 2, language) for each in (invoice.gross_amount, invoice.gross_amount - PAID)]
    return " ".join([str(invoice), *days, str(overdue), *amounts])


def sides(contract: Contract) -> list[str]:
    party, operator = contract.party, contract.operator
    return [operator.legal_name, operator.street, party.legal_name, party.street, party.city, party.number]


def test_given_a_reminder_then_it_says_both_sides_each_document_and_the_sum(language: str) -> None:
    contract, invoice = owing(language)
    with outbox.run_here():
        dun(contract, 3)
    text = plain(text_of(bytes(Letter.objects.get().content)))
    shown = [*sides(contract), row_of(invoice, language, overdue=3)]
    shown.append(plain(format_money(invoice.gross_amount - PAID, "EUR", language)))
    assert [each for each in shown if each not in text] == []


def test_given_a_statement_then_it_says_both_sides_each_booking_and_the_balance(language: str) -> None:
    contract, invoice = owing(language)
    content = draw_statement(
        read_statement(
            operator_id=contract.operator_id, party_id=contract.party_id, currency="EUR",
            first=dt.date(2026, 11, 1), last=dt.date(2026, 12, 1), at=LATER,
        )
    )  # fmt: skip
    text = plain(text_of(content))
    total, paid, left = (
        format_number(each, 2, language) for each in (invoice.gross_amount, PAID, open_amount(invoice))
    )
    words, payment = ENTRIES[language], Payment.objects.get()
    days = {"invoice": invoice.issued_on, "payment": payment.received_on, "last": dt.date(2026, 12, 1)}
    day = {name: format_day(on, language) for name, on in days.items() if on is not None}
    reference = "PAY-[0-9a-f]*"  # which goes on below
    rows = [
        f"{day['invoice']} {words['document']} {invoice} {words['invoice']} {total} {total} {day['payment']}",
        f"{day['payment']} {words['payment']} {reference} {paid} {left} ",
        f"{day['payment']} {words['set_off']} {invoice} {re.escape(plain(format_money(PAID, 'EUR', language)))} ",
        f"{day['last']} {words['closing']} {total} {paid} {left} ",
    ]
    places = [match.start() for row in rows if (match := re.search(row, text))]
    assert (len(places), places) == (len(rows), sorted(places))
    assert unbroken(text_of(content, layout=False)).count(unbroken(payment.public_id)) == 2
    booked = JournalLine.objects.filter(party=contract.party, account__role__in=ROLES).values_list("amount", flat=True)
    assert sum(booked) == open_amount(invoice) == invoice.gross_amount - PAID
    shown = [*sides(contract), row_of(invoice, language, overdue=16)]
    shown.append(plain(format_money(open_amount(invoice), "EUR", language)))
    assert [each for each in shown if each not in text] == []


def test_given_a_receipt_then_it_says_both_sides_the_money_and_what_it_settled(language: str) -> None:
    contract, first = owing(language)
    with outbox.run_here():
        second = make_overdue(contract, "10.00", party=contract.party)
        payment = record_transfer(
            operator_id=contract.operator_id, party_id=contract.party_id, amount=Decimal("1500.00"), currency="EUR",
            received_on=dt.date(2026, 11, 12), payer_reference="Rest und mehr", invoice_id=first.pk, by=None, at=LATER,
        )  # fmt: skip
        allocate_payment(payment_id=payment.pk, invoice_id=second.pk, amount=Decimal("5.00"), by=None, at=LATER)
    letter = file_receipt(payment_id=payment.pk, by=None, at=LATER)
    text, words = plain(text_of(bytes(letter.content))), RECEIPT[language]
    settled = dict(Allocation.objects.filter(source=source_of(payment)).values_list("invoice", "amount"))
    assert sorted(settled.values()) == [Decimal("5.00"), first.gross_amount - PAID]
    rows = []
    for invoice in (first, second):
        assert invoice.issued_on is not None
        amounts = (invoice.gross_amount, settled[invoice.pk], open_amount(invoice))
        figures = [format_number(each, 2, language) for each in amounts]
        rows.append(" ".join([str(invoice), format_day(invoice.issued_on, language), *figures]))

    def money(amount: Decimal) -> str:
        return plain(format_money(amount, "EUR", language))

    number = payment.public_id[:12].upper()
    shown = [
        *sides(contract), *rows, f"{words['title']} {number}", f"{words['number']} {number}",
        f"{words['settled']} {money(sum(settled.values(), Decimal(0)))}",
        f"{words['credit']} {money(unallocated_amount(payment))}", f"{words['received']} {money(payment.amount)}",
    ]  # fmt: skip
    box = [formats_of(language, "EUR").long_date(dt.date(2026, 11, 12)), words["transfer"], payment.payer_reference]
    by_cell = plain(text_of(bytes(letter.content), layout=False))
    assert (letter.language, [each for each in shown if each not in text]) == (language, [])
    assert [each for each in box if each not in by_cell] == []
    assert unbroken(payment.public_id) in unbroken(by_cell)
