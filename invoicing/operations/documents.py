"""The archived bytes of issued documents: drawn once after issuing, kept for ever with their SHA-256 (I8)."""

import datetime as dt
from hashlib import sha256
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BillingError, NotFound, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.outbox import GiveUp, TryAgain
from evbilling.kernel.steps import step
from invoicing.einvoice.check import write_einvoices
from invoicing.einvoice.model import Format
from invoicing.einvoice.rules import RulesNotRun
from invoicing.models import Document, DocumentKind, Invoice, InvoiceState
from invoicing.operations.deliveries import request_delivery

if TYPE_CHECKING:
    from invoicing.documents.view import DocumentView

CSV_FROM = 100
"""Sessions from which the accountant gets them as files too: CSV and XLSX."""
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def archive_document(*, invoice_id: int, at: dt.datetime) -> Document:
    """Draw an issued document, keep its bytes, and ask for its delivery; safe to repeat, drawn once.

    Raises GiveUp for a document that breaks a rule or cannot be drawn however often it is tried, and TryAgain where
    the official rules could not be run.
    """
    done = Document.objects.filter(invoice_id=invoice_id, kind=DocumentKind.PDF).first()
    if done:
        return done
    try:
        files = _files(_issued(invoice_id), at)
    except RulesNotRun as error:
        raise TryAgain(error.message) from error
    except BillingError as error:
        raise GiveUp(error.message) from error
    step("invoicing.document.drawn")
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        done = invoice.documents.filter(kind=DocumentKind.PDF).first()
        if done:
            return done
        Document.objects.bulk_create(files)
        record_audit(
            action="invoicing.document.archive",
            obj=invoice,
            by=None,
            at=at,
            changes={file.kind: file.sha256 for file in files},
        )
        request_delivery(invoice_id=invoice_id, by=None, at=at)
        step("invoicing.document.stored")
    step("invoicing.document.committed")
    return files[0]


def preview_draft(*, invoice_id: int, on: dt.date) -> bytes:
    """The PDF of a draft as it would be issued on a day: without number and marked as a draft. Nothing is kept.

    Raises NotFound, and WrongState for an issued document: its archived bytes are the document.
    """
    invoice = Invoice.objects.filter(pk=invoice_id).first()
    if invoice is None:
        raise NotFound(_("There is no document with the id %(id)s.") % {"id": invoice_id})
    require(
        invoice.state == InvoiceState.DRAFT,
        WrongState(_("%(number)s is issued; open its archived document instead.") % {"number": invoice}),
    )
    from invoicing.documents.build import document_view  # noqa: PLC0415 - the renderer loads slowly

    return _drawn(document_view(invoice, on=on))


def _issued(invoice_id: int) -> Invoice:
    invoice = Invoice.objects.filter(pk=invoice_id, state=InvoiceState.ISSUED).first()
    if invoice is None:
        raise NotFound(_("There is no issued document with the id %(id)s.") % {"id": invoice_id})
    return invoice


def _files(invoice: Invoice, at: dt.datetime) -> list[Document]:
    """The PDF with its e-invoice, that as a file too for who takes one, and the session list where it is long.

    All from the same rows, with the same name. Raises EInvoiceRefused before anything is drawn.
    """
    from invoicing.documents.annex_file import session_list, session_workbook  # noqa: PLC0415 - the renderer loads slowly
    from invoicing.documents.build import annex_sections, document_view  # noqa: PLC0415
    from invoicing.documents.mail import file_name  # noqa: PLC0415

    einvoices = {each.format: each.xml for each in write_einvoices(invoice)}
    view = document_view(invoice)
    found = [(DocumentKind.PDF, "application/pdf", _drawn(view, einvoices.pop(Format.FACTURX, None)))]
    found += [(DocumentKind.XML, "application/xml", xml) for xml in einvoices.values()]
    sections = view.annex or annex_sections(invoice)
    if sum(len(section.rows) for section in sections) >= CSV_FROM:
        found.append((DocumentKind.CSV, "text/csv", session_list(view, sections)))
        found.append((DocumentKind.XLSX, _WORKBOOK, session_workbook(view, sections)))
    return [
        Document(
            invoice=invoice,
            kind=kind,
            file_name=file_name(view, kind.value),
            content_type=content_type,
            content=content,
            size=len(content),
            sha256=sha256(content).hexdigest(),
            rendered_at=at,
        )
        for kind, content_type, content in found
    ]


def _drawn(view: "DocumentView", xml: bytes | None = None) -> bytes:
    from invoicing.documents.pdf import FacturX, render_pdf  # noqa: PLC0415 - loads WeasyPrint, which the web never needs

    return render_pdf(view, facturx=FacturX(xml) if xml else None)
