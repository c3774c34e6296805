"""The session list as CSV and workbook: the annex's figures, exact, as numbers; text is never a formula."""

import datetime as dt
import io
import time
from dataclasses import replace
from decimal import Decimal

import openpyxl
import pytest

from invoicing.documents.annex_file import session_list, session_workbook
from invoicing.documents.workbook import SheetColumn, Style, workbook
from tests.invoicing.documents import samples


def opened(content: bytes):
    return openpyxl.load_workbook(io.BytesIO(content)).active


def test_given_sessions_then_the_workbook_has_each_with_its_figures_as_numbers() -> None:
    view = samples.german_invoice(40)
    sheet = opened(session_workbook(view, view.annex))
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    expected = [row for section in view.annex for row in section.rows]
    assert len(rows) == 40
    for shown, row in zip(rows, expected, strict=True):
        assert (shown[0], shown[2], shown[4]) == (view.number, row.session_ref, row.site)
        assert shown[3] == row.started_at.replace(tzinfo=None)
        assert Decimal(str(shown[8])) == Decimal(row.energy_wh) / 1000
        assert (shown[9], shown[10] or 0) == (row.duration_s, row.idle_s)
        assert Decimal(str(shown[11])) == row.amount
        assert shown[12:] == ("EUR", row.because)
    assert sum(Decimal(str(shown[11])) for shown in rows) == view.net_amount


def test_given_a_workbook_then_its_head_is_in_the_documents_language_and_stays_in_sight() -> None:
    view = samples.german_invoice(3)
    sheet = opened(session_workbook(view, view.annex))
    assert [cell.value for cell in sheet[1]][2:5] == ["Ladevorgang", "Beginn", "Standort"]
    assert sheet.title == "Rechnung RE-2026-004711"
    assert sheet.freeze_panes == "A2"
    assert sheet["A1"].font.b
    assert (sheet["I2"].number_format, sheet["L2"].number_format) == ("#,##0.000", "#,##0.00")


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [
        ("KWD", "1234.565", "#,##0.000"),
        ("BHD", "0.005", "#,##0.000"),
        ("TND", "-7.120", "#,##0.000"),
        ("JPY", "1234", "#,##0"),
        ("CLF", "1.2345", "#,##0.0000"),
        ("EUR", "12.30", "#,##0.00"),
    ],
)
def test_given_a_currency_then_its_amounts_show_its_minor_digits(currency: str, amount: str, shown: str) -> None:
    view = replace(samples.german_invoice(0), currency=currency)
    rows = tuple(replace(row, amount=Decimal(amount)) for row in samples.rows(1))
    cell = opened(session_workbook(view, (samples.section(rows),)))["L2"]
    assert cell.number_format == shown
    assert Decimal(str(cell.value)) == Decimal(amount)


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-2", "@SUM(A1)", "\t=1", "'=1", "<b>&", "a\x00b\x0b", "Ω 東京"])
def test_given_any_text_then_it_is_text_in_the_workbook_and_guarded_in_the_csv(text: str) -> None:
    rows = tuple(replace(row, driver=text) for row in samples.rows(1))
    view = samples.german_invoice(0)
    section = samples.section(rows)
    cell = opened(session_workbook(view, (section,)))["H2"]
    assert cell.data_type != "f"
    assert cell.value == text.replace("\x00", "").replace("\x0b", "")
    line = session_list(view, (section,)).decode("utf-8-sig").split("\r\n")[1]
    assert not any(f",{sign}" in line for sign in ("=", "+", "@", "\t"))


def test_given_the_same_table_then_the_bytes_are_the_same() -> None:
    view = samples.german_invoice(5)
    assert session_workbook(view, view.annex) == session_workbook(view, view.annex)


def test_given_twenty_thousand_sessions_then_the_workbook_takes_a_few_seconds_at_most() -> None:
    view = samples.german_invoice(0)
    section = samples.section(samples.rows(2_000))
    before = time.process_time()
    content = session_workbook(view, (section,) * 10)
    assert time.process_time() - before < 4
    assert opened(content).max_row == 20_001


def test_given_more_columns_than_letters_then_each_has_its_name() -> None:
    columns = [SheetColumn(f"c{n}", Style.WHOLE) for n in range(30)]
    sheet = opened(workbook("x", columns, [list(range(30))]))
    assert (sheet["A2"].value, sheet["Z2"].value, sheet["AA2"].value, sheet["AD2"].value) == (0, 25, 26, 29)


def test_given_empty_cells_instants_and_negative_amounts_then_they_are_as_given() -> None:
    columns = [SheetColumn("a"), SheetColumn("b", Style.AMOUNT), SheetColumn("c", Style.INSTANT)]
    at = dt.datetime(2026, 3, 29, 2, 30, 15, tzinfo=dt.UTC)
    sheet = opened(workbook('A/b "c"', columns, [["", Decimal("-1234.50"), at], [None, Decimal("0.10"), None]]))
    assert [cell.value for cell in sheet[2]] == [None, -1234.5, at.replace(tzinfo=None)]
    assert [cell.value for cell in sheet[3]] == [None, 0.1, None]
    assert sheet.title == 'A b "c"'
