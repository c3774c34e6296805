"""A session whose source sends a changed copy: before its draft is issued, and after it was billed."""

from dataclasses import replace
from decimal import Decimal

import pytest

from evbilling.kernel.books import Finding, check_books
from evbilling.kernel.errors import BillingError, WrongState
from invoicing.models import Invoice, InvoiceKind, InvoiceState, ItemState, NumberSeries
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.drafting import discard_draft, draft_invoice
from invoicing.operations.issuing import issue_invoice
from sessions.models import ChargingSession, Hold, HoldState
from sessions.operations.holds import release_hold
from tests.invoicing.month import AT, ISSUED_ON, LATER, OCTOBER, Month, make_month, record

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def month() -> Month:
    """One session of a fleet that somebody sponsors (alpha), one of a fleet that nobody does (beta)."""
    return make_month(1)


def change(month: Month, name: str, kwh: int) -> Hold:
    """The source sends the first session again with another energy (10 kWh: only its connector is named now)."""
    row = replace(month.charge(name, 0, kwh), connector_ref="1")
    record([row], at=LATER)
    return Hold.objects.get(session__superseded_at__isnull=True, session__provider_ref=f"{name}-0")


def live(month: Month, name: str) -> Invoice:
    return Invoice.objects.get(
        contract=month.contracts[name], kind=InvoiceKind.INVOICE, state=InvoiceState.ISSUED, corrections__isnull=True
    )


def findings() -> list[Finding]:
    return [finding for result in check_books() for finding in result.findings]


@pytest.mark.parametrize("kwh", [12, 10])
def test_given_a_billed_session_that_changed_when_its_document_is_credited_then_the_copy_is_billed(
    month: Month, kwh: int
) -> None:
    month.close()
    hold = change(month, "beta", kwh)
    with pytest.raises(WrongState, match="credit that document first"):
        release_hold(hold_id=hold.pk, reason="Meter was wrong", by=None, at=LATER)
    credit_invoice(invoice_id=live(month, "beta").pk, reason="Meter was wrong", by=None, at=LATER)
    release_hold(hold_id=hold.pk, reason="Credited", by=None, at=LATER)
    month.close(at=LATER)
    draft = draft_invoice(contract_id=month.contracts["beta"].pk, period=OCTOBER, at=LATER)
    assert draft is not None
    assert draft.net_amount == D("0.45") * kwh
    assert findings() == []


def test_given_a_sponsored_session_when_one_of_two_documents_is_credited_then_the_copy_still_waits(
    month: Month,
) -> None:
    month.close()
    hold = change(month, "alpha", 12)
    credit_invoice(invoice_id=live(month, "alpha").pk, reason="Meter was wrong", by=None, at=LATER)
    with pytest.raises(WrongState, match="credit that document first"):
        release_hold(hold_id=hold.pk, reason="Credited", by=None, at=LATER)
    assert Hold.objects.get(pk=hold.pk).state == HoldState.OPEN
    credit_invoice(invoice_id=live(month, "sponsor").pk, reason="Meter was wrong", by=None, at=LATER)
    release_hold(hold_id=hold.pk, reason="Both credited", by=None, at=LATER)
    month.close(at=LATER)
    for name in ("alpha", "sponsor"):
        draft = draft_invoice(contract_id=month.contracts[name].pk, period=OCTOBER, at=LATER)
        assert draft is not None
        assert draft.net_amount == D("2.70")
    assert findings() == []


def test_given_a_draft_when_one_of_its_sessions_is_replaced_then_it_is_not_issued_but_drafted_again(
    month: Month,
) -> None:
    month.close(issue=False)
    draft = Invoice.objects.get(contract=month.contracts["beta"])
    hold = change(month, "beta", 12)
    with pytest.raises(BillingError, match="beta-0"):
        issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=LATER)
    assert not NumberSeries.objects.filter(last_number__gt=0).exists()
    month.close(at=LATER)
    assert month.item("beta").state == ItemState.FAILED
    assert "beta-0" in month.item("beta").reason
    discard_draft(invoice_id=draft.pk, by=None, at=LATER)
    release_hold(hold_id=hold.pk, reason="Nothing was sent", by=None, at=LATER)
    month.close(at=LATER)
    assert live(month, "beta").net_amount == D("5.40")
    assert findings() == []


def test_given_the_sponsor_s_draft_when_the_customer_has_his_document_then_the_rest_of_the_split_is_issued(
    month: Month,
) -> None:
    month.close(issue=False)
    for name in ("alpha", "beta"):
        draft = Invoice.objects.get(contract=month.contracts[name])
        issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=AT)
    change(month, "alpha", 12)
    month.close(at=LATER)
    assert live(month, "sponsor").net_amount == D("2.25")
    assert ChargingSession.objects.filter(superseded_at__isnull=False).count() == 1
    assert findings() == []
