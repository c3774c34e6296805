"""Statements of account: drawn from the ledger, shown at once, or filed as a letter and mailed."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from contracts.models import Operator, Party
from evbilling.access.models import User
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, require
from evbilling.kernel.locks import lock
from evbilling.shell.paper.formats import formats_of
from invoicing.models import Delivery, Letter, LetterKind
from invoicing.operations.deliveries import request_letter_delivery
from invoicing.operations.guards import require_right
from invoicing.operations.letter_mails import STATEMENT
from invoicing.operations.letters import file_letter
from invoicing.operations.notices import addressee, letter_file_name
from invoicing.queries.freezing import issuer_details
from invoicing.queries.statements import Movement, Statement, statement_of

LONGEST = dt.timedelta(days=3 * 366)
"""Between the first and the last day."""


def draw_statement(statement: Statement) -> bytes:
    """The statement in the party's language: PDF bytes. Nothing is kept."""
    from invoicing.documents import blocks  # noqa: PLC0415 - loads WeasyPrint, which the web seldom needs
    from invoicing.documents.letters.pdf import render_statement  # noqa: PLC0415
    from invoicing.documents.letters.views import (  # noqa: PLC0415
        AgingSum,
        EntryKind,
        OpenItem,
        StatementEntry,
        StatementView,
    )
    from invoicing.documents.view import References  # noqa: PLC0415

    operator, party, language = statement.operator, statement.party, statement.party.language
    issuer = issuer_details(operator)
    with override(language):
        view = StatementView(
            language=language,
            currency=statement.currency,
            dated_on=statement.last,
            issuer=blocks.issuer_block(issuer),
            letterhead=blocks.letterhead_of(issuer, language),
            recipient=blocks.recipient_block(addressee(party), issuer),
            references=References(customer_no=party.number),
            from_on=statement.first,
            to_on=statement.last,
            opening_amount=statement.opening,
            entries=tuple(
                StatementEntry(
                    on=each.on,
                    kind=EntryKind(each.kind),
                    reference=each.reference,
                    balance_amount=each.balance,
                    debit_amount=each.debit,
                    credit_amount=each.credit,
                    text=_explained(each, statement.currency, language),
                )
                for each in statement.movements
            ),
            closing_amount=statement.closing,
            open_items=tuple(
                OpenItem(
                    number=str(each.invoice),
                    issued_on=each.invoice.issued_on or statement.last,
                    due_on=each.invoice.due_on or statement.last,
                    days_overdue=each.days_overdue,
                    total_amount=each.invoice.gross_amount,
                    open_amount=each.amount,
                )
                for each in statement.open_claims
            ),
            aging=tuple(AgingSum(low, high, amount) for low, high, amount in statement.aging),
            credit_amount=statement.credit,
            bank=blocks.issuer_bank(issuer),
        )
    return render_statement(view)


def _explained(each: Movement, currency: str, language: str) -> str:
    if not each.set_off:
        return str(each.text)
    amount = formats_of(language, currency).money(each.set_off)
    return pgettext("letter", "%(amount)s of %(money)s") % {"amount": amount, "money": each.text}


def read_statement(
    *, operator_id: int, party_id: int, currency: str, first: dt.date, last: dt.date, at: dt.datetime
) -> Statement:
    """The account between two days, both included. Raises BadInput for days that are no period of the past."""
    operator, party = Operator.objects.get(pk=operator_id), Party.objects.get(pk=party_id)
    today = local_date(at, operator.zone)
    require(first <= last, BadInput(pgettext("statement", "to"), last, _("Name a day on or after the first one.")))
    require(last <= today, BadInput(pgettext("statement", "to"), last, _("Name today or an earlier day.")))
    require(last - first <= LONGEST, BadInput(pgettext("statement", "from"), first, _("Ask for three years at most.")))
    return statement_of(operator=operator, party=party, currency=currency, first=first, last=last)


def send_statement(
    *,
    operator_id: int,
    party_id: int,
    currency: str,
    first: dt.date,
    last: dt.date,
    by: User | None,
    at: dt.datetime,
) -> Delivery:
    """Draw a statement, file it as a letter, and mail it to the party's accountants; each time a letter of its own.

    Raises NotAllowed, BadInput as read_statement.
    """
    require_right(by, "resend_delivery")
    statement = read_statement(
        operator_id=operator_id, party_id=party_id, currency=currency, first=first, last=last, at=at
    )
    content = draw_statement(statement)
    with transaction.atomic():
        party = lock(Party, party_id)
        about = f"{STATEMENT}:{party.pk}:{currency}:{first}:{last}"
        number = Letter.objects.filter(source__startswith=f"{about}:").count() + 1
        with override(party.language):
            word = pgettext("file name", "Statement")
        letter = file_letter(
            kind=LetterKind.STATEMENT,
            operator=statement.operator,
            party=party,
            source=f"{about}:{number}",
            language=party.language,
            dated_on=last,
            file_name=letter_file_name(word, statement.operator, party, last),
            content_type="application/pdf",
            content=content,
            by=by,
            at=at,
        )
        return request_letter_delivery(letter_id=letter.pk, by=by, at=at)
