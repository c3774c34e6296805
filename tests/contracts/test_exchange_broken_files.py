"""Given a file that is broken on purpose, when it is read, then it is refused with a sentence, whatever is inside."""

import io
import zipfile

import pytest

from contracts.rules.exchange_files import read_ocpi, read_xlsx, write_xlsx
from evbilling.kernel.errors import BadInput


def with_part(name: str, content: bytes) -> bytes:
    """A workbook in which one part is replaced."""
    target = io.BytesIO()
    good = write_xlsx(["code"], [["A"]])
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(target, "w") as made:
        for each in source.infolist():
            made.writestr(each.filename, content if each.filename == name else source.read(each.filename))
    return target.getvalue()


@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml"])
def test_a_workbook_that_is_no_xml_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="no workbook that can be read"):
        read_xlsx(with_part(name, b"<worksheet><sheetData><row"))


@pytest.mark.parametrize(
    "content",
    [
        b'{"id": "A\\u0000B"}',
        b'{"id": "\\ud800"}',
        b'{"id": 1e999999999}',
        b'{"id": "A", "elements": [{"price_components": [{"price": 1e-999999999}]}]}',
        b'{"id": "A", "\\u0000": 1}',
    ],
)
def test_texts_and_numbers_that_no_database_keeps_are_refused(content: bytes) -> None:
    with pytest.raises(BadInput, match="cannot be kept"):
        read_ocpi(content)


def test_a_limit_that_is_no_price_is_left_to_the_reader_of_tariffs() -> None:
    assert read_ocpi(b'{"id": "A", "min_price": 3}').rows[0][0] == "A"
