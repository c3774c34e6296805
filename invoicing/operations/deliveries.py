"""Deliveries: one sending of one document or letter, at most once per intent (I16).

    queued -> being sent (committed before anything leaves) -> sent | failed | unknown
                                                        -> queued again, when it was certainly not sent

A party takes its documents by mail, from a folder (`operations.export_folder`) or in the portal alone: there they lie
from the start, so that delivery is sent when it is asked for. Letters go by mail wherever there is an address.
"""

import datetime as dt
from email.utils import formataddr
from typing import TYPE_CHECKING

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from contracts.models import DeliveryChannel, Party
from contracts.queries import accountant_emails
from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_no_card_number
from evbilling.kernel.errors import WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.mailers import sender_address, sender_domain
from evbilling.kernel.outbox import GiveUp, OutboxState, OutcomeUnknown, TryAgain
from evbilling.kernel.posting import MaybeSent, NotSent, post
from evbilling.kernel.steps import step
from invoicing.models import Delivery, DeliveryState, Document, DocumentKind, Invoice, Letter
from invoicing.operations.guards import require_right
from invoicing.queries.deliveries import files_to_send

if TYPE_CHECKING:
    from invoicing.documents.mail import MailContent

SENDABLE = (DeliveryState.QUEUED, DeliveryState.FAILED)
"""States in which no mail of this intent can have gone out."""
_STEPS = {DeliveryChannel.MAIL: "invoicing.delivery.send", DeliveryChannel.FOLDER: "invoicing.delivery.export"}
"""The background step of each channel; the portal needs none."""


def request_delivery(*, invoice_id: int, by: User | None, at: dt.datetime) -> Delivery:
    """Ask for the first sending of a document; asking again gives the same intent.

    By mail without an accountant's address the delivery is failed from the start and says so.
    """
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        first = invoice.deliveries.filter(intent=1).first()
        return first or _new_intent(invoice, 1, by, at, reason="")


def request_letter_delivery(*, letter_id: int, by: User | None, at: dt.datetime) -> Delivery:
    """Ask for the first sending of a letter; asking again gives the same intent. Raises WrongState without a party."""
    with transaction.atomic():
        letter = _lock_letter(letter_id)
        first = letter.deliveries.filter(intent=1).first()
        return first or _new_intent(letter, 1, by, at, reason="")


def resend_delivery(*, invoice_id: int, reason: str, by: User | None, at: dt.datetime) -> Delivery:
    """Send the archived document again as a new intent, for example to a corrected address.

    Raises NotAllowed, WrongState without a reason, without an archived document, or while a delivery is under way.
    """
    require_right(by, "resend_delivery")
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        require(reason.strip(), WrongState(_("Say why %(number)s is sent again.") % {"number": invoice}))
        require_no_card_number("reason", reason)
        require(
            invoice.documents.filter(kind=DocumentKind.PDF).exists(),
            WrongState(_("%(number)s has no document yet; wait until it is drawn.") % {"number": invoice}),
        )
        return _next_intent(invoice, reason, by, at)


def resend_letter(*, letter_id: int, reason: str, by: User | None, at: dt.datetime) -> Delivery:
    """Send the archived letter again as a new intent. Raises NotAllowed, WrongState as resend_delivery."""
    require_right(by, "resend_delivery")
    with transaction.atomic():
        letter = _lock_letter(letter_id)
        require(reason.strip(), WrongState(_("Say why %(number)s is sent again.") % {"number": letter}))
        require_no_card_number("reason", reason)
        return _next_intent(letter, reason, by, at)


def send(*, delivery_id: int, last_attempt: bool, at: dt.datetime) -> None:
    """Send one delivery by mail; called by its background step only.

    Raises TryAgain or GiveUp where it was certainly not sent, OutcomeUnknown where it may have been.
    """
    claimed = Delivery.objects.filter(pk=delivery_id, state__in=SENDABLE).update(state=DeliveryState.SENDING, error="")
    delivery = Delivery.objects.select_related("invoice", "letter").get(pk=delivery_id)
    if not claimed:
        why = _("Delivery %(delivery)s is %(state)s; send the document again as a new delivery.") % {
            "delivery": delivery,
            "state": delivery.get_state_display(),
        }
        # Left by a sender that ended: a step that failed here would make it failed, and so free to be sent again.
        raise OutcomeUnknown(why) if delivery.state == DeliveryState.SENDING else GiveUp(why)
    step("invoicing.delivery.claimed")
    try:
        refused = post(_mail(delivery))
    except MaybeSent as error:
        settle(delivery, DeliveryState.UNKNOWN, str(error), at)
        raise OutcomeUnknown(str(error)) from error
    except Exception as error:  # nothing has left the house: composing failed, or the server refused
        if isinstance(error, NotSent) and not error.permanent and not last_attempt:
            settle(delivery, DeliveryState.QUEUED, str(error), at)
            raise TryAgain(str(error)) from error
        settle(delivery, DeliveryState.FAILED, str(error), at)
        raise GiveUp(str(error)) from error
    step("invoicing.delivery.sent")
    settle(delivery, DeliveryState.SENT, "; ".join(refused), at)
    step("invoicing.delivery.settled")


def settle_lost(*, at: dt.datetime) -> list[int]:
    """Give deliveries whose step ended without them the step's result; the ids of those that a person has to look at.

    A worker that died while sending leaves the mail unknown: nobody can tell whether it went out.
    """
    lost = []
    for state, result in ((OutboxState.UNKNOWN, DeliveryState.UNKNOWN), (OutboxState.FAILED, DeliveryState.FAILED)):
        open_ones = Delivery.objects.filter(
            state__in=[DeliveryState.QUEUED, DeliveryState.SENDING], step__state=state
        ).select_related("invoice", "letter", "step")
        for delivery in open_ones:
            settle(delivery, result, delivery.step.last_error if delivery.step else "", at)
            lost.append(delivery.pk)
    return lost


