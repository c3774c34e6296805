"""The e-invoice of a document in the workspace: what is wrong with it, and its file."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from evbilling.kernel.errors import BillingError
from evbilling.shell.views import file_response
from invoicing.einvoice.build import format_of, why_none
from invoicing.einvoice.check import preflight, write_einvoices
from invoicing.einvoice.model import Format
from invoicing.models import DocumentKind, Invoice

NAMES = {
    Format.FACTURX: _("Factur-X (EN 16931)"),
    Format.XRECHNUNG: _("XRechnung 3.0 (EN 16931)"),
    Format.PEPPOL: _("Peppol BIS Billing 3 (EN 16931)"),
}


class EInvoiceActions:
    """Two buttons of a document's page; one without an e-invoice has no file to give."""

    def open_steps(self, request: HttpRequest, row: Invoice) -> set[str]:
        """Without the file where there is none; the check stays and says why."""
        steps: set[str] = super().open_steps(request, row)  # type: ignore[misc]
        return steps - {"einvoice_xml"} if why_none(row) else steps

    @action(description=_("Check e-invoice"), url_path="einvoice", permissions=["view"], icon="fact_check")
    def check_einvoice(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A draft as it would be issued today, an issued document as it is: every finding with its rule."""
        invoice = get_object_or_404(Invoice, pk=object_id)
        if why_not := why_none(invoice):
            messages.info(request, why_not)
            return self.back_to(object_id)  # type: ignore[attr-defined]
        for finding in (missing := preflight(invoice)):
            messages.warning(request, str(finding))
        if not missing:
            try:
                written = write_einvoices(invoice, on=timezone.localdate())
                names = ", ".join(str(NAMES[each.format]) for each in written)
                messages.success(request, _("The e-invoice is valid under %(names)s.") % {"names": names})
            except BillingError as refusal:
                messages.error(request, refusal.message)
        return self.back_to(object_id)  # type: ignore[attr-defined]

    @action(description=_("E-invoice XML"), url_path="einvoice-xml", permissions=["view"], icon="code")
    def einvoice_xml(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The archived file; of a draft, and of what stands inside a PDF, the same bytes written again."""
        invoice = get_object_or_404(Invoice, pk=object_id)
        archived = invoice.documents.filter(kind=DocumentKind.XML).first()
        if archived is not None:
            return file_response(bytes(archived.content), archived.content_type, archived.file_name, show=True)
        if format_of(invoice) is None:
            messages.info(request, why_none(invoice))
            return self.back_to(object_id)  # type: ignore[attr-defined]
        try:
            written = write_einvoices(invoice, on=timezone.localdate())[-1]
        except BillingError as refusal:
            messages.error(request, refusal.message)
            return self.back_to(object_id)  # type: ignore[attr-defined]
        return file_response(written.xml, "application/xml", f"{invoice.number or f'draft-{object_id}'}.xml", show=True)
