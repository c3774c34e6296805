"""Shared by the pages of this app: sending again, the two sides of the journal."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from evbilling.shell.admin import ListInline, ReasonForm, money
from evbilling.shell.formats import format_percent
from invoicing.models import JournalLine, TaxCategory

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


def tax_words(category: str, rate: Decimal) -> str:
    """Standard rate 19 %; where nothing is charged the category alone. `rate` is in percent."""
    words = str(capfirst(TaxCategory(category).label))
    return f"{words} {format_percent(rate / 100)}" if rate else words
