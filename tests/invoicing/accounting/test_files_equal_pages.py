"""Every report says the same on its page, as CSV and as a workbook: table by table, row by row, cell by cell."""

import csv
import datetime as dt
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils.text import capfirst
from lxml import html
from openpyxl import load_workbook

from evbilling.access.roles import Role
from evbilling.shell.formats import format_day, format_money, format_number, format_percent
from evbilling.workspace.accounting.catalogue import CHOICES
from invoicing.models import Account
from invoicing.operations.advances import issue_advance
from invoicing.operations.ledger import post_cash_received
from invoicing.queries.accounting.open_items import deferred
from invoicing.queries.accounting.report import Column
from tests.invoicing.accounting.world import AT, DAY, every_kind
from tests.invoicing.month import Month, make_month
from tests.invoicing.quiet import nothing_is_drawn  # noqa: F401 - documents are not drawn here
from tests.workspace.world import signed_in

pytestmark = pytest.mark.django_db
Table = list[list[str]]
PERIOD = "from=2026-10&to=2026-11"


@pytest.fixture
def month() -> Month:
    """A closed month with sessions at two sites, a booking of every kind, an advance, and money of three currencies."""
    made = make_month(sessions=2)
    contract = made.contracts["idle"]
    contract.party.legal_name = "Idle Fleet"
    contract.party.save()
    every_kind(contract)
    issue_advance(contract_id=contract.pk, amount=Decimal("20.00"), issued_on=DAY, reason="x", by=None, at=AT)
    for amount, currency in (("1000", "JPY"), ("1.235", "KWD")):
        post_cash_received(
            operator=made.operator, source=f"payment:{currency}:captured", party=contract.party,
            amount=Decimal(amount), currency=currency, booked_on=DAY, clearing=False, at=AT,
        )  # fmt: skip
    made.close()
    return made


def said(value: Any, column: Column, currency: str) -> str:
    """A file's cell as the page writes it. A total's label stands in a column of any kind."""
    if value in (None, ""):
        return ""
    if isinstance(value, dt.datetime):
        return format_day(value.date())
    text = str(value)
    if column.kind == "day" and text[:4].isdecimal():
        return format_day(dt.date.fromisoformat(text))
    if column.kind == "money" and text.lstrip("-")[:1].isdecimal():
        return format_money(Decimal(text), currency)
    if column.kind == "percent" and text[:1].isdecimal():
        return format_percent(Decimal(text) / 100)
    return text


def plain(value: object) -> str:
    return " ".join(str(value).split())


def of_page(client: Client, address: str) -> tuple[list[tuple[Sequence[Column], str]], list[Table]]:
    """What the tables are about, and their texts, heads first and totals last."""
    response = client.get(address)
    assert response.status_code == 200
    about = [(each.heads, each.section.currency) for each in response.context["sections"]]
    tables = html.fromstring(response.content.decode()).xpath("//table[contains(@class, 'acc-table')]")
    texts = [
        [[plain(cell.text_content()) for cell in row.xpath("./th|./td")] for row in table.xpath(".//tr")]
        for table in tables
    ]
    return about, texts


def of_csv(content: bytes, about: list[tuple[Sequence[Column], str]]) -> list[Table]:
    blocks: list[list[list[str]]] = [[]]
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))):
        if row:
            blocks[-1].append(row)
        else:
            blocks.append([])
    tables = []
    for (columns, currency), ((_title, code), heads, *rows) in zip(about, blocks, strict=True):
        assert {code, *(row[-1] for row in rows)} == {currency}
        cells = [[plain(said(value, *each)) for value, each in _with(row[:-1], columns, currency)] for row in rows]
        tables.append([[capfirst(head) for head in heads[:-1]], *cells])
    return tables


def of_workbook(content: bytes, about: list[tuple[Sequence[Column], str]]) -> list[Table]:
    tables = []
    for (columns, currency), sheet in zip(about, load_workbook(io.BytesIO(content)).worksheets, strict=True):
        _title, heads, *rows = list(sheet.iter_rows(max_col=len(columns)))
        cells = []
        for row in rows:
            values = [_exact(cell) for cell in row]
            cells.append([plain(said(value, *each)) for value, each in _with(values, columns, currency)])
        tables.append([[capfirst(str(cell.value)) for cell in heads], *cells])
    return tables


def _exact(cell: Any) -> Any:
    """A workbook keeps numbers in binary; with the digits of the cell's format they are the amounts again."""
    if not isinstance(cell.value, int | float) or cell.number_format == "General":
        return cell.value
    return f"{cell.value:.{len(cell.number_format.partition('.')[2])}f}"


def _with(values: Sequence[Any], columns: Sequence[Column], currency: str) -> list[tuple[Any, tuple[Column, str]]]:
    assert len(values) == len(columns)
    return [(value, (column, currency)) for value, column in zip(values, columns, strict=True)]


def _energy(tables: list[Table], about: list[tuple[Sequence[Column], str]]) -> list[Table]:
    """Numbers with decimals as the page groups them."""
    return [
        [
            row if index == 0 else [
                format_number(Decimal(cell), 3) if column.kind == "number" and "." in cell else cell
                for cell, column in zip(row, columns, strict=True)
            ]
            for index, row in enumerate(table)
        ]
        for table, (columns, _currency) in zip(tables, about, strict=True)
    ]  # fmt: skip


def test_given_a_report_when_downloaded_then_each_cell_is_that_of_the_page(
    month: Month, client: Client, settings: Any
) -> None:
    client = signed_in(client, settings, Role.AUDITOR)
    account = Account.objects.get(role="receivable").pk
    addresses = {name: f"/admin/accounting/{name}/?{PERIOD}" for name in CHOICES}
    addresses["account"] = f"/admin/accounting/account/?{PERIOD}&account={account}"
    for name, address in addresses.items():
        about, page = of_page(client, address)
        assert page, name
        files = {kind: client.get(f"{address}&format={kind}").content for kind in ("csv", "xlsx")}
        read = {"csv": of_csv(files["csv"], about), "xlsx": of_workbook(files["xlsx"], about)}
        for kind, tables in read.items():
            assert len(tables) == len(page), (name, kind)
            for table, shown in zip(_energy(tables, about), page, strict=True):
                assert len(table) == len(shown), (name, kind)
                assert [both for both in zip(table, shown, strict=True) if both[0] != both[1]] == [], (name, kind)


def test_given_money_of_others_when_listed_then_advances_deposits_and_credit_are_those_by_hand(month: Month) -> None:
    # Given a transfer of 300.00 of which 119.00 settle, 70.00 stay security and 50.00 went back; an advance of 20.00
    report = deferred(month.operator, on=DAY)

    # Then each stands on its account, per party and currency, with its sum
    assert [
        (section.currency, [(*row.cells[1:3], str(row.cells[3])) for row in section.rows], str(section.totals[-1]))
        for section in report.sections
        if section.totals
    ] == [
        (
            "EUR",
            [
                ("unallocated customer money", "Idle Fleet", "61.00"),
                ("advance payments received", "Idle Fleet", "20.00"),
                ("deposits held", "Idle Fleet", "70.00"),
            ],
            "151.00",
        ),
        ("JPY", [("unallocated customer money", "Idle Fleet", "1000")], "1000"),
        ("KWD", [("unallocated customer money", "Idle Fleet", "1.235")], "1.235"),
    ]

    # And the day before there was none, and one currency can be asked for alone
    assert deferred(month.operator, on=DAY - dt.timedelta(days=1)).sections == []
    assert [section.currency for section in deferred(month.operator, on=DAY, currency="KWD").sections] == ["KWD"]
