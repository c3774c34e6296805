"""What the pages of this app share: the colours of the states of payment, the button that sends a document again."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from evbilling.shell.admin import ReasonForm
from invoicing.queries.documents import PaymentState

PAYMENT_TONES = {
    PaymentState.DRAFT.value: "",
    PaymentState.OPEN.value: "info",
    PaymentState.PARTLY_PAID.value: "warning",
    PaymentState.PAID.value: "success",
    PaymentState.OVERDUE.value: "danger",
    PaymentState.CREDITED.value: "",
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
