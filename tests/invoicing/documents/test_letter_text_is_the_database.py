"""What a recipient reads in a reminder and a statement is what the database holds, in his language's forms (I7)."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import Contract
from evbilling.kernel import outbox
from evbilling.shell.formats import format_day, format_money, format_number
from invoicing.models import Invoice, Letter
from invoicing.operations.allocations import allocate
from invoicing.operations.statements import draw_statement, read_statement
from tests.invoicing.documents.reading import text_of
from tests.invoicing.dunning.world import dun, make_debtor, make_overdue, make_plan

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("language", ["en", "de"])]
PAID_ON = dt.date(2026, 11, 10)
LATER = dt.datetime(2026, 12, 1, 8, tzinfo=dt.UTC)
PAID = Decimal("19.00")


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
        allocate(
            invoice_id=invoice.pk, amount=PAID, source="payment:abc", allocated_on=PAID_ON, by=None, at=LATER
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
    found = read_statement(
        operator_id=contract.operator_id, party_id=contract.party_id, currency="EUR",
        first=dt.date(2026, 11, 1), last=dt.date(2026, 12, 1), at=LATER,
    )  # fmt: skip
    content = draw_statement(found)
    text, by_cell = plain(text_of(content)), plain(text_of(content, layout=False))
    shown = [*sides(contract), row_of(invoice, language, overdue=16)]
    shown.append(plain(format_money(found.closing, "EUR", language)))
    days = [format_day(each.on, language) for each in found.movements]
    assert (len(days), found.closing) == (2, invoice.gross_amount)
    assert [each for each in days if each not in by_cell] == []
    assert [each for each in shown if each not in text] == []
