"""A report as a file: CSV for programs, a workbook for people. The same cells as on the page."""

import csv
import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from evbilling.kernel.money import minor_digits
from evbilling.kernel.spreadsheet import BOM, guard
from invoicing.queries.accounting.report import Column, Report, Section, Value

BOLD = Font(bold=True)


def as_csv(report: Report) -> bytes:
    """All sections one below another, each row with its currency: a decimal point, days as YYYY-MM-DD, UTF-8 with mark.

    Text that a spreadsheet would run gets an apostrophe in front.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    for number, section in enumerate(report.sections):
        if number:
            writer.writerow([])
        writer.writerow([guard(str(section.title)), section.currency])
        writer.writerow([str(column.label) for column in section.columns] + [_("currency")])
        for row in section.rows:
            writer.writerow([*(_text(value) for value in row.cells), section.currency])
        if section.totals is not None:
            writer.writerow([*(_text(value) for value in section.totals), section.currency])
    return (BOM + target.getvalue()).encode()


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, int) else guard(str(value))


def as_xlsx(report: Report) -> bytes:
    """One sheet per section, with numbers as numbers in the currency's digits and totals in bold."""
    book = Workbook(write_only=True)
    titles: set[str] = set()
    for section in report.sections:
        sheet = book.create_sheet(_sheet_title(section, titles))
        sheet.freeze_panes = "A3"
        for index, column in enumerate(section.columns):
            sheet.column_dimensions[chr(ord("A") + index)].width = 14 if column.numeric else 24
        sheet.append([_bold(sheet, f"{report.title} {report.subtitle} {section.currency}")])
        sheet.append([_bold(sheet, str(column.label)) for column in section.columns])
        for row in section.rows:
            sheet.append(list(_cells(sheet, section, row.cells, strong=row.strong)))
        if section.totals is not None:
            sheet.append(list(_cells(sheet, section, section.totals, strong=True)))
    if not report.sections:
        book.create_sheet(str(report.title)[:31])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _sheet_title(section: Section, taken: set[str]) -> str:
    name = f"{section.title} {section.currency}".translate({ord(sign): " " for sign in "[]:*?/\\"})[:28]
    title, number = name, 2
    while title in taken:
        title, number = f"{name} {number}", number + 1
    taken.add(title)
    return title


def _cells(sheet: Any, section: Section, values: tuple[Value, ...], *, strong: bool) -> Iterator[Any]:
    for column, value in zip(section.columns, values, strict=True):
        cell = WriteOnlyCell(sheet, value=_number(value))
        if isinstance(value, Decimal):
            cell.number_format = _format(column, section.currency)
        elif isinstance(value, dt.date):
            cell.number_format = "yyyy-mm-dd"
        if strong:
            cell.font = BOLD
        yield cell


def _number(value: Value) -> Any:
    return value if value is None or isinstance(value, Decimal | int | dt.date) else guard(str(value))


def _format(column: Column, currency: str) -> str:
    digits = minor_digits(currency) if column.kind == "money" else 3 if column.kind == "number" else 2
    return f"#,##0.{'0' * digits}" if digits else "#,##0"


def _bold(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, value=guard(text))
    cell.font = BOLD
    return cell
