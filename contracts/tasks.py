"""Background steps of contracts: they parse their message and call one operation each."""

import datetime as dt

from contracts.operations.agreements import DRAW_STEP, draw_document
from contracts.operations.offers import SEND_STEP, send_offer
from evbilling.kernel.outbox import OutboxMessage, handles


@handles(DRAW_STEP, queue="documents")
def draw_contract_document(message: OutboxMessage, at: dt.datetime) -> None:
    """Draw the document of approved terms."""
    draw_document(version_id=message.payload["version_id"], at=at)


@handles(SEND_STEP, queue="mail", at_most_once=True, max_attempts=12)
def send_offer_mail(message: OutboxMessage, at: dt.datetime) -> None:
    """Mail an offer, at most once."""
    send_offer(mail_id=message.payload["mail_id"], at=at)
