"""All documents of a month in one ZIP, streamed: the archived bytes, one file at a time, and an index with SHA-256."""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contracts.models import Operator
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import NotFound
from evbilling.kernel.spreadsheet import BOM, guard
from invoicing.models import Document, DocumentKind, Invoice, InvoiceState
from invoicing.operations.guards import require_right

INDEX = "index.csv"
HEADS = ("number", "kind", "issued_on", "party", "currency", "net", "tax", "gross", "file", "size", "sha256")
_PACKED = {DocumentKind.PDF, DocumentKind.XLSX}
"""Formats that are compressed already."""


def export_documents(*, operator_id: int, period: Period, by: User | None, at: dt.datetime) -> Iterator[bytes]:
    """The chunks of a ZIP with every archived file of the documents issued in a period, and index.csv at its end.

    Holds one file in memory at a time; the index says when an issued document has no file yet. The export is on the
    audit trail before the first chunk. Raises NotAllowed, NotFound.
    """
    require_right(by, "export_books")
    operator = Operator.objects.filter(pk=operator_id).first()
    if operator is None:
        raise NotFound(_("There is no operator with the id %(id)s.") % {"id": operator_id})
    with transaction.atomic():
        found = _files(operator, period)
        record_audit(
            action="invoicing.export.documents",
            obj=operator,
            by=by,
            at=at,
            changes={"period": period.code, "files": found.count()},
        )
    return _chunks(operator, period)


def _files(operator: Operator, period: Period) -> QuerySet[Document]:
    return Document.objects.filter(
        invoice__operator=operator,
        invoice__state=InvoiceState.ISSUED,
        invoice__issued_on__gte=period.start,
        invoice__issued_on__lt=period.end,
    ).order_by("invoice__number", "kind")


class _Pipe(io.RawIOBase):
    """What the ZIP writes, taken away chunk by chunk; it cannot be read or rewound."""

    def __init__(self) -> None:
        self.held = bytearray()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Keep until taken."""
        self.held += data
        return len(data)

    def take(self) -> bytes:
        """What was written since."""
        taken = bytes(self.held)
        self.held.clear()
        return taken


def _chunks(operator: Operator, period: Period) -> Iterator[bytes]:
    pipe = _Pipe()
    index = io.StringIO(newline="")
    writer = csv.writer(index)
    writer.writerow(HEADS)
    with zipfile.ZipFile(pipe, "w") as archive:
        for pk, kind in list(_files(operator, period).values_list("pk", "kind")):
            document = Document.objects.select_related("invoice__party").get(pk=pk)
            packed = zipfile.ZIP_STORED if kind in _PACKED else zipfile.ZIP_DEFLATED
            archive.writestr(_entry(document.file_name, document.rendered_at, packed), bytes(document.content))
            writer.writerow(_line(document.invoice, document))
            yield pipe.take()
        for invoice in _without_file(operator, period):
            writer.writerow(_line(invoice, None))
        last = dt.datetime.combine(period.last_day, dt.time())
        archive.writestr(_entry(INDEX, last, zipfile.ZIP_DEFLATED), (BOM + index.getvalue()).encode())
    yield pipe.take()


def _entry(name: str, at: dt.datetime, packed: int) -> zipfile.ZipInfo:
    """The instant of the archive, not of the export: the same documents make the same file."""
    entry = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    entry.compress_type = packed
    entry.external_attr = 0o644 << 16
    return entry


def _without_file(operator: Operator, period: Period) -> QuerySet[Invoice]:
    """Issued documents that are not drawn yet."""
    issued = Invoice.objects.filter(
        operator=operator,
        state=InvoiceState.ISSUED,
        issued_on__gte=period.start,
        issued_on__lt=period.end,
        documents__isnull=True,
    )
    return issued.select_related("party").order_by("number")


def _line(invoice: Invoice, document: Document | None) -> list[str]:
    amounts = (invoice.net_amount, invoice.tax_amount, invoice.gross_amount)
    return [
        guard(str(invoice.number)),
        invoice.kind,
        str(invoice.issued_on),
        guard(invoice.party.legal_name),
        invoice.currency,
        *(format(amount, "f") for amount in amounts),
        guard(document.file_name) if document else "",
        str(document.size) if document else "",
        document.sha256 if document else "",
    ]
