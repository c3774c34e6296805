"""What became of mails: from their own state and from what the mail provider said, in whatever order it said it."""

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, TextChoices, Value, When
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invoicing.models import Delivery, DeliveryEvent, DeliveryEventKind, DeliveryState, Document, DocumentKind, Invoice

RETURNED = (DeliveryEventKind.BOUNCED, DeliveryEventKind.REJECTED, DeliveryEventKind.COMPLAINED)
"""Events after which a person has to act: the mail did not arrive, or was not wanted."""


class Fate(TextChoices):
    """What became of a delivery; computed, each is in exactly one."""

    QUEUED = "queued", _("queued")
    SENDING = "sending", _("being sent")
    FAILED = "failed", _("failed")
    UNKNOWN = "unknown", _("unknown")
    RETURNED = "returned", _("came back")
    OPENED = "opened", pgettext_lazy("mail", "opened")
    DELIVERED = "delivered", _("arrived")
    SENT = "sent", _("sent")


def with_fate(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Deliveries with `fate` (Fate). What a mail came back with beats everything, then opened beats delivered."""
    return deliveries.annotate(
        fate=Case(
            When(_has(*RETURNED), then=Value(Fate.RETURNED)),
            When(_has(DeliveryEventKind.OPENED), then=Value(Fate.OPENED)),
            When(_has(DeliveryEventKind.DELIVERED), then=Value(Fate.DELIVERED)),
            default=F("state"),
            output_field=CharField(),
        )
    )


def _has(*kinds: str) -> Exists:
    return Exists(DeliveryEvent.objects.filter(delivery=OuterRef("pk"), kind__in=kinds))


def archived_files(invoice: Invoice) -> QuerySet[Document]:
    """The files that a document was archived as, the PDF first."""
    return invoice.documents.order_by(Case(When(kind=DocumentKind.PDF, then=0), default=1), "kind")


def files_to_send(invoice: Invoice) -> list[Document]:
    """The archived files that mail and export folder carry; the e-invoice alone where that is wanted.

    A document without an e-invoice of its own, such as one under sales tax, goes as it is.
    """
    files = list(archived_files(invoice))
    alone = [file for file in files if file.kind == DocumentKind.XML] if invoice.party.einvoice_alone else []
    return alone or files


def needing_a_person() -> QuerySet[Delivery]:
    """Deliveries that failed, are unknown, or came back, and that no later one of the same document has followed."""
    later = Delivery.objects.filter(
        Q(invoice=OuterRef("invoice")) | Q(letter=OuterRef("letter")), intent__gt=OuterRef("intent")
    )
    bad = Q(state__in=[DeliveryState.FAILED, DeliveryState.UNKNOWN]) | Q(_has(*RETURNED))
    return Delivery.objects.filter(bad, ~Exists(later))
