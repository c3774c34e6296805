"""The mail that carries a letter, or the answer to a dispute: the look is that of a document's mail (`mail`)."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import override, pgettext

from evbilling.shell.paper.formats import formats_of
from evbilling.shell.paper.letterhead import BankAccount, Letterhead
from evbilling.shell.paper.sheet import Colours
from invoicing.documents.head import bank_facts
from invoicing.documents.mail import MailContent, render_mail


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDocument:
    """A document that the mail names: its number, due date and what is asked for of it."""

    number: str
    due_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterMail:
    """What the mail says. `figure` stands in the box, as text, `rows` (label, value) below it; `lead` and `greeting`
    are whole sentences."""

    language: str
    currency: str
    letterhead: Letterhead
    title: str
    sender: str
    greeting: str
    lead: str
    figure_label: str
    figure: str
    rows: tuple[tuple[str, str], ...] = ()
    documents: tuple[OpenDocument, ...] = ()
    bank: BankAccount | None = None
    reference: str = ""
    pay_url: str = ""
    portal_url: str = ""
    attached: tuple[str, ...] = ()
    signature: str = ""
    reply_to: str = ""


def compose_letter_mail(letter: LetterMail) -> MailContent:
    """The mail in the letter's language. Subject: title, issuer, figure."""
    with override(letter.language):
        formats = formats_of(letter.language, letter.currency)
        subject = re.sub(r"\s+", " ", ", ".join((letter.title, letter.sender, letter.figure)))
        details = [*letter.rows]
        details += [
            (row.number, _row(formats.money(row.amount), formats.short_date(row.due_on))) for row in letter.documents
        ]
        details += bank_facts(letter.bank) if letter.bank else []
        details += [(pgettext("document", "Reference"), letter.reference)] if letter.reference else []
        context = {
            "lang": str(formats.locale).replace("_", "-"),
            "subject": subject,
            "preheader": f"{letter.figure_label} {letter.figure}",
            "name": letter.letterhead.name,
            "colours": Colours.of(letter.letterhead),
            "greeting": letter.greeting,
            "amount_label": letter.figure_label,
            "amount": letter.figure,
            "facts": [(letter.figure_label, letter.figure), *details],
            "details": details,
            "lead": letter.lead,
            "payment_text": "",
            "pay_url": letter.pay_url,
            "portal_url": letter.portal_url,
            "attached": letter.attached,
            "answer": pgettext("mail", "Questions? Just reply to this mail: a person reads it."),
            "signature": letter.signature,
        }
        return render_mail(context, reply_to=letter.reply_to)


def _row(amount: str, due: str) -> str:
    return pgettext("mail", "%(amount)s open, due %(day)s") % {"amount": amount, "day": due}
