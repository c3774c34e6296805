"""One document's e-invoices, written and checked: our own arithmetic first, then the official rules."""

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BillingError, require
from invoicing.einvoice import cii, ubl
from invoicing.einvoice.arithmetic import check_figures
from invoicing.einvoice.build import asked_of, einvoice_of, format_of
from invoicing.einvoice.figures import read
from invoicing.einvoice.model import EInvoice, Finding, Format
from invoicing.einvoice.preflight import find_missing
from invoicing.einvoice.rules import validate
from invoicing.models import Invoice


class EInvoiceIncomplete(BillingError):
    """A document whose e-invoice could not be sent is not issued."""

    code = "einvoice_incomplete"

    def __init__(self, invoice: Invoice, findings: list[Finding]) -> None:
        what = " ".join(str(finding) for finding in findings)
        super().__init__(
            _("%(document)s cannot be issued: its e-invoice would be refused. %(what)s")
            % {"document": invoice, "what": what}
        )
        self.findings = findings


class EInvoiceRefused(BillingError):
    """A written e-invoice that breaks a rule: the document is held, nothing is archived or sent."""

    code = "einvoice_refused"

    def __init__(self, invoice: Invoice, findings: list[Finding]) -> None:
        what = " ".join(str(finding) for finding in findings)
        super().__init__(
            _("%(document)s is held: its e-invoice breaks a rule, so nothing was archived or sent. %(what)s")
            % {"document": invoice, "what": what}
        )
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Written:
    """One e-invoice as bytes."""

    format: Format
    xml: bytes


def require_einvoice(invoice: Invoice) -> None:
    """Guard of issuing, once the parties are frozen on the document; no query where its `taxes` are prefetched.

    Raises EInvoiceIncomplete, naming each rule and what to enter where.
    """
    findings = preflight(invoice)
    require(not findings, EInvoiceIncomplete(invoice, findings))


def preflight(invoice: Invoice) -> list[Finding]:
    """What the document lacks for its recipient's format; nothing where it has none."""
    format = format_of(invoice)
    if format is None:
        return []
    return find_missing(asked_of(invoice, format))


def write_einvoices(invoice: Invoice, *, on: dt.date | None = None) -> list[Written]:
    """The e-invoices of a document, checked: what goes into the PDF, then the recipient's own file if he takes one.

    None of them where the document has no e-invoice. Raises EInvoiceRefused.
    """
    format = format_of(invoice)
    if format is None:
        return []
    model = einvoice_of(invoice, format=format, on=on)
    written = [write(model, each) for each in dict.fromkeys((Format.FACTURX, format))]
    findings = [finding for each in written for finding in check(each, model)]
    require(not findings, EInvoiceRefused(invoice, findings))
    return written


def write(model: EInvoice, format: Format) -> Written:
    """The document in one format."""
    return Written(format, cii.write(model) if format is Format.FACTURX else ubl.write(model, format))


def check(written: Written, model: EInvoice) -> list[Finding]:
    """What is wrong with the bytes: figures that do not add up or differ from the document, then broken rules."""
    return check_figures(read(written.xml), model) + validate(
        written.xml, written.format, self_billed=model.is_self_billed
    )
