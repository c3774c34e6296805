"""Deliveries: one mail with one document to the accountants, at most once per intent (I16).

queued -> being sent (committed before anything leaves) -> sent | failed | unknown
                                                        -> queued again, when it was certainly not sent
"""

import datetime as dt
from email.utils import formataddr, parseaddr
from typing import TYPE_CHECKING

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from contracts.queries import accountant_emails
from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.outbox import GiveUp, OutboxState, OutcomeUnknown, TryAgain
from evbilling.kernel.posting import MaybeSent, NotSent, post
from evbilling.kernel.steps import step
from invoicing.models import Delivery, DeliveryState, Document, DocumentKind, Invoice

if TYPE_CHECKING:
    from invoicing.documents.mail import MailContent

SENDABLE = (DeliveryState.QUEUED, DeliveryState.FAILED)
"""States in which no mail of this intent can have gone out."""


def request_delivery(*, invoice_id: int, by: User | None, at: dt.datetime) -> Delivery:
    """Ask for the first sending of a document; asking again gives the same intent.

    Without an accountant's address the delivery is failed from the start and says so.
    """
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        first = invoice.deliveries.filter(intent=1).first()
        return first or _new_intent(invoice, 1, by, at, reason="")


def resend_delivery(*, invoice_id: int, reason: str, by: User | None, at: dt.datetime) -> Delivery:
    """Send the archived document again as a new intent, for example to a corrected address.

    Raises WrongState without a reason, without an archived document, or while a delivery is under way.
    """
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        require(reason.strip(), WrongState(_("Say why %(number)s is sent again.") % {"number": invoice}))
        require(
            invoice.documents.filter(kind=DocumentKind.PDF).exists(),
            WrongState(_("%(number)s has no document yet; wait until it is drawn.") % {"number": invoice}),
        )
        require(
            not invoice.deliveries.filter(state__in=[DeliveryState.QUEUED, DeliveryState.SENDING]).exists(),
            WrongState(_("A mail with %(number)s is under way; wait for its result.") % {"number": invoice}),
        )
        last: int = invoice.deliveries.aggregate(last=Max("intent"))["last"] or 0
        return _new_intent(invoice, last + 1, by, at, reason=reason)


def send(*, delivery_id: int, last_attempt: bool, at: dt.datetime) -> None:
    """Send one delivery; called by its background step only.

    Raises TryAgain or GiveUp where it was certainly not sent, OutcomeUnknown where it may have been.
    """
    claimed = Delivery.objects.filter(pk=delivery_id, state__in=SENDABLE).update(state=DeliveryState.SENDING, error="")
    delivery = Delivery.objects.select_related("invoice").get(pk=delivery_id)
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
        _settle(delivery, DeliveryState.UNKNOWN, str(error), at)
        raise OutcomeUnknown(str(error)) from error
    except Exception as error:  # nothing has left the house: composing failed, or the server refused
        if isinstance(error, NotSent) and not error.permanent and not last_attempt:
            _settle(delivery, DeliveryState.QUEUED, str(error), at)
            raise TryAgain(str(error)) from error
        _settle(delivery, DeliveryState.FAILED, str(error), at)
        raise GiveUp(str(error)) from error
    step("invoicing.delivery.sent")
    _settle(delivery, DeliveryState.SENT, "; ".join(refused), at)
    step("invoicing.delivery.settled")


def settle_lost(*, at: dt.datetime) -> list[int]:
    """Give deliveries whose step ended without them the step's result; the ids of those that a person has to look at.

    A worker that died while sending leaves the mail unknown: nobody can tell whether it went out.
    """
    lost = []
    for state, result in ((OutboxState.UNKNOWN, DeliveryState.UNKNOWN), (OutboxState.FAILED, DeliveryState.FAILED)):
        open_ones = Delivery.objects.filter(
            state__in=[DeliveryState.QUEUED, DeliveryState.SENDING], step__state=state
        ).select_related("invoice", "step")
        for delivery in open_ones:
            _settle(delivery, result, delivery.step.last_error if delivery.step else "", at)
            lost.append(delivery.pk)
    return lost


def _new_intent(invoice: Invoice, intent: int, by: User | None, at: dt.datetime, *, reason: str) -> Delivery:
    recipients = accountant_emails(invoice.party)
    delivery = Delivery.objects.create(
        invoice=invoice,
        intent=intent,
        recipients=recipients,
        subject=_content(invoice).subject[:250],
        state=DeliveryState.QUEUED if recipients else DeliveryState.FAILED,
        message_ref=_message_ref(invoice, intent) if recipients else "",
        error="" if recipients else _no_address(invoice),
        created_at=at,
    )
    record_audit(
        action="invoicing.delivery.request", obj=delivery, by=by, at=at, reason=reason, changes={"to": recipients}
    )
    if recipients:
        delivery.step = outbox.add(
            kind="invoicing.delivery.send",
            key=f"invoicing.delivery.send:{delivery.pk}",
            payload={"delivery_id": delivery.pk},
            at=at,
        )
        delivery.save(update_fields=["step"])
    return delivery


def _no_address(invoice: Invoice) -> str:
    return _("%(party)s has no accountant address: add a contact with the role accountant, then send again.") % {
        "party": invoice.party
    }


def _mail(delivery: Delivery) -> EmailMultiAlternatives:
    """The mail of a delivery, with the archived bytes and the Message-ID that was fixed when it was asked for."""
    invoice = Invoice.objects.select_related("operator", "party", "contract").get(pk=delivery.invoice_id)
    files = list(Document.objects.filter(invoice=invoice).order_by("-kind"))  # pdf before csv
    more = tuple(file.kind for file in files if file.kind != DocumentKind.PDF)
    content = _content(invoice, more)
    mail = EmailMultiAlternatives(
        subject=delivery.subject, body=content.text, to=list(delivery.recipients), reply_to=[content.reply_to]
    )
    mail.from_email = formataddr((invoice.operator.legal_name, _sender()))
    mail.extra_headers["Message-ID"] = delivery.message_ref
    mail.attach_alternative(content.html, "text/html")
    for file in files:
        mail.attach(file.file_name, bytes(file.content), file.content_type)
    return mail


def _content(invoice: Invoice, more: tuple[str, ...] = ()) -> "MailContent":
    from invoicing.documents.build import document_view  # noqa: PLC0415 - the renderer loads slowly
    from invoicing.documents.mail import compose_mail  # noqa: PLC0415

    view = document_view(invoice, annex=False)
    return compose_mail(view, reply_to=invoice.operator.billing_email, more_attachments=more)


def _message_ref(invoice: Invoice, intent: int) -> str:
    """The Message-ID of a delivery, fixed when it is asked for: servers and mail programs drop a second copy."""
    return f"<{invoice.number}-{invoice.pk}-{intent}@{_sender().rpartition('@')[2] or 'localhost'}>"


def _sender() -> str:
    """The bare address that mails come from (DEFAULT_FROM_EMAIL, which Django gives every mail)."""
    return parseaddr(EmailMultiAlternatives().from_email)[1]


def _settle(delivery: Delivery, state: DeliveryState, error: str, at: dt.datetime) -> None:
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
