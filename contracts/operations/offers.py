"""Offers by mail: the document of a version to each person who may sign, at most once per intent (I16)."""

import datetime as dt
from email.utils import formataddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _

from contracts.models import Contract, ContractVersion, OfferMail, VersionState
from contracts.operations.agreements import DRAW_STEP
from contracts.operations.guards import require_permission, require_reason
from contracts.queries.agreements import LINK_DAYS, OPEN_STATES, OfferLink, document_of, signatories
from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import NotFound, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.mailers import sender_address, sender_domain
from evbilling.kernel.outbox import GiveUp, OutboxMessage, OutboxState, TryAgain
from evbilling.kernel.posting import post_in_step
from evbilling.kernel.steps import step

SEND_STEP = "contracts.offer.send"


def ask_for_mails(version: ContractVersion, *, at: dt.datetime) -> list[OfferMail]:
    """Queue one mail with the version's document to each person who may sign, in the transaction that offers it."""
    last: int = version.offer_mails.aggregate(last=Max("intent"))["last"] or 0
    mails = []
    for contact in signatories(version.contract.party):
        mail = OfferMail.objects.create(
            version=version,
            contact=contact,
            email=contact.email,
            intent=last + 1,
            message_ref=f"<{version.contract.number}-{version.pk}-{last + 1}-{contact.pk}@{sender_domain()}>",
            created_at=at,
        )
        mail.step = outbox.add(kind=SEND_STEP, key=f"{SEND_STEP}:{mail.pk}", payload={"mail_id": mail.pk}, at=at)
        mail.save(update_fields=["step"])
        mails.append(mail)
    return mails


def send_terms(*, version_id: int, reason: str, by: User | None, at: dt.datetime) -> list[OfferMail]:
    """Mail approved terms to those who may sign: an amendment, or an offer once more. A new intent each time.

    Raises WrongState for a draft, while a mail is under way, or where nobody may sign; BadInput without a reason.
    """
    with transaction.atomic():
        version = ContractVersion.objects.filter(pk=version_id).first()
        if version is None:
            raise NotFound(_("There is no contract version with the id %s.") % version_id)
        version.contract = lock(Contract, version.contract_id)
        require_permission(by, "offer_contract")
        why = require_reason(reason)
        require(
            version.state == VersionState.APPROVED and version.contract.state in OPEN_STATES,
            WrongState(_("%s is no offer: its terms are a draft, or its contract is.") % version),
        )
        under_way = version.offer_mails.filter(step__state__in=[OutboxState.QUEUED, OutboxState.IN_FLIGHT])
        require(
            not under_way.exists(),
            WrongState(_("A mail with %s is under way; wait for its result.") % version),
        )
        mails = ask_for_mails(version, at=at)
        require(
            mails,
            WrongState(
                _("%s has no contact with the role signatory or fleet manager; add one first.") % version.contract.party
            ),
        )
        record_audit(
            action="contracts.version.send",
            obj=version,
            by=by,
            at=at,
            reason=why,
            changes={"to": [mail.email for mail in mails]},
        )
    return mails


def send_offer(*, mail_id: int, at: dt.datetime) -> None:
    """Send one offer; called by its background step only, which nobody but a person repeats.

    Raises TryAgain while the document is not drawn or the server cannot be reached, GiveUp where it was certainly not
    sent and never will be, OutcomeUnknown where it may have been.
    """
    mail = OfferMail.objects.select_related("version__contract__operator", "version__contract__party", "contact").get(
        pk=mail_id
    )
    try:
        message = _message(mail, at)
    except (TryAgain, GiveUp):
        raise
    except Exception as error:  # composing failed: nothing has left the house
        raise GiveUp(f"{type(error).__name__}: {error}") from error
    step("contracts.offer.composed")
    refused = post_in_step(message)
    step("contracts.offer.sent")
    record_audit(
        action="contracts.offer.sent",
        obj=mail.version,
        by=None,
        at=at,
        result="; ".join(refused)[:40] or "ok",
        changes={"to": mail.email, "intent": mail.intent},
    )


def _message(mail: OfferMail, at: dt.datetime) -> EmailMultiAlternatives:
    """The mail with the document's bytes and the link that belongs to its contact alone."""
    from contracts.documents.mail import compose_offer  # noqa: PLC0415 - loads the templates of documents

    version, contract = mail.version, mail.version.contract
    if contract.state not in OPEN_STATES or mail.contact is None:
        raise GiveUp(_("The offer was withdrawn or its contact is gone; nothing was sent."))
    document = document_of(version)
    drawing = OutboxMessage.objects.filter(
        kind=DRAW_STEP, payload__version_id=version.pk, state__in=[OutboxState.QUEUED, OutboxState.IN_FLIGHT]
    )
    if document is None or drawing.exists():
        raise TryAgain(_("The document is not drawn yet."))
    until = local_date(at, contract.zone) + dt.timedelta(days=LINK_DAYS)
    token = OfferLink(mail.contact.pk, version.pk, document.sha256, until).token()
    url = settings.PUBLIC_URL + reverse("agreement", kwargs={"token": token})
    content = compose_offer(version, document, contact=mail.contact, url=url, until=until)
    message = EmailMultiAlternatives(
        subject=content.subject, body=content.text, to=[mail.email], reply_to=[contract.operator.billing_email]
    )
    message.from_email = formataddr((contract.operator.legal_name, sender_address()))
    message.extra_headers["Message-ID"] = mail.message_ref
    message.attach_alternative(content.html, "text/html")
    message.attach(content.pdf_name, bytes(document.content), "application/pdf")
    return message
