"""Files of rows: CSV as people and spreadsheets write it, XLSX, OCPI tariffs as JSON. Bytes in, text out, and back.

CSV may be separated by comma, semicolon or tab; UTF-8 with or without its mark, UTF-16, or the Windows page that older
spreadsheets write. Nothing is run: formulas of a workbook give their last value, and text that looks like one is
guarded on the way out.
"""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import IllegalCharacterError, InvalidFileException

from evbilling.kernel import strict_json
from evbilling.kernel.errors import BadInput, require
from evbilling.kernel.spreadsheet import guard, unguard

MOST_BYTES = 5 * 1024 * 1024
MOST_ROWS = 1_000
MOST_COLUMNS = 60
LONGEST_CELL = 50_000
_LONGEST_NUMBER = 50
_MOST_UNPACKED = 100 * 1024 * 1024
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and rows as text; row n of `rows` stands in row n + 2 of the file."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def read_csv(content: bytes) -> Table:
    """A CSV file. Raises BadInput for one that is refused whole."""
    _require_size(content)
    try:
        text = _decoded(content)
    except UnicodeDecodeError:
        raise BadInput("file", "", _("It is no text; save it as CSV in UTF-8.")) from None
    require("\0" not in text, BadInput("file", "", _("It is no text; save it as CSV in UTF-8.")))
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BadInput("file", "", _("It is no CSV file: %s.") % error) from None
    return _table(rows)


def read_xlsx(content: bytes) -> Table:
    """The first sheet of a workbook. Raises BadInput for one that is refused whole."""
    _require_size(content)
    broken = BadInput("file", "", _("It is no workbook that can be read; save it as XLSX or CSV."))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(each.file_size for each in packed.infolist())
            require(unpacked <= _MOST_UNPACKED, BadInput("file", "", _("It is too large when unpacked; split it.")))
        book: Any = load_workbook(io.BytesIO(content), read_only=True, data_only=True)  # type: ignore[no-untyped-call]
        sheet = book.worksheets[0]
        rows = []
        for values in sheet.iter_rows(values_only=True, max_row=MOST_ROWS + 2, max_col=MOST_COLUMNS + 1):
            rows.append([_cell(value) for value in values])
    except (
        zipfile.BadZipFile,
        InvalidFileException,
        SyntaxError,
        KeyError,
        IndexError,
        ValueError,
        TypeError,
        OSError,
    ):
        raise broken from None
    return _table(rows)


def read_ocpi(content: bytes) -> Table:
    """OCPI Tariff objects: one, a list, or a response with `data`. Raises BadInput for anything else.

    A tariff's start_date_time is the instant from which its prices hold; without one its last_updated is.
    """
    _require_size(content)
    try:
        data = strict_json.loads(content)
    except strict_json.BadJson as error:
        raise BadInput("file", "", str(error)) from None
    if isinstance(data, Mapping) and isinstance(data.get("data"), list):
        data = data["data"]
    found = [data] if isinstance(data, Mapping) else data
    tariffs = isinstance(found, list) and all(isinstance(each, Mapping) for each in found)
    require(tariffs and found, BadInput("file", "", _("Give an OCPI tariff, or a list of them.")))
    require(_is_writable(found), BadInput("file", "", _("It holds a text or number that cannot be kept; correct it.")))
    return _table([["code", "name", "currency", "valid_from", "ocpi_version", "ocpi"], *map(_ocpi_row, found)])


def _is_writable(node: Any) -> bool:
    """Whether texts are without control characters of no file, and numbers of a length that can be written out."""
    if isinstance(node, Mapping):
        return all(_is_writable(key) and _is_writable(value) for key, value in node.items())
    if isinstance(node, list):
        return all(map(_is_writable, node))
    if isinstance(node, Decimal):
        return abs(node.adjusted()) <= _LONGEST_NUMBER and abs(int(node.as_tuple().exponent)) <= _LONGEST_NUMBER
    return not isinstance(node, str) or not ("\0" in node or any("\ud800" <= each <= "\udfff" for each in node))


def _ocpi_row(tariff: Mapping[str, Any]) -> list[str]:
    begins = tariff.get("start_date_time") or tariff.get("last_updated") or ""
    since = str(begins) if not begins or str(begins)[-1:] == "Z" or "+" in str(begins) else f"{begins}Z"
    limits = [tariff.get(key) for key in _LIMITS]
    newest = "tax_included" in tariff or any(isinstance(each, Mapping) and "before_taxes" in each for each in limits)
    rest = {key: value for key, value in tariff.items() if key != "start_date_time"}
    version = "2.3.0" if newest else "2.2.1"
    code = str(tariff.get("id", ""))
    return [code, _name(tariff) or code, str(tariff.get("currency", "")), since, version, strict_json.dumps(rest)]


_LIMITS = ("min_price", "max_price")


def _name(tariff: Mapping[str, Any]) -> str:
    texts = tariff.get("tariff_alt_text")
    first = texts[0] if isinstance(texts, list) and texts else None
    return str(first.get("text", ""))[:120] if isinstance(first, Mapping) else ""


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """UTF-8 with the mark by which spreadsheets know it, separated by commas."""
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow(headings)
    writer.writerows([guard(cell) for cell in row] for row in rows)
    return target.getvalue().encode("utf-8-sig")


def write_xlsx(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A workbook with one sheet, every cell text. Raises BadInput for a character that no workbook can hold."""
    book: Any = Workbook(write_only=True)  # type: ignore[no-untyped-call]
    sheet = book.create_sheet()
    sheet.append(list(headings))
    try:
        for row in rows:
            sheet.append([guard(cell) for cell in row])
    except IllegalCharacterError:
        raise BadInput("file", "", _("A text holds a character that no workbook can hold; export as CSV.")) from None
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _require_size(content: bytes) -> None:
    require(len(content) <= MOST_BYTES, BadInput("file", f"{len(content)} B", _("Give at most 5 MB; split the file.")))


def _decoded(content: bytes) -> str:
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _cell(value: object) -> str:
    """A value of a workbook as text; a number as it is shown, a day without its midnight."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, float):
        number = Decimal(repr(value))
        return format(number.to_integral_value() if number == number.to_integral_value() else number, "f")
    return str(value)


def _table(rows: Sequence[Sequence[str]]) -> Table:
    require(rows, BadInput("file", "", _("It is empty; its first row names the columns.")))
    headings = [heading.strip().lower() for heading in rows[0]]
    while headings and not headings[-1]:
        headings.pop()
    width = len(headings)
    require(
        width <= MOST_COLUMNS and len(rows) <= MOST_ROWS + 1,
        BadInput("file", "", _("Give at most %(rows)s rows; split the file.") % {"rows": MOST_ROWS}),
    )
    twice = sorted({each for each in headings if headings.count(each) > 1})
    require(not twice, BadInput("file", ", ".join(twice), _("This column stands twice; keep one of them.")))
    return Table(tuple(headings), tuple(_row(number, row, width) for number, row in enumerate(rows[1:], 2)))


def _row(number: int, row: Sequence[str], width: int) -> tuple[str, ...]:
    require(
        not any(row[width:]),
        BadInput("file", str(number), _("This row has more cells than there are columns.")),
    )
    longest = max(map(len, row), default=0)
    require(longest <= LONGEST_CELL, BadInput("file", str(number), _("A cell of this row is too long.")))
    cells = [unguard(cell) for cell in row[:width]]
    return tuple(cells + [""] * (width - len(cells)))
