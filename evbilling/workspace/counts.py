"""The few figures that say what needs a person now: each opens the list it counts."""

from django.db.models import Count
from django.utils import timezone

from evbilling.kernel.models import OutboxMessage, OutboxState
from invoicing.models import Correction, CorrectionState, Invoice, InvoiceState
from invoicing.queries import disputes, dunning, penalties
from invoicing.queries.deliveries import needing_a_person
from invoicing.queries.documents import PaymentState, in_payment_state
from sessions.models import Hold, HoldState


def held_sessions() -> int:
    """Sessions with an open hold; one may have several."""
    return Hold.objects.filter(state=HoldState.OPEN).aggregate(held=Count("session", distinct=True))["held"]


def overdue_invoices() -> int:
    """Issued invoices past due with an open amount."""
    return in_payment_state(Invoice.objects.all(), PaymentState.OVERDUE, on=timezone.localdate()).count()


def asked_waivers() -> int:
    """Penalties whose waiver waits for a second person."""
    return penalties.asked_waivers().count()


def open_disputes() -> int:
    """Sessions that customers contest and nobody answered yet."""
    return disputes.open_disputes().count()


def asked_corrections() -> int:
    """Credits and write-offs that wait for a second person."""
    return Correction.objects.filter(state=CorrectionState.ASKED).count()


def escalations() -> int:
    """Overdue documents that dunning handed over and nobody took up."""
    return dunning.escalations().count()


def drafts() -> int:
    """Documents not issued yet."""
    return Invoice.objects.filter(state=InvoiceState.DRAFT).count()


def mails_needing_a_person() -> int:
    """Deliveries that failed, came back, or whose outcome is unknown, and that were not sent again."""
    return needing_a_person().count()


def steps_needing_a_person() -> int:
    """Background steps that failed or whose outcome is unknown."""
    return OutboxMessage.objects.filter(state__in=[OutboxState.FAILED, OutboxState.UNKNOWN]).count()
