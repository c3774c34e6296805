"""Late payment of what is contested: nothing while it is undecided, all of it once refused, never on what was right."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import Party
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.books import check_books
from evbilling.kernel.clock import Period
from invoicing.models import Dispute, Invoice, Penalty, PenaltyKind
from invoicing.operations.disputes import accept_dispute, raise_dispute, refuse_dispute, withdraw_dispute
from invoicing.operations.penalties import assess_penalties
from invoicing.queries.dunning import interest_to_date
from invoicing.queries.penalties import PenaltyStatus, with_status
from tests.factories import make_member, make_user
from tests.invoicing.penalties.world import NOVEMBER, OCTOBER, Fleet, late_invoice, make_fleet, pay

pytestmark = pytest.mark.django_db
D = Decimal
LATE = ("late_payment", {"yearly_percent": "7.3", "eu_default": False, "flat_amount": "5.00"})
BEFORE_DUE = dt.datetime(2026, 9, 20, 9, tzinfo=dt.UTC)
IN_NOVEMBER = dt.datetime(2026, 11, 10, 9, tzinfo=dt.UTC)
OCTOBER_END = dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC)
NOVEMBER_END = dt.datetime(2026, 12, 2, 8, tzinfo=dt.UTC)


@pytest.fixture
def fleet() -> Fleet:
    return make_fleet(LATE)


@pytest.fixture
def clerk() -> User:
    return make_user(Role.BILLING_CLERK)


def contest(invoice: Invoice, at: dt.datetime = BEFORE_DUE) -> Dispute:
    """The fleet's manager contests the one session of the invoice."""
    line = invoice.lines.get()
    session = line.billed_charges.get().charge.session_id
    manager = make_member(Party.objects.get(pk=invoice.party_id))
    return raise_dispute(invoice_id=invoice.pk, session_id=session, message="I was not there.", by=manager, at=at)


def assess(fleet: Fleet, period: Period, at: dt.datetime) -> None:
    assess_penalties(contract_id=fleet.contract.pk, period=period, by=None, at=at)


def booked() -> list[tuple[str, Decimal]]:
    return list(Penalty.objects.order_by("pk").values_list("kind", "amount"))


def findings() -> list[str]:
    """What the books say, but of money that `pay` takes from no payment."""
    found = [finding for result in check_books() for finding in result.findings]
    return [str(finding) for finding in found if not finding.about.startswith("payment:")]


def test_given_an_open_dispute_when_a_month_is_late_then_what_is_contested_bears_nothing(fleet: Fleet) -> None:
    invoice = late_invoice(fleet)
    contest(invoice)
    assess(fleet, OCTOBER, OCTOBER_END)
    assert booked() == []
    assert interest_to_date([invoice], on=OCTOBER.end) == 0


def test_given_a_refused_dispute_when_the_next_month_is_assessed_then_all_days_are_made_up(
    fleet: Fleet, clerk: User
) -> None:
    invoice = late_invoice(fleet)
    dispute = contest(invoice)
    assess(fleet, OCTOBER, OCTOBER_END)
    refuse_dispute(dispute_id=dispute.pk, answer="The card was used.", by=clerk, at=IN_NOVEMBER)
    assess(fleet, NOVEMBER, NOVEMBER_END)
    # 61 days on 119.00: 1.4518
    assert booked() == [(PenaltyKind.LATE_FEE, D("5.00")), (PenaltyKind.INTEREST, D("1.45"))]
    assert interest_to_date([invoice], on=NOVEMBER.end) == D("1.45")
    assert findings() == []


def test_given_a_withdrawn_dispute_then_it_was_late_all_the_time_too(fleet: Fleet) -> None:
    dispute = contest(late_invoice(fleet))
    withdraw_dispute(dispute_id=dispute.pk, by=dispute.raised_by, at=IN_NOVEMBER)
    assess(fleet, NOVEMBER, NOVEMBER_END)
    assert booked() == [(PenaltyKind.LATE_FEE, D("5.00")), (PenaltyKind.INTEREST, D("1.45"))]


def test_given_a_dispute_after_interest_was_booked_when_refused_then_no_day_counts_twice(
    fleet: Fleet, clerk: User
) -> None:
    invoice = late_invoice(fleet)
    assess(fleet, OCTOBER, OCTOBER_END)
    dispute = contest(invoice, IN_NOVEMBER)
    assess(fleet, NOVEMBER, NOVEMBER_END)
    october = [(PenaltyKind.LATE_FEE, D("5.00")), (PenaltyKind.INTEREST, D("0.74"))]
    assert booked() == october
    refuse_dispute(dispute_id=dispute.pk, answer="The card was used.", by=clerk, at=NOVEMBER_END)
    december = NOVEMBER.next_month()
    assess(fleet, december, NOVEMBER_END + dt.timedelta(days=31))
    # 92 days on 119.00 are 2.1896: 2.19 less 0.74
    assert booked() == [*october, (PenaltyKind.INTEREST, D("1.45"))]
    assert findings() == []


def test_given_an_accepted_dispute_when_the_rest_was_paid_in_time_then_nothing_was_late(
    fleet: Fleet, clerk: User
) -> None:
    invoice = late_invoice(fleet)
    dispute = contest(invoice)
    pay(invoice.pk, "59.50", dt.date(2026, 9, 30))
    accept_dispute(
        dispute_id=dispute.pk,
        answer="Half of it was our fault.",
        amount=D("50.00"),
        partly=True,
        by=clerk,
        at=dt.datetime(2026, 10, 21, 9, tzinfo=dt.UTC),
    )
    assess(fleet, OCTOBER, OCTOBER_END)
    assert booked() == []
    assert findings() == []


def test_given_half_accepted_and_nothing_paid_then_the_other_half_is_late_from_the_due_date(
    fleet: Fleet, clerk: User
) -> None:
    dispute = contest(late_invoice(fleet))
    accept_dispute(
        dispute_id=dispute.pk, answer="Half of it.", amount=D("50.00"), partly=True, by=clerk, at=IN_NOVEMBER
    )
    assess(fleet, NOVEMBER, NOVEMBER_END)
    # 61 days on 59.50: 0.7259
    assert booked() == [(PenaltyKind.LATE_FEE, D("5.00")), (PenaltyKind.INTEREST, D("0.73"))]
    assert findings() == []


def test_given_fees_assessed_before_when_all_that_was_late_is_accepted_then_their_reason_is_gone(
    fleet: Fleet, clerk: User
) -> None:
    invoice = late_invoice(fleet)
    pay(invoice.pk, "59.50", dt.date(2026, 9, 30))
    assess(fleet, OCTOBER, OCTOBER_END)
    dispute = contest(invoice, IN_NOVEMBER)
    accept_dispute(
        dispute_id=dispute.pk, answer="Half of it.", amount=D("50.00"), partly=True, by=clerk, at=IN_NOVEMBER
    )
    statuses = with_status(Penalty.objects.all()).values_list("status", flat=True)
    assert list(statuses) == [PenaltyStatus.VOID, PenaltyStatus.VOID]
    assert findings() == []