def settle(delivery: Delivery, state: DeliveryState, error: str, at: dt.datetime) -> None:
    """Note what became of a delivery, with its audit row."""
    with transaction.atomic():
        delivery = lock(Delivery, delivery.pk)
        delivery.state, delivery.error = state, error[:500]
        if state == DeliveryState.SENT:
            delivery.sent_at = at
        delivery.save(update_fields=["state", "error", "sent_at"])
        record_audit(
            action=f"invoicing.delivery.{state.value}", obj=delivery, by=None, at=at, result=error[:40] or "ok"
        )


def _lock_letter(letter_id: int) -> Letter:
    letter = lock(Letter, letter_id)
    require(letter.party_id, WrongState(_("%(letter)s is for the house alone; it is not sent.") % {"letter": letter}))
    return letter


def _next_intent(item: Invoice | Letter, reason: str, by: User | None, at: dt.datetime) -> Delivery:
    require(
        not item.deliveries.filter(state__in=[DeliveryState.QUEUED, DeliveryState.SENDING]).exists(),
        WrongState(_("A mail with %(number)s is under way; wait for its result.") % {"number": item}),
    )
    last: int = item.deliveries.aggregate(last=Max("intent"))["last"] or 0
    return _new_intent(item, last + 1, by, at, reason=reason)


def _new_intent(item: Invoice | Letter, intent: int, by: User | None, at: dt.datetime, *, reason: str) -> Delivery:
    party = item.party
    if party is None:
        raise WrongState(_("%(letter)s is for the house alone; it is not sent.") % {"letter": item})
    emails = accountant_emails(party)
    channel = _channel(item, party, emails)
    by_mail = channel == DeliveryChannel.MAIL
    recipients = emails if by_mail else []
    lost = by_mail and not recipients
    there = channel == DeliveryChannel.PORTAL
    delivery = Delivery.objects.create(
        invoice=item if isinstance(item, Invoice) else None,
        letter=item if isinstance(item, Letter) else None,
        channel=channel,
        intent=intent,
        recipients=recipients,
        subject=_content(item).subject[:250] if by_mail else "",
        state=DeliveryState.FAILED if lost else DeliveryState.SENT if there else DeliveryState.QUEUED,
        message_ref=_message_ref(item, intent) if recipients else "",
        error=_no_address(party) if lost else "",
        created_at=at,
        sent_at=at if there else None,
    )
    record_audit(
        action="invoicing.delivery.request",
        obj=delivery,
        by=by,
        at=at,
        reason=reason,
        changes={"channel": channel.value, "to": recipients},
    )
    if delivery.state == DeliveryState.QUEUED:
        kind = _STEPS[channel]
        key = f"{kind}:{delivery.pk}"
        delivery.step = outbox.add(kind=kind, key=key, payload={"delivery_id": delivery.pk}, at=at)
        delivery.save(update_fields=["step"])
    return delivery


def _channel(item: Invoice | Letter, party: Party, emails: list[str]) -> DeliveryChannel:
    """The party's own; a letter that somebody has to read goes by mail wherever there is an address."""
    if isinstance(item, Letter) and emails:
        return DeliveryChannel.MAIL
    return DeliveryChannel(party.delivery_channel)


def _no_address(party: Party) -> str:
    return _("%(party)s has no accountant address: add a contact with the role accountant, then send again.") % {
        "party": party
    }


def _mail(delivery: Delivery) -> EmailMultiAlternatives:
    """The mail of a delivery, with the archived bytes and the Message-ID that was fixed when it was asked for."""
    item = delivery.invoice or delivery.letter
    if item is None:
        raise WrongState(_("Delivery %(delivery)s has nothing to send.") % {"delivery": delivery})
    files: list[Document] | list[Letter] = [item] if isinstance(item, Letter) else files_to_send(item)
    content = _content(item, tuple(file.kind for file in files if isinstance(file, Document)))
    mail = EmailMultiAlternatives(
        subject=delivery.subject, body=content.text, to=list(delivery.recipients), reply_to=[content.reply_to]
    )
    mail.from_email = formataddr((item.operator.legal_name, sender_address()))
    mail.extra_headers["Message-ID"] = delivery.message_ref
    # What a mail provider's events name the mail by (`operations.mail_events`); SMTP takes no notice of it.
    mail.metadata = {"delivery": delivery.message_ref}  # type: ignore[attr-defined]
    mail.attach_alternative(content.html, "text/html")
    for file in files:
        mail.attach(file.file_name, bytes(file.content), file.content_type)
    return mail


def _content(item: Invoice | Letter, files: tuple[str, ...] = (DocumentKind.PDF,)) -> "MailContent":
    if isinstance(item, Letter):
        from invoicing.operations.letter_mails import letter_mail  # noqa: PLC0415 - the templates load slowly

        return letter_mail(item)
    from invoicing.documents.build import document_view  # noqa: PLC0415 - the renderer loads slowly
    from invoicing.documents.mail import compose_mail  # noqa: PLC0415

    view = document_view(item, annex=False)
    return compose_mail(view, reply_to=item.operator.billing_email, files=files)


def _message_ref(item: Invoice | Letter, intent: int) -> str:
    """The Message-ID of a delivery, fixed when it is asked for: servers and mail programs drop a second copy."""
    name = item.number if isinstance(item, Invoice) else "letter"
    return f"<{name}-{item.pk}-{intent}@{sender_domain()}>"
