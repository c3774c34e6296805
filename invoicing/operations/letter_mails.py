"""The mail of a letter, composed from the letter and what was noted when it was made: so a resend says the same."""

import datetime as dt
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from evbilling.kernel.errors import WrongState
from evbilling.kernel.money import add
from evbilling.shell.paper.formats import formats_of
from invoicing.models import DunningStep, Letter, LetterKind
from invoicing.queries.dunning import notice_reference
from invoicing.queries.freezing import issuer_details

if TYPE_CHECKING:
    from invoicing.documents.letter_mail import LetterMail
    from invoicing.documents.mail import MailContent

LAST = ":last"
"""End of the source of a party's last notice: dunning:<invoice>:<level>:last."""
STATEMENT = "statement"
"""First part of a statement's source: statement:<party>:<currency>:<from>:<to>:<number>, both days included."""


def letter_mail(letter: Letter) -> "MailContent":
    """Subject, text and HTML part. Raises WrongState for a kind of letter that is not mailed."""
    from invoicing.documents.letter_mail import compose_letter_mail  # noqa: PLC0415 - the templates load slowly

    with override(letter.language):
        if letter.kind == LetterKind.DUNNING_NOTICE:
            return compose_letter_mail(_notice(letter))
        if letter.kind == LetterKind.STATEMENT:
            return compose_letter_mail(_statement(letter))
    raise WrongState(_("%(letter)s is no letter that goes by mail.") % {"letter": letter})


def _notice(letter: Letter) -> "LetterMail":
    """With the open balance of each document, as it stands on the notice (UX: reminders show the open balance)."""
    from invoicing.documents.blocks import issuer_bank  # noqa: PLC0415
    from invoicing.documents.letter_mail import OpenDocument  # noqa: PLC0415
    from invoicing.documents.letters.notice import notice_title  # noqa: PLC0415

    steps = list(DunningStep.objects.filter(letter=letter).select_related("invoice").order_by("invoice__due_on", "pk"))
    currency = steps[0].invoice.currency
    open_amount = add(each.open_amount for each in steps)
    documents = tuple(
        OpenDocument(number=str(each.invoice), due_on=each.invoice.due_on or letter.dated_on, amount=each.open_amount)
        for each in steps
    )
    issuer = issuer_details(letter.operator)
    return _mail(
        letter,
        issuer,
        currency,
        title=notice_title(max(each.level for each in steps), last=letter.source.endswith(LAST)),
        greeting=pgettext("letter", "Hello, the documents below are overdue."),
        lead=pgettext(
            "letter", "If you have paid already, thank you: please take this mail as settled. The notice is attached."
        ),
        figure_label=pgettext("document", "Amount due"),
        figure=formats_of(letter.language, currency).money(open_amount),
        documents=documents,
        bank=issuer_bank(issuer),
        reference=notice_reference([each.invoice for each in steps]),
    )


def _statement(letter: Letter) -> "LetterMail":
    _kind, _party, currency, first, last, _number = letter.source.split(":")
    period = formats_of(letter.language, currency).period(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    return _mail(
        letter,
        issuer_details(letter.operator),
        currency,
        title=pgettext("letter", "Statement of account"),
        greeting=pgettext("letter", "Hello, this is your statement of account."),
        lead=pgettext("letter", "It lists every document and payment, and is attached."),
        figure_label=pgettext("letter", "Period"),
        figure=period,
    )


def _mail(letter: Letter, issuer: dict[str, object], currency: str, **values: object) -> "LetterMail":
    from invoicing.documents.blocks import letterhead_of  # noqa: PLC0415
    from invoicing.documents.letter_mail import LetterMail  # noqa: PLC0415

    operator = letter.operator
    signature = (operator.contact_person, operator.legal_name, operator.phone, operator.website)
    return LetterMail(
        language=letter.language,
        currency=currency,
        letterhead=letterhead_of(issuer, letter.language),
        sender=operator.legal_name,
        attached=(letter.file_name,),
        signature="\n".join(filter(None, signature)),
        reply_to=operator.billing_email,
        **values,  # type: ignore[arg-type]
    )
