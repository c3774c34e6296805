"""Mails: at most one per intent, and none unaccounted for (I16)."""

from collections.abc import Iterator

from django.db.models import Exists, F, OuterRef, Q

from contracts.models import DeliveryChannel
from evbilling.kernel.books import Finding, proves
from evbilling.kernel.outbox import OutboxState
from invoicing.models import Delivery, DeliveryState, Document, DocumentKind, Invoice, InvoiceState

OF_STEP = {
    DeliveryState.SENT: {OutboxState.DONE, OutboxState.UNKNOWN},
    DeliveryState.UNKNOWN: {OutboxState.UNKNOWN, OutboxState.QUEUED, OutboxState.IN_FLIGHT, OutboxState.FAILED},
    DeliveryState.QUEUED: {OutboxState.QUEUED, OutboxState.IN_FLIGHT, OutboxState.FAILED, OutboxState.UNKNOWN},
    DeliveryState.SENDING: {OutboxState.IN_FLIGHT, OutboxState.FAILED, OutboxState.UNKNOWN},
    DeliveryState.FAILED: {OutboxState.FAILED, OutboxState.QUEUED, OutboxState.IN_FLIGHT},
}
"""Which states of its background step go with a delivery's state. A step ends a moment before or after its delivery,
and a step that failed may be tried again by hand."""

OF_EXPORT = {state: set(OutboxState) - {OutboxState.DONE, OutboxState.UNKNOWN} for state in DeliveryState} | {
    DeliveryState.SENT: set(OutboxState) - {OutboxState.UNKNOWN}
}
"""The same for files in the export folder, whose steps may be repeated: done means that they are there."""


@proves("I16", "Every mail is accounted for: one step per intent, and both tell the same")
def mails_are_accounted_for() -> Iterator[Finding]:
    """A delivery with recipients has exactly its own step; a sent one was not sent by a step that did not run."""
    for delivery in (
        Delivery.objects.select_related("invoice", "letter", "step").order_by("pk").iterator(chunk_size=2000)
    ):
        about = f"delivery {delivery}"
        if delivery.step is None:
            if delivery.recipients or delivery.channel == DeliveryChannel.FOLDER:
                yield Finding("I16", about, "It has recipients, but no step ever sends it.")
            continue
        if delivery.step.payload.get("delivery_id") != delivery.pk:
            yield Finding("I16", about, f"Its step {delivery.step_id} sends another delivery.")
        of_step = OF_EXPORT if delivery.channel == DeliveryChannel.FOLDER else OF_STEP
        if delivery.step.state not in of_step[DeliveryState(delivery.state)]:
            yield Finding(
                "I16", about, f"It is {delivery.state}, its step is {delivery.step.state}: a mail is lost or doubled."
            )


@proves("I16", "A document that is drawn was handed to its accountants or waits for a person")
def drawn_documents_are_delivered() -> Iterator[Finding]:
    """Each archived PDF of an issued document has its first delivery."""
    drawn = Document.objects.filter(invoice=OuterRef("pk"), kind=DocumentKind.PDF)
    asked = Delivery.objects.filter(invoice=OuterRef("pk"), intent=1)
    forgotten = Invoice.objects.filter(Exists(drawn), ~Exists(asked), state=InvoiceState.ISSUED)
    for invoice in forgotten.order_by("pk").iterator(chunk_size=2000):
        yield Finding("I16", f"document {invoice.number}", "It is drawn, but its mail was never asked for.")
    early = Delivery.objects.filter(Q(invoice__state=InvoiceState.DRAFT) | Q(created_at__lt=F("invoice__created_at")))
    for delivery in early.select_related("invoice", "letter").order_by("pk"):
        yield Finding("I16", f"delivery {delivery}", "It was asked for before its document was issued.")
