"""Every kind of booking has a name of its own on a statement: on the page, in the letter, in both languages."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils.translation import override

from evbilling.workspace.party_account import KINDS
from invoicing.documents.letters.statement import entry_word
from invoicing.documents.letters.views import EntryKind
from invoicing.operations.statements import draw_statement, read_statement
from invoicing.queries.statements import Statement, statement_csv
from tests.invoicing.accounting.world import AT, DAY, Books, every_kind, german_books
from tests.invoicing.documents.reading import text_of
from tests.invoicing.quiet import nothing_is_drawn  # noqa: F401 - documents are not drawn here

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def books() -> Books:
    return every_kind(german_books(language="en"))


def read(books: Books, *, host: bool = False) -> Statement:
    contract = books.host if host else books.contract
    return read_statement(
        operator_id=contract.operator_id, party_id=contract.party_id, currency="EUR",
        first=dt.date(2026, 11, 1), last=DAY, at=AT,
    )  # fmt: skip


def test_given_every_kind_of_booking_when_stated_then_none_is_an_other_one(books: Books) -> None:
    found = read(books)
    kinds = [(each.kind, each.debit - each.credit, each.set_off, each.balance) for each in found.movements]
    assert kinds == [
        ("document", D("119.00"), D(0), D("119.00")),
        ("document", D("59.50"), D(0), D("178.50")),
        ("document", D("238.00"), D(0), D("416.50")),
        ("credit", D("-59.50"), D(0), D("357.00")),
        ("write_off", D("-119.00"), D(0), D("238.00")),
        ("payment", D("-300.00"), D(0), D("-62.00")),
        ("allocation", D(0), D("119.00"), D("-62.00")),
        ("deposit", D("100.00"), D(0), D("38.00")),
        ("deposit", D("-30.00"), D(0), D("8.00")),
        ("refund", D("50.00"), D(0), D("58.00")),
    ]
    assert [each.kind for each in read(books, host=True).movements] == ["settlement"]
    # And what is open less the money that is free is the balance: 119.00 less 61.00
    assert (sum(each.amount for each in found.open_claims), found.credit) == (D("119.00"), D("61.00"))


def test_every_kind_that_a_letter_knows_has_a_name_on_the_page_and_in_both_languages() -> None:
    names = {}
    for language in ("en", "de"):
        with override(language):
            assert {str(kind) for kind in EntryKind} == set(KINDS)
            words = [entry_word(kind) for kind in EntryKind]
            names[language] = [*words, *(str(KINDS[kind]) for kind in EntryKind)]
            assert len(set(words)) == len(words)
    assert all(german != english for german, english in zip(names["de"], names["en"], strict=True))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["Deposit", "taken as security:", "Written off", "Payment received", "Paid to you"]),
        ("de", ["Kaution", "als Sicherheit einbehalten:", "Ausgebucht", "Zahlungseingang", "Auszahlung"]),
    ],
)
def test_given_a_party_of_a_language_when_its_statement_is_drawn_then_it_says_so_in_it(
    language: str, expected: list[str], books: Books
) -> None:
    # Given a statement that a person reads in English, of a party of either language
    found = read(books)
    found.party.language = language

    # When it is drawn, then kinds and texts are in the party's
    page = " ".join(text_of(draw_statement(found), layout=False).split())
    assert [word for word in expected if word not in page] == []
    assert books.payment.public_id[:12] in page


def test_the_csv_has_each_movement_with_its_kind_text_and_balance(books: Books) -> None:
    rows = [row.split(";") for row in statement_csv(read(books)).decode("utf-8-sig").splitlines()[2:-1]]
    deposits = [row for row in rows if row[1] == "deposit"]
    contract = books.contract.number
    day = DAY.isoformat()
    assert deposits == [
        [day, "deposit", "", f"taken as security: {contract}", "100.00", "0.00", "38.00", "EUR"],
        [day, "deposit", "", f"returned to the customer's credit: {contract}", "0.00", "30.00", "8.00", "EUR"],
    ]
    assert [row[2:4] for row in rows if row[1] == "write_off"] == [[books.given_up.number, ""]]
