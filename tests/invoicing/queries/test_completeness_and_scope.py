"""Every session of a month is in one list; portal users see the issued documents of their own company alone."""

import pytest

from evbilling.access.scope import visible
from invoicing.models import Document, Invoice, InvoiceLine
from invoicing.operations.drafting import draft_invoice
from invoicing.queries.completeness import Completeness, completeness
from sessions.models import ChargingSession, Hold
from sessions.operations.holds import reject_hold
from tests.factories import make_member, make_user
from tests.invoicing.month import AT, OCTOBER, Month, make_month, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def month() -> Month:
    return make_month()


def counts(month: Month, period: object = OCTOBER) -> Completeness:
    return completeness(month.operator, period)  # type: ignore[arg-type]


def test_given_a_month_before_its_close_when_counted_then_all_are_waiting(month: Month) -> None:
    found = counts(month)
    assert (found.sessions_in, found.waiting, found.is_complete) == (8, 8, False)


def test_given_a_closed_month_when_counted_then_all_are_billed(month: Month) -> None:
    month.close()
    assert counts(month) == Completeness(8, billed=8, held=0, excluded=0, late=0, waiting=0, missing=0)
    assert counts(month).is_complete


def test_given_holds_when_counted_then_held_and_excluded_have_their_lists(month: Month) -> None:
    record([month.charge("alpha", 10, kwh=0), month.charge("alpha", 11, kwh=0)])
    hold = Hold.objects.filter(state="open").order_by("pk")[0]
    reject_hold(hold_id=hold.pk, reason="A test of the station", by=make_user(), at=AT)
    month.close()
    found = counts(month)
    assert (found.sessions_in, found.billed, found.held, found.excluded) == (10, 8, 1, 1)
    assert found.is_complete


def test_given_a_session_after_the_close_when_counted_then_it_is_late_before_and_after_the_next_document(
    month: Month,
) -> None:
    month.close()
    record([month.charge("beta", 9)])
    assert (counts(month).late, counts(month).billed) == (1, 8)
    invoice = draft_invoice(contract_id=month.contracts["beta"].pk, period=OCTOBER.next_month(), at=AT)
    assert invoice is not None
    assert (counts(month).late, counts(month).billed, counts(month).is_complete) == (1, 8, True)


def test_given_a_token_that_nobody_knows_when_counted_then_it_is_held_and_not_lost(month: Month) -> None:
    row = month.charge("alpha", 12)
    record([type(row)(**{name: getattr(row, name) for name in row.__slots__} | {"token_ref": "UNKNOWN"})])
    assert ChargingSession.objects.get(token_ref="UNKNOWN").contract is None
    month.close()
    assert (counts(month).held, counts(month).missing, counts(month).is_complete) == (1, 0, True)


def test_given_a_member_of_one_fleet_when_documents_are_listed_then_only_its_issued_ones_are_there(
    month: Month,
) -> None:
    month.close()
    invoice = Invoice.objects.get(contract=month.contracts["alpha"])
    member = make_member(invoice.party)
    assert list(visible(Invoice.objects.all(), member)) == [invoice]
    assert {line.invoice_id for line in visible(InvoiceLine.objects.all(), member)} == {invoice.pk}
    assert {each.invoice_id for each in visible(Document.objects.all(), member)} <= {invoice.pk}


def test_given_a_draft_when_the_customer_looks_then_it_is_not_shown(month: Month) -> None:
    draft = draft_invoice(contract_id=month.contracts["alpha"].pk, period=OCTOBER, at=AT)
    assert draft is not None
    member = make_member(draft.party)
    assert not visible(Invoice.objects.all(), member).exists()
    assert not visible(InvoiceLine.objects.all(), member).exists()


def test_given_a_stranger_when_documents_are_listed_then_none_is_there(month: Month) -> None:
    month.close()
    stranger = make_member(month.contracts["idle"].party)
    assert not visible(Invoice.objects.all(), stranger).exists()
