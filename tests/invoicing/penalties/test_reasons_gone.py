"""Given a penalty on a draft whose reason is gone, when the draft is to be issued, then it is refused, not billed."""

import datetime as dt
from decimal import Decimal

import pytest

from evbilling.kernel.errors import BillingError
from invoicing.models import Invoice, InvoiceKind, InvoiceState
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.drafting import discard_draft
from invoicing.operations.issuing import issue_invoice
from tests.invoicing.penalties.world import AT, LATE, NOVEMBER, late_invoice, make_fleet, pay
from tests.invoicing.quiet import nothing_is_drawn

__all__ = ["nothing_is_drawn"]
pytestmark = pytest.mark.django_db


def test_a_fee_note_is_not_issued_once_its_late_document_was_credited() -> None:
    fleet = make_fleet(LATE)
    late = late_invoice(fleet)
    fleet.close(issue=False)
    note = Invoice.objects.get(kind=InvoiceKind.FEE_NOTE)
    credit_invoice(invoice_id=late.pk, reason="Wrong customer", by=None, at=AT)
    with pytest.raises(BillingError, match="reason"):
        issue_invoice(invoice_id=note.pk, issued_on=AT.date(), by=None, at=AT)
    note.refresh_from_db()
    assert (note.state, note.number) == (InvoiceState.DRAFT, None)
    discard_draft(invoice_id=note.pk, by=None, at=AT)
    fleet.close()
    assert not Invoice.objects.filter(kind=InvoiceKind.FEE_NOTE).exists()


def test_a_fee_note_is_not_issued_once_money_is_known_that_came_in_time() -> None:
    fleet = make_fleet(LATE)
    late = late_invoice(fleet)
    fleet.close(issue=False)
    note = Invoice.objects.get(kind=InvoiceKind.FEE_NOTE)
    pay(late.pk, "119.00", dt.date(2026, 9, 30))
    with pytest.raises(BillingError, match="reason"):
        issue_invoice(invoice_id=note.pk, issued_on=AT.date(), by=None, at=AT)
    discard_draft(invoice_id=note.pk, by=None, at=AT)
    fleet.close()
    fleet.close(NOVEMBER)
    assert not Invoice.objects.filter(kind=InvoiceKind.FEE_NOTE).exists()


def test_what_was_assessed_before_money_came_to_light_that_was_in_time_is_not_billed() -> None:
    fleet = make_fleet(LATE)
    late = late_invoice(fleet)
    assert len(fleet.assess()) == 2
    pay(late.pk, "119.00", dt.date(2026, 9, 29))
    fleet.close()
    assert not Invoice.objects.filter(kind=InvoiceKind.FEE_NOTE).exists()


def test_money_in_part_or_too_late_leaves_the_fee() -> None:
    fleet = make_fleet(LATE)
    late = late_invoice(fleet)
    fleet.assess()
    pay(late.pk, "118.99", dt.date(2026, 9, 30))
    pay(late.pk, "0.01", dt.date(2026, 10, 1))
    fleet.close()
    assert Invoice.objects.get(kind=InvoiceKind.FEE_NOTE).lines.first().net_amount == Decimal("5.00")  # type: ignore[union-attr]
