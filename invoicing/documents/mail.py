"""The mail that carries a document to the accountant: subject, text and HTML part, file names.

The first lines hold what an accountant looks for (amount, due date, bank, reference), in both parts the same. Composing
reads nothing but its arguments; the caller adds the bytes and sends.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.template import Context, Engine
from django.utils.translation import override, pgettext

from evbilling.shell.paper.formats import formats_of
from evbilling.shell.paper.page import TEMPLATES
from evbilling.shell.paper.sheet import Colours
from invoicing.documents.head import bank_facts
from invoicing.documents.view import DocumentView, Kind, PaymentMethod
from invoicing.documents.words import box_amount, kind_words, language_code

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class MailContent:
    """A mail ready to send; `attachment_names` lists the files, the document first."""

    subject: str
    text: str
    html: str
    reply_to: str
    attachment_names: tuple[str, ...]


def file_name(view: DocumentView, ending: str = "pdf") -> str:
    """File name by which the recipient's accountant can sort: INV-2026-000365_Issuer_2026-11-30.pdf.

    The day is the last one of the supply, else the day of issue. What a file system or a mail program may not carry is
    left out: letters of every script stay, everything else between them becomes one hyphen.
    """
    company = re.sub(r"[\W_]+", "-", view.issuer.legal_name).strip("-")[:_LONGEST_NAME].rstrip("-")
    number = re.sub(r"[^\w.-]+", "-", view.number or "DRAFT").strip("-.")
    return f"{number}_{company}_{(view.supply_to or view.issued_on).isoformat()}.{ending}"


def compose_mail(view: DocumentView, *, reply_to: str, files: tuple[str, ...] = ("pdf",)) -> MailContent:
    """The mail for the view's document, in its language.

    `reply_to` is an address that a person reads. `files` are the endings of what is attached, the first the document
    itself: ("pdf", "xml", "csv"), or ("xml",) where its e-invoice goes alone; all get the document's name.
    """
    with override(language_code(view)):
        context = _context(view, tuple(file_name(view, ending) for ending in files))
        return render_mail(context, reply_to=reply_to)


def render_mail(context: dict[str, Any], *, reply_to: str) -> MailContent:
    """Both parts of a mail with a document or a letter, from one context; call it with its language active."""
    text = _templates().get_template("document.txt").render(Context(context, autoescape=False))
    html = _templates().get_template("document.html").render(Context(context))
    attached: tuple[str, ...] = context["attached"]
    return MailContent(
        subject=context["subject"],
        text=re.sub(r"\n{3,}", "\n\n", text).strip() + "\n",
        html=html,
        reply_to=reply_to,
        attachment_names=attached,
    )


@cache
def _templates() -> Engine:
    """The templates of all mails with documents and letters."""
    return Engine(
        dirs=[str(TEMPLATES.parent / "emails")],
        libraries={"i18n": "django.templatetags.i18n"},
        loaders=[("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])],
    )


def _context(view: DocumentView, attached: tuple[str, ...]) -> dict[str, Any]:
    formats, words, issuer = formats_of(view.language, view.currency), kind_words(view), view.issuer
    amount = box_amount(view)
    due = formats.long_date(view.due_on) if view.due_on and view.amount_due else ""
    details = [(words.day, due)] if due else []
    payment = view.payment
    if payment and payment.bank and payment.method in {PaymentMethod.TRANSFER, PaymentMethod.PAYOUT}:
        details += bank_facts(payment.bank)
    if payment and payment.reference:
        details.append((pgettext("document", "Reference"), payment.reference))
    if view.references.original_document:
        details.append((pgettext("document", "Credits"), view.references.original_document))
    if view.references.purchase_order:
        details.append((pgettext("document", "PO number"), view.references.purchase_order))
    if view.references.cost_centre:
        details.append((pgettext("document", "Cost centre"), view.references.cost_centre))
    title = f"{words.title} {view.number}".strip()
    when = _when(view) % {"day": due} if due else ""
    parts = (title, issuer.legal_name, amount, when)
    subject = re.sub(r"\s+", " ", ", ".join(filter(None, parts)))
    return {
        "lang": str(formats.locale).replace("_", "-"),
        "subject": subject,
        "preheader": ", ".join(filter(None, (f"{words.amount} {amount}", when))),
        "name": view.letterhead.name,
        "colours": Colours.of(view.letterhead),
        "greeting": _greeting(view),
        "amount_label": words.amount,
        "amount": amount,
        "facts": [(words.amount, amount), *details],
        "details": details,
        "lead": _lead(view, title, as_pdf=attached[0].endswith(".pdf")),
        "own_text": view.mail_text,
        "payment_text": payment.text if payment else "",
        "pay_url": payment.pay_url if payment and view.amount_due else "",
        "attached": attached,
        "answer": pgettext("mail", "Questions? Just reply to this mail: a person reads it."),
        "signature": "\n".join(filter(None, (issuer.contact_name, issuer.legal_name, issuer.phone, issuer.website))),
    }


def _when(view: DocumentView) -> str:
    """What happens on the document's day, as the subject says it."""
    if view.kind in {Kind.SETTLEMENT, Kind.STATEMENT}:
        return pgettext("mail", "payment on %(day)s")
    if view.payment and view.payment.method is PaymentMethod.DIRECT_DEBIT:
        return pgettext("mail", "collected on %(day)s")
    return pgettext("mail", "due %(day)s")


def _greeting(view: DocumentView) -> str:
    if view.kind in {Kind.SETTLEMENT, Kind.STATEMENT}:
        return pgettext("mail", "Hello, your settlement is ready.")
    if view.kind is Kind.CREDIT_NOTE:
        return pgettext("mail", "Hello, we have credited you the amount below.")
    if view.kind is Kind.ADVANCE:
        return pgettext("mail", "Hello, please find the invoice for your advance payment.")
    if view.kind is Kind.FEE_NOTE:
        return pgettext("mail", "Hello, fees have become due under your contract.")
    if view.kind is Kind.RECEIPT:
        return pgettext("mail", "Hello, thank you for charging with us. This is your receipt.")
    return pgettext("mail", "Hello, your invoice is ready.")


def _lead(view: DocumentView, title: str, *, as_pdf: bool) -> str:
    formats = formats_of(view.language, view.currency)
    values = {"title": title, "company": view.recipient.legal_name}
    if not (view.supply_from and view.supply_to):
        if as_pdf:
            return pgettext("mail", "%(title)s for %(company)s is attached as a PDF file.") % values
        return pgettext("mail", "%(title)s for %(company)s is attached as an e-invoice (XML).") % values
    values["period"] = formats.period(view.supply_from, view.supply_to)
    if as_pdf:
        return pgettext("mail", "%(title)s for %(company)s, period %(period)s, is attached as a PDF file.") % values
    return pgettext("mail", "%(title)s for %(company)s, period %(period)s, is attached as an e-invoice (XML).") % values
