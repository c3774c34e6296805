"""The words that a document's kind decides, in the active language."""

from dataclasses import dataclass

from django.utils.translation import gettext, pgettext

from evbilling.shell.paper.formats import formats_of
from invoicing.documents.view import DocumentView, Kind, PaymentMethod


@dataclass(frozen=True, slots=True)
class KindWords:
    """Title, and what the amount, its day and the number are called."""

    title: str
    amount: str
    day: str
    number: str
    date: str


def language_code(view: DocumentView) -> str:
    """The view's language as Django's translations name it: "en-us" for "en_US"."""
    return view.language.replace("_", "-").lower()


def kind_words(view: DocumentView) -> KindWords:
    """Words of the view's kind; call it with the document's language active."""
    invoice = (pgettext("document", "Amount due"), pgettext("document", "Pay by"))
    payout = (pgettext("document", "Payable to you"), pgettext("document", "Payment date"))
    table = {
        Kind.INVOICE: (pgettext("document", "Invoice"), *invoice, gettext("Invoice no."), gettext("Invoice date")),
        Kind.CREDIT_NOTE: (
            pgettext("document", "Credit note"),
            pgettext("document", "Credit"),
            pgettext("document", "Payment date"),
            gettext("Credit note no."),
            gettext("Credit note date"),
        ),
        Kind.SETTLEMENT: (
            pgettext("document", "Self-billed invoice"),
            *payout,
            gettext("Invoice no."),
            gettext("Invoice date"),
        ),
        Kind.STATEMENT: (pgettext("document", "Settlement"), *payout, gettext("Settlement no."), gettext("Date")),
        Kind.FEE_NOTE: (pgettext("document", "Fee note"), *invoice, gettext("Fee note no."), gettext("Date")),
        Kind.ADVANCE: (
            pgettext("document", "Advance invoice"),
            *invoice,
            gettext("Invoice no."),
            gettext("Invoice date"),
        ),
        Kind.RECEIPT: (pgettext("document", "Receipt"), *invoice, gettext("Receipt no."), gettext("Receipt date")),
    }
    title, amount, day, number, date = table[view.kind]
    if view.payment and view.payment.method is PaymentMethod.PAID and not view.amount_due:
        amount = pgettext("document", "Paid") if view.kind is Kind.RECEIPT else amount
    if view.payment and view.payment.method is PaymentMethod.DIRECT_DEBIT:
        day = pgettext("document", "Collected on")
    return KindWords(view.title or title, amount, day, number, date)


def box_amount(view: DocumentView) -> str:
    """The amount of the box: what is due, or on a receipt what was paid."""
    amount = view.total_amount if view.kind is Kind.RECEIPT and not view.amount_due else view.amount_due
    return formats_of(view.language, view.currency).money(amount)
