"""Answers to disputes by mail: whoever contested a session reads what was decided, at most once (I16).

The mail is asked for in the transaction that decides. It goes to the manager who contested, while he acts for the
company, else to its accountants; where there is no address nothing is sent, and the dispute's history says so.
"""

import datetime as dt
from email.utils import formataddr
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from contracts.queries import accountant_emails, role_in
from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import local_date
from evbilling.kernel.mailers import sender_address, sender_domain
from evbilling.kernel.outbox import GiveUp
from evbilling.kernel.posting import post_in_step
from evbilling.kernel.steps import step
from evbilling.shell.paper.formats import Formats, formats_of
from invoicing.models import Dispute, DisputeState
from invoicing.queries.freezing import issuer_details

if TYPE_CHECKING:
    from invoicing.documents.mail import MailContent

ANSWER_STEP = "invoicing.dispute.answer"


def ask_for_answer(dispute: Dispute, *, by: User | None, at: dt.datetime) -> None:
    """Queue the mail with the answer, in the transaction that decides the dispute; asking again is the same mail."""
    to = _recipients(dispute)
    record_audit(
        action="invoicing.dispute.mail",
        obj=dispute,
        by=by,
        at=at,
        reason="" if to else _no_address(dispute),
        changes={"to": to},
        result="ok" if to else "no address",
    )
    if to:
        payload = {"dispute_id": dispute.pk, "to": to}
        outbox.add(kind=ANSWER_STEP, key=f"{ANSWER_STEP}:{dispute.pk}", payload=payload, at=at)


def send_answer(*, dispute_id: int, to: list[str], at: dt.datetime) -> None:
    """Send one answer; called by its background step only, which nobody but a person repeats.

    Raises TryAgain or GiveUp where it was certainly not sent, OutcomeUnknown where it may have been.
    """
    dispute = Dispute.objects.select_related("invoice__operator", "party", "session__site", "credit_note").get(
        pk=dispute_id
    )
    try:
        mail = _mail(dispute, to)
    except Exception as error:  # composing failed: nothing has left the house
        raise GiveUp(f"{type(error).__name__}: {error}") from error
    refused = post_in_step(mail)
    step("invoicing.dispute.answer_sent")
    record_audit(
        action="invoicing.dispute.answered",
        obj=dispute,
        by=None,
        at=at,
        result="; ".join(refused)[:40] or "ok",
        changes={"to": to},
    )


def _recipients(dispute: Dispute) -> list[str]:
    person = dispute.raised_by
    if person is not None and person.is_active and person.email and role_in(person, dispute.party_id):
        return [person.email]
    return accountant_emails(dispute.party)


def _no_address(dispute: Dispute) -> str:
    return _("%(party)s has no accountant address; the answer is in the portal alone.") % {"party": dispute.party}


def _mail(dispute: Dispute, to: list[str]) -> EmailMultiAlternatives:
    operator = dispute.invoice.operator
    content = _content(dispute)
    mail = EmailMultiAlternatives(subject=content.subject, body=content.text, to=to, reply_to=[operator.billing_email])
    mail.from_email = formataddr((operator.legal_name, sender_address()))
    mail.extra_headers["Message-ID"] = f"<dispute-{dispute.pk}@{sender_domain()}>"
    mail.attach_alternative(content.html, "text/html")
    return mail


def _content(dispute: Dispute) -> "MailContent":
    """In the party's language: which session, what was decided and why, and where to read it."""
    from invoicing.documents.blocks import letterhead_of  # noqa: PLC0415 - the templates load slowly
    from invoicing.documents.letter_mail import LetterMail, compose_letter_mail  # noqa: PLC0415

    operator, language = dispute.invoice.operator, dispute.party.language
    formats = formats_of(language, dispute.currency)
    with override(language):
        signature = (operator.contact_person, operator.legal_name, operator.phone, operator.website)
        return compose_letter_mail(
            LetterMail(
                language=language,
                currency=dispute.currency,
                letterhead=letterhead_of(issuer_details(operator), language),
                title=pgettext("mail", "Your dispute about %(document)s") % {"document": dispute.invoice},
                sender=operator.legal_name,
                greeting=pgettext("mail", "Hello, we have decided about the session that you contested."),
                lead=_lead(dispute),
                figure_label=pgettext("mail", "Decision"),
                figure=capfirst(dispute.get_state_display()),
                rows=tuple(_rows(dispute, formats)),
                portal_url=settings.PUBLIC_URL + reverse("portal:dispute", args=[dispute.pk]),
                signature="\n".join(filter(None, signature)),
                reply_to=operator.billing_email,
            )
        )


def _rows(dispute: Dispute, formats: Formats) -> list[tuple[str, str]]:
    session, note = dispute.session, dispute.credit_note
    day = formats.long_date(local_date(session.started_at, dispute.invoice.operator.zone))
    rows = [
        (pgettext("mail", "Session"), ", ".join(filter(None, (session.provider_ref, day, str(session.site or ""))))),
        (pgettext("letter", "Document"), str(dispute.invoice)),
        (pgettext("mail", "Contested"), formats.money(dispute.contested_amount)),
    ]
    if note is not None:
        rows.append((pgettext("document", "Credit note"), f"{note}, {formats.money(note.gross_amount)}"))
    return [*rows, (pgettext("mail", "Reason"), dispute.answer)] if dispute.answer else rows


def _lead(dispute: Dispute) -> str:
    number = {"number": dispute.credit_note}
    match dispute.state:
        case DisputeState.ACCEPTED:
            return pgettext("mail", "You are right: credit note %(number)s corrects the document.") % number
        case DisputeState.PARTLY:
            return pgettext("mail", "You are right in part: credit note %(number)s corrects the document.") % number
    return pgettext("mail", "We have looked into it: the session stays as it was billed.")
