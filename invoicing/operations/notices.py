"""Dunning notices as letters: what stands on them, and their bytes."""

import datetime as dt
import re

from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from contracts.models import Operator, Party
from evbilling.kernel.money import ZERO, add
from evbilling.shell.paper.formats import formats_of
from invoicing.operations.letter_mails import LAST
from invoicing.queries.dunning import Case, fee_is_agreed, interest_to_date, notice_reference
from invoicing.queries.freezing import ADDRESS, issuer_details
from invoicing.rules.dunning import is_last_notice

PAY_WITHIN = dt.timedelta(days=7)
"""From the day of the notice."""


def draw_notice(operator: Operator, reminded: list[Case], *, on: dt.date) -> bytes:
    """The notice of one party over these documents, in its language: PDF bytes."""
    from invoicing.documents import blocks  # noqa: PLC0415 - loads WeasyPrint, which the web never needs
    from invoicing.documents.letters.pdf import render_notice  # noqa: PLC0415
    from invoicing.documents.letters.views import NoticeView, OverdueItem  # noqa: PLC0415
    from invoicing.documents.view import References  # noqa: PLC0415

    party = reminded[0].invoice.party
    currency, language = reminded[0].invoice.currency, party.language
    issuer = issuer_details(operator)
    documents = [case.invoice for case in reminded]
    with override(language):
        view = NoticeView(
            language=language,
            currency=currency,
            dated_on=on,
            issuer=blocks.issuer_block(issuer),
            letterhead=blocks.letterhead_of(issuer, language),
            recipient=blocks.recipient_block(addressee(party), issuer),
            references=References(customer_no=party.number),
            level=max(case.due[-1].level for case in reminded),
            items=tuple(
                OverdueItem(
                    number=str(case.invoice),
                    issued_on=case.invoice.issued_on or on,
                    due_on=case.invoice.due_on or on,
                    days_overdue=(on - (case.invoice.due_on or on)).days,
                    total_amount=case.invoice.gross_amount,
                    open_amount=case.open_amount,
                    contested_amount=case.contested_amount,
                )
                for case in reminded
            ),
            sum_amount=add(case.asked_amount for case in reminded),
            pay_by_on=on + PAY_WITHIN,
            reference=notice_reference(documents),
            fee_text=_fee_text(reminded, language, currency),
            interest_text=_interest_text(reminded, on, language, currency),
            bank=blocks.issuer_bank(issuer),
            last=is_last(reminded),
        )
    return render_notice(view)


def notice_source(reminded: list[Case]) -> str:
    """What the notice over these documents is for; it keeps whether it is the last, so that its mail says so too."""
    first = min(reminded, key=lambda case: case.invoice.pk)
    return f"dunning:{first.invoice.pk}:{first.due[-1].level}" + (LAST if is_last(reminded) else "")


def is_last(reminded: list[Case]) -> bool:
    """Whether no notice follows for any of these documents."""
    return all(is_last_notice(case.levels, case.due[-1].level) for case in reminded)


def addressee(party: Party) -> dict[str, str]:
    """What a letter prints of its recipient, as he is on its day."""
    return {name: getattr(party, name) for name in ADDRESS}


def notice_file_name(operator: Operator, party: Party, on: dt.date) -> str:
    """Reminder_Company_C00001_2026-11-20.pdf, with the first word in the active language."""
    return letter_file_name(pgettext("file name", "Reminder"), operator, party, on)


def letter_file_name(word: str, operator: Operator, party: Party, on: dt.date) -> str:
    """A name by which the recipient's accountant can sort letters."""
    company = re.sub(r"[\W_]+", "-", operator.legal_name).strip("-")[:60]
    number = re.sub(r"[^\w.-]+", "-", party.number).strip("-.")
    return f"{word}_{company}_{number}_{on.isoformat()}.pdf"


def _fee_text(reminded: list[Case], language: str, currency: str) -> str:
    fees = add(case.due[-1].fee_amount for case in reminded if fee_is_agreed(case.invoice))
    if fees == ZERO:
        return ""
    amount = formats_of(language, currency).money(fees)
    return _("For this reminder a fee of %(amount)s comes on your next fee note.") % {"amount": amount}


def _interest_text(reminded: list[Case], on: dt.date, language: str, currency: str) -> str:
    accrued = interest_to_date((case.invoice for case in reminded), on=on)
    if accrued <= ZERO:
        return ""
    formats = formats_of(language, currency)
    return _("Interest on late payment until %(day)s: %(amount)s. It is billed on a fee note of its own.") % {
        "day": formats.long_date(on - dt.timedelta(days=1)),
        "amount": formats.money(accrued),
    }
