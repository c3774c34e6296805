"""Files of rows: what people and spreadsheets write is read, what is no table is refused, formulas stay text."""

import io
import json
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rules import exchange_files
from contracts.rules.exchange_files import Table, read_csv, read_ocpi, read_xlsx, write_csv, write_xlsx
from evbilling.kernel.errors import BadInput

ROWS = Table(("number", "city"), (("C1", "München"), ("C2", "=1+1")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters_of_spreadsheets(encoding: str, delimiter: str) -> None:
    text = f"Number {delimiter}CITY\r\nC1{delimiter}München\r\nC2{delimiter}=1+1\r\n"
    assert read_csv(text.encode(encoding)) == ROWS


def test_quoted_cells_may_hold_line_breaks_and_delimiters() -> None:
    table = read_csv(b'number;note\n1;"a;b\nc ""d"""\n2;\n3\n')
    assert table.rows == (("1", 'a;b\nc "d"'), ("2", ""), ("3", ""))


@pytest.mark.parametrize("write_and_read", [(write_csv, read_csv), (write_xlsx, read_xlsx)])
def test_what_is_written_is_read_back_and_no_cell_is_a_formula(write_and_read: tuple) -> None:
    write, read = write_and_read
    rows = [["=cmd()", "+49 40", "-1", "@x", "'=y", "'s-Hertogenbosch", "01067", " \ttab"]]
    content = write([f"c{n}" for n in range(8)], rows)
    assert list(read(content).rows[0]) == rows[0]
    if read is read_xlsx:
        cells = next(openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows(min_row=2))
        assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
        assert cells[0].value == "'=cmd()"
    else:
        assert b"\r\n'=cmd()" in content


@given(st.lists(st.text(alphabet="abö'=+-@;,\"\n\t ", max_size=8), min_size=2, max_size=2))
def test_any_text_survives_csv(cells: list[str]) -> None:
    table = read_csv(write_csv(["a", "b"], [cells, ["x", "y"]]))
    assert table.rows[0] == tuple(cells)


def test_numbers_dates_and_truths_of_a_workbook_are_text() -> None:
    book = openpyxl.Workbook()
    book.active.append(["a", "b", "c", "d", "e"])
    book.active.append([0.45, 12, True, None, 20457.0])
    target = io.BytesIO()
    book.save(target)
    assert read_xlsx(target.getvalue()).rows == (("0.45", "12", "yes", "", "20457"),)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"number,number\n1,2\n", "twice"),
        (b"number\n1,2\n", "more cells"),
        (b"number\n\0\n", "no text"),
        (b'number\n"open\n', "no CSV file"),
        (b"number\n" + b"1\n" * (exchange_files.MOST_ROWS + 1), "at most 1000 rows"),
        (b"n" * (exchange_files.MOST_BYTES + 1), "at most 5 MB"),
        (b"number\n" + b"x" * (exchange_files.LONGEST_CELL + 1), "too long"),
    ],
)
def test_a_csv_file_that_is_refused_whole(content: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_csv(content)


def test_a_workbook_that_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x", "y")
    for content in (b"PK nothing", b"", packed.getvalue(), b"number\n1\n"):
        with pytest.raises(BadInput, match="no workbook"):
            read_xlsx(content)
    monkeypatch.setattr(exchange_files, "_MOST_UNPACKED", 10)
    with pytest.raises(BadInput, match="too large when unpacked"):
        read_xlsx(write_xlsx(["number"], [["1"]]))


OCPI = {
    "id": "NIGHT",
    "currency": "EUR",
    "tariff_alt_text": [{"language": "en", "text": "Night"}],
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.1, "step_size": 1}]}],
    "start_date_time": "2026-04-01T00:00:00",
    "last_updated": "2026-03-01T00:00:00Z",
}


@pytest.mark.parametrize("wrap", [lambda tariff: tariff, lambda tariff: [tariff], lambda tariff: {"data": [tariff]}])
def test_ocpi_tariffs_alone_in_a_list_or_in_a_response(wrap: object) -> None:
    table = read_ocpi(json.dumps(wrap(OCPI)).encode())  # type: ignore[operator]
    row = dict(zip(table.headings, table.rows[0], strict=True))
    assert (row["code"], row["name"], row["currency"]) == ("NIGHT", "Night", "EUR")
    assert (row["valid_from"], row["ocpi_version"]) == ("2026-04-01T00:00:00Z", "2.2.1")
    assert '"0.1"' in row["ocpi"]
    assert "start_date_time" not in row["ocpi"]


def test_the_tax_of_a_newer_tariff_tells_its_version() -> None:
    table = read_ocpi(json.dumps(OCPI | {"tax_included": "NO"}).encode())
    assert table.rows[0][4] == "2.3.0"


@pytest.mark.parametrize("content", [b"", b"[]", b"3", b'["x"]', b'{"a": NaN}', b"\xff"])
def test_json_that_is_no_tariff_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        read_ocpi(content)
