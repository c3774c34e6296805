"""One table as a workbook (XLSX), written straight: tens of thousands of rows in a second, and always the same bytes.

Text is text, whatever it begins with: a cell of text is never run as a formula. Numbers are numbers, exactly as given.
The parts are those of Office Open XML (ECMA-376) that a table needs: a head in bold that stays when scrolled, a
filter, widths and number formats.
"""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from xml.sax.saxutils import escape

from evbilling.kernel.xml import xml_text

_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - the day from which spreadsheets count, in no zone
_LONGEST = 32_767
"""Characters that a cell holds."""


class Style(IntEnum):
    """How a column's cells are shown: their place among the styles of `_STYLES`."""

    TEXT = 0
    HEAD = 1
    WHOLE = 2
    ENERGY = 3  # kWh to the Wh
    AMOUNT = 4  # two digits after the point
    INSTANT = 5
    AMOUNT_3 = 6
    AMOUNT_4 = 7


AMOUNTS = (Style.WHOLE, Style.AMOUNT, Style.AMOUNT, Style.AMOUNT_3, Style.AMOUNT_4)
"""How amounts are shown by the minor digits of their currency."""


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """A column: its head, how its cells are shown, and its width in characters."""

    head: str
    style: Style = Style.TEXT
    width: int = 16


type Cell = str | int | Decimal | dt.datetime | None


def workbook(title: str, columns: Sequence[SheetColumn], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The table as a file. An instant is shown as its own zone's wall time; None leaves a cell empty."""
    letters = [_letters(number) for number in range(len(columns))]
    body, count = [], 1
    for row in rows:
        count += 1
        cells = (_cell(f"{at}{count}", value, column) for at, value, column in zip(letters, row, columns, strict=True))
        body.append(f'<row r="{count}">{"".join(cells)}</row>')
    heads = "".join(_text(f"{at}1", column.head, Style.HEAD) for at, column in zip(letters, columns, strict=True))
    widths = "".join(
        f'<col min="{number}" max="{number}" width="{column.width}" customWidth="1"/>'
        for number, column in enumerate(columns, start=1)
    )
    sheet = (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f'<cols>{widths}</cols><sheetData><row r="1">{heads}</row>{"".join(body)}</sheetData>'
        f'<autoFilter ref="A1:{letters[-1]}{count}"/></worksheet>'
    )
    return _packed(
        {
            "[Content_Types].xml": _TYPES,
            "_rels/.rels": _relations(("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": _WORKBOOK % escape(re.sub(r"[\[\]:*?/\\]", " ", title)[:31], {'"': "&quot;"}),
            "xl/_rels/workbook.xml.rels": _relations(("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml")),
            "xl/styles.xml": _STYLES,
            "xl/worksheets/sheet1.xml": sheet,
        }
    )


def _letters(number: int) -> str:
    """The name of a column, counted from 0: A to Z, AA and on."""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def _cell(at: str, value: Cell, column: SheetColumn) -> str:
    match value:
        case None | "":
            return ""
        case str():
            return _text(at, value, column.style)
        case dt.datetime():
            since = value.replace(tzinfo=None) - _EPOCH
            days = Decimal(since.days) + Decimal(since.seconds) / 86_400
            return f'<c r="{at}" s="{Style.INSTANT:d}"><v>{days:.8f}</v></c>'
    return f'<c r="{at}" s="{column.style:d}"><v>{value:f}</v></c>'


def _text(at: str, value: str, style: Style) -> str:
    text = escape(xml_text(value[:_LONGEST]))
    return f'<c r="{at}" s="{style:d}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _packed(parts: dict[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name)  # dated 1980: the same table gives the same bytes
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.encode())
    return target.getvalue()


def _relations(*targets: tuple[str, str]) -> str:
    found = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATIONS}/{kind}" Target="{path}"/>'
        for number, (kind, path) in enumerate(targets, start=1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{found}</Relationships>'


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_TYPES = (
    f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>'
)
_WORKBOOK = (
    f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}">'
    '<sheets><sheet name="%s" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_FORMATS = (0, 0, 3, 164, 4, 165, 164, 166)  # per Style; 3 and 4 are built in: #,##0 and #,##0.00
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="3"><numFmt numFmtId="164" formatCode="#,##0.000"/>'
    '<numFmt numFmtId="165" formatCode="yyyy-mm-dd hh:mm"/><numFmt numFmtId="166" formatCode="#,##0.0000"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    f'<cellXfs count="{len(_FORMATS)}">'
    + "".join(
        f'<xf numFmtId="{number}" fontId="{int(style == Style.HEAD)}" applyNumberFormat="1" applyFont="1"/>'
        for style, number in enumerate(_FORMATS)
    )
    + '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
