"""At least one row of everything that the database freezes."""

import datetime as dt
from decimal import Decimal

from contracts.models import ContractDocument
from evbilling.kernel.audit import seal_audit
from invoicing.models import (
    BooksCheck,
    Delivery,
    DeliveryEvent,
    DeliveryEventKind,
    Document,
    DocumentKind,
    Invoice,
    InvoiceKind,
)
from invoicing.operations.reissuing import Then, reissue
from payments.models import Payment
from payments.operations.refunds import ask_refund
from tests.invoicing.month import AT, ISSUED_ON, OCTOBER, record
from tests.invoicing.penalties.world import LATE, late_invoice, make_fleet
from tests.properties import office as work
from tests.properties.office import Office
from tests.properties.world import make_world


def make_frozen_rows() -> None:
    """October issued, then credited, contested, given up, paid, reminded, closed and opened again."""
    office = Office(*make_world())
    record([office.month.charge("fees", 0, kwh=11)])
    office.run(OCTOBER, AT, ISSUED_ON)
    for each in (work.contest, work.credit_line, work.lose, Office.decide, work.hold):
        each(office)
    for each in (work.remind, work.state_account, work.closed_and_asked, work.open_again):
        each(office)
    ask_refund(payment_id=Payment.objects.get().pk, amount=Decimal("10.00"), reason="Too much", **office.by)
    _paper(office.invoice("fees"))
    BooksCheck.objects.create(started_at=AT, finished_at=AT, cause="by hand", checks=1)
    seal_audit()


def _paper(invoice: Invoice) -> None:
    """What was drawn and mailed, as rows alone."""
    version = invoice.contract_version
    ContractDocument.objects.create(
        version=version, edition=9, language="en", content=b"%PDF-1.7", sha256="0" * 64, rendered_at=AT
    )
    Document.objects.create(
        invoice=invoice,
        kind=DocumentKind.PDF,
        file_name="a.pdf",
        content_type="application/pdf",
        content=b"%PDF-1.7",
        size=8,
        sha256="0" * 64,
        rendered_at=AT,
    )
    delivery = Delivery.objects.create(invoice=invoice, intent=9, created_at=AT)
    DeliveryEvent.objects.create(
        delivery=delivery, provider="test", event_ref="1", kind=DeliveryEventKind.OTHER, received_at=AT
    )


def make_released_penalty() -> None:
    """A fee note that was cancelled and issued again: its penalties are billed once more."""
    fleet = make_fleet(LATE)
    late_invoice(fleet)
    fleet.close()
    note = Invoice.objects.get(kind=InvoiceKind.FEE_NOTE)
    at = dt.datetime(2026, 11, 3, 9, 0, tzinfo=dt.UTC)
    reissue(invoice_id=note.pk, reason="Wrong address", then=Then.ISSUE, by=None, at=at)
