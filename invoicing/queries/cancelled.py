"""What credit notes left of a document: cancelled whole, or credited in part; as conditions for other queries.

A document is *cancelled* when its issued credit notes come to its whole total: nothing of it lives any more. One that
was credited in part lives; what is left of it is its total less its credits (`queries/documents.py`). A cancelled
document may have been *released*: its sessions, terms and penalties are billed again by the next document.
"""

from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet

from evbilling.kernel.fields import amount_sum
from invoicing.models import (
    BilledCharge,
    ChargeUse,
    Correction,
    CorrectionState,
    Invoice,
    InvoiceKind,
    InvoiceState,
)


def issued_notes() -> QuerySet[Invoice]:
    """All issued credit notes."""
    return Invoice.objects.filter(kind=InvoiceKind.CREDIT_NOTE, state=InvoiceState.ISSUED)


def cancelled(document: str) -> Exists:
    """Whether the document at that path is credited whole: nothing is left of it at any tax rate (I11)."""
    sums: QuerySet[Invoice, Any] = (
        issued_notes()
        .filter(corrects=OuterRef(document))
        .order_by()
        .values("corrects")
        .annotate(total=amount_sum("gross_amount"), whole=F("corrects__gross_amount"))
        .filter(total__gte=F("whole"))
    )
    return Exists(sums)


def released(document: str) -> Exists:
    """Whether the document at that path was cancelled in order to be issued again."""
    return Exists(Correction.objects.filter(invoice=OuterRef(document), state=CorrectionState.DONE, reissue=True))


def unreleased(billed: QuerySet[BilledCharge]) -> QuerySet[BilledCharge]:
    """Those of these billings that hold: no cancelled document released them."""
    freed = BilledCharge.objects.filter(
        charge=OuterRef("charge"), generation=OuterRef("generation"), use=ChargeUse.RELEASED
    )
    return billed.filter(~Exists(freed))
