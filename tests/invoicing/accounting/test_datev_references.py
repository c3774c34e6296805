"""Belegfeld 1 of a DATEV file names what a clerk can look up, whatever was booked; texts keep the format's bounds."""

import ast
import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from contracts.models import Chart, Party
from invoicing.models import JournalEntry
from invoicing.operations.exports import export_datev
from invoicing.rules.datev import reference
from tests.invoicing.accounting.world import AT, NOVEMBER, every_kind, german_books, receive
from tests.invoicing.quiet import nothing_is_drawn  # noqa: F401 - documents are not drawn here

pytestmark = pytest.mark.django_db
POSTING = {"post_journal", "post_cash_received", "post_cash_returned", "NewEntry"}


def exported(operator_id: int) -> list[dict[str, str]]:
    file = export_datev(operator_id=operator_id, period=NOVEMBER, currency="EUR", by=None, at=AT)
    _head, columns, *rows = csv.reader(file.content.decode("cp1252").splitlines(), delimiter=";")
    return [dict(zip(columns, row, strict=True)) for row in rows]


ROWS = [
    ("119,00", "S", "debtor", "revenue", "INV-2026-000001", "Rechnung INV-2026-000001, Alpha Fleet"),
    ("59,50", "S", "debtor", "revenue", "INV-2026-000002", "Rechnung INV-2026-000002, Alpha Fleet"),
    ("238,00", "S", "debtor", "revenue", "INV-2026-000003", "Rechnung INV-2026-000003, Alpha Fleet"),
    ("40,00", "H", "creditor", "cost", "SET-2026-000001", "Abrechnung SET-2026-000001, Host"),
    ("7,60", "H", "creditor", "input tax", "SET-2026-000001", "Abrechnung SET-2026-000001, Host"),
    ("59,50", "S", "revenue", "debtor", "CN-2026-000001", "Rechnungskorrektur CN-2026-000001, Alpha Fleet"),
    ("100,00", "H", "debtor", "write-off", "INV-2026-000003", "Ausgebucht: INV-2026-000003"),
    ("19,00", "H", "debtor", "tax", "INV-2026-000003", "Ausgebucht: INV-2026-000003"),
    ("300,00", "S", "bank", "debtor", "payment", "Eingang von Alpha Fleet"),
    ("100,00", "S", "debtor", "deposit", "payment", "als Sicherheit einbehalten: CONTRACT, Alpha Fleet"),
    ("30,00", "S", "deposit", "debtor", "payment", "an das Guthaben des Kunden freigegeben: CONTRACT, Alpha Fleet"),
    ("50,00", "S", "debtor", "bank", "refund", "Rückzahlung an Alpha Fleet"),
]
"""Amount, debit or credit, account, counter account, reference, text: by hand."""
ACCOUNTS = {
    Chart.SKR03: "8400 3100 1576 2400 1770 1200 1732",
    Chart.SKR04: "4400 5900 1406 6930 3800 1800 3550",
}
NAMES = ("revenue", "cost", "input tax", "write-off", "tax", "bank", "deposit")


@pytest.mark.parametrize("chart", [Chart.SKR03, Chart.SKR04])
def test_given_every_kind_of_booking_when_exported_then_each_has_a_reference_to_look_up(chart: Chart) -> None:
    # Given a booking of every kind, booked by people who read English
    books = every_kind(german_books(chart))

    # When the month is exported
    rows = exported(books.contract.operator_id)

    # Then each line has its document's number or its money's reference, and a text in the operator's language
    called = dict(zip(ACCOUNTS[chart].split(), NAMES, strict=True)) | {"10000": "debtor", "70000": "creditor"}
    money = {books.payment.public_id: "payment", books.refund.public_id: "refund"}
    contract = books.contract.number
    assert [
        (
            row["Umsatz (ohne Soll/Haben-Kz)"],
            row["Soll/Haben-Kennzeichen"],
            called[row["Konto"]],
            called[row["Gegenkonto (ohne BU-Schlüssel)"]],
            money.get(row["Belegfeld 1"], row["Belegfeld 1"]),
            row["Buchungstext"].replace(contract, "CONTRACT"),
        )
        for row in rows
    ] == ROWS


def posted_sources() -> Iterator[str]:
    """The first part of the source of every call that books, read from the product's own code."""
    for app in ("invoicing", "payments"):
        for path in sorted((Path(settings.BASE_DIR) / app / "operations").rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in POSTING):
                    continue
                named = [each.value for each in node.keywords if each.arg == "source"] or node.args[:1]
                for source in named:
                    if isinstance(source, ast.JoinedStr) and isinstance(source.values[0], ast.Constant):
                        yield str(source.values[0].value).partition(":")[0]


def test_a_booking_of_every_kind_that_the_product_makes_is_among_them() -> None:
    every_kind(german_books())
    booked = {source.partition(":")[0] for source in JournalEntry.objects.values_list("source", flat=True)}
    assert booked == set(posted_sources()) == {"invoice", "payment", "refund", "deposit", "allocation"}


NAME = 'Çelik & Söhne "Łódź" GmbH; Größe 1€ – Straße\n漢字 und noch mehr Worte'


@pytest.mark.parametrize("chart", [Chart.SKR03, Chart.SKR04])
def test_given_names_of_many_languages_when_exported_then_the_file_is_windows_1252_and_the_text_fits(
    chart: Chart,
) -> None:
    # Given money of a customer whose name has signs inside and outside of Windows-1252, quotation marks and a semicolon
    contract = german_books(chart)
    Party.objects.filter(pk=contract.party_id).update(legal_name=NAME)
    contract.refresh_from_db()
    receive(contract, "10.00")

    # When exported
    content = export_datev(operator_id=contract.operator_id, period=NOVEMBER, currency="EUR", by=None, at=AT).content

    # Then umlauts, the euro sign and the dash stand as their one byte, the rest is replaced, at most 60 signs are left
    text = 'Eingang von Çelik & Söhne "?ódz" GmbH; Größe 1€ – Straße ??'
    assert len(text) == 59
    doubled = text.replace('"', '""')
    assert f'"{doubled} "'.encode("cp1252") in content
    (row,) = exported(contract.operator_id)
    assert row["Buchungstext"] == f"{text} "


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("INV-2026-000001", "INV-2026-000001"),
        ("RÜ 2026_1;2", "R--2026-1-2"),
        ("a$&%*+-/Z9", "a$&%*+-/Z9"),
        ('"quoted"', "-quoted-"),
        ("é" * 40, "-" * 36),
        ("PAY-" + "0" * 32, "PAY-" + "0" * 32),
    ],
)
def test_belegfeld_1_keeps_the_signs_and_the_length_that_datev_takes(number: str, written: str) -> None:
    assert reference(number) == written
