"""The session list of a document as a file that accountants can work with: CSV for programs, XLSX for people."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal

from django.utils.translation import override, pgettext

from evbilling.kernel.money import minor_digits
from evbilling.kernel.spreadsheet import BOM, guard
from invoicing.documents.view import AnnexSection, DocumentView
from invoicing.documents.words import kind_words
from invoicing.documents.workbook import AMOUNTS, Cell, SheetColumn, Style, workbook


def session_list(view: DocumentView, sections: Iterable[AnnexSection]) -> bytes:
    """All sessions, one row each, in UTF-8 with the mark that spreadsheets look for.

    Figures are for machines: a decimal point, kWh to the Wh, whole seconds, instants with their offset. Text that a
    spreadsheet would take for a formula gets an apostrophe in front.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    with override(view.language):
        writer.writerow(_heads(view))
    writer.writerows([_plain(cell) for cell in cells] for cells in _rows(view, sections))
    return (BOM + target.getvalue()).encode()


def session_workbook(view: DocumentView, sections: Iterable[AnnexSection]) -> bytes:
    """The same list as a workbook: numbers are numbers, instants the site's wall time, text is never a formula."""
    with override(view.language):
        heads = _heads(view)
        title = f"{kind_words(view).title} {view.number}"
    amount = AMOUNTS[minor_digits(view.currency)]
    styles = {3: Style.INSTANT, 8: Style.ENERGY, 9: Style.WHOLE, 10: Style.WHOLE, 11: amount}
    widths = (20, 22, 22, 17, 24, 20, 18, 20, 13, 12, 10, 13, 10, 60)
    columns = [
        SheetColumn(head, styles.get(number, Style.TEXT), width)
        for number, (head, width) in enumerate(zip(heads, widths, strict=True))
    ]
    return workbook(title, columns, _rows(view, sections))


def _plain(cell: Cell) -> str:
    match cell:
        case dt.datetime():
            return cell.isoformat(timespec="seconds")
        case Decimal():
            return format(cell, "f")
    return guard(cell)


def _rows(view: DocumentView, sections: Iterable[AnnexSection]) -> Iterator[tuple[Cell, ...]]:
    for section in sections:
        for row in section.rows:
            yield (
                view.number,
                section.label,
                row.session_ref,
                row.started_at,
                row.site,
                row.station,
                row.vehicle,
                row.driver,
                Decimal(row.energy_wh).scaleb(-3),
                row.duration_s,
                row.idle_s,
                row.amount,
                view.currency,
                row.because,
            )


def _heads(view: DocumentView) -> list[str]:
    return [
        pgettext("csv", "Document"),
        pgettext("csv", "Group"),
        pgettext("csv", "Session"),
        pgettext("csv", "Start"),
        pgettext("csv", "Site"),
        pgettext("csv", "Station"),
        pgettext("csv", "Vehicle"),
        pgettext("csv", "Driver"),
        pgettext("csv", "Energy (kWh)"),
        pgettext("csv", "Duration (s)"),
        pgettext("csv", "Idle (s)"),
        view.annex_amount_label or pgettext("csv", "Net amount"),
        pgettext("csv", "Currency"),
        pgettext("csv", "Price, because"),
    ]
