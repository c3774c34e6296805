"""Shared by the pages of this app: colours of the states of payment, sending again, the two sides of the journal."""

from typing import Any

from django.contrib import admin
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from evbilling.shell.admin import ListInline, ReasonForm, money
from invoicing.models import JournalLine
from invoicing.queries.documents import PaymentState

PAYMENT_TONES = {
    PaymentState.DRAFT.value: "",
    PaymentState.OPEN.value: "info",
    PaymentState.PARTLY_PAID.value: "warning",
    PaymentState.PAID.value: "success",
    PaymentState.OVERDUE.value: "danger",
    PaymentState.CREDITED.value: "",
    PaymentState.PARTLY_CREDITED.value: "info",
    PaymentState.WRITTEN_OFF.value: "",
}
"""The badge of each state of payment."""

SEND_AGAIN: dict[str, Any] = {
    "description": _("Send again"),
    "url_path": "send-again",
    "permissions": ["resend"],
    "icon": "forward_to_inbox",
    "dialog": {
        "title": _("Send the document again"),
        "description": _("A new mail goes to the accountants as they are now, with the archived document."),
        "form_class": ReasonForm,
        "form_submit_text": _("Send"),
    },
}
"""The button on a document's page and on a mail's."""


class SidesInline(ListInline):
    """Lines of the journal, each with its amount on one side."""

    model = JournalLine

    @admin.display(description=pgettext_lazy("ledger", "debit"))
    def debit(self, line: JournalLine) -> SafeString:
        """Positive amounts."""
        return money(line.amount if line.amount > 0 else None, line.entry.currency)

    @admin.display(description=pgettext_lazy("ledger", "credit"))
    def credit(self, line: JournalLine) -> SafeString:
        """Negative amounts, shown positive."""
        return money(-line.amount if line.amount < 0 else None, line.entry.currency)


def archived_file(content: bytes, content_type: str, name: str) -> HttpResponse:
    """Archived bytes; only a PDF is shown in the browser's window."""
    shown = content_type == "application/pdf"
    disposition = content_disposition_header(not shown, name)
    headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type=content_type, headers=headers)
