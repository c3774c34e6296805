"""The session list of a document as a CSV file, for accountants who want to work with it."""

import csv
import io
from collections.abc import Iterable

from django.utils.translation import override, pgettext

from invoicing.documents.view import AnnexSection, DocumentView

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def session_list(view: DocumentView, sections: Iterable[AnnexSection]) -> bytes:
    """All sessions, one row each, in UTF-8 with the mark that spreadsheets look for.

    Figures are for machines: a decimal point, kWh to the Wh, whole seconds, instants with their offset. Text that a
    spreadsheet would take for a formula gets an apostrophe in front.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    with override(view.language):
        writer.writerow(_heads(view))
    for section in sections:
        for row in section.rows:
            texts = (view.number, section.label, row.session_ref)
            place = (row.site, row.station, row.vehicle, row.driver)
            writer.writerow(
                [
                    *map(_safe, texts),
                    row.started_at.isoformat(timespec="seconds"),
                    *map(_safe, place),
                    f"{'-' * (row.energy_wh < 0)}{abs(row.energy_wh) // 1000}.{abs(row.energy_wh) % 1000:03d}",
                    row.duration_s,
                    row.idle_s,
                    format(row.amount, "f"),
                    view.currency,
                    _safe(row.because),
                ]
            )
    return target.getvalue().encode("utf-8-sig")


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


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
