"""The days that people may book on: ten years back, never ahead; whatever else changes nothing."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from contracts.models import Operator
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput
from invoicing.models import AccountingPeriod, Invoice, JournalEntry, NumberSeries
from invoicing.operations.advances import issue_advance
from invoicing.operations.dating import first_bookable_day, require_bookable
from invoicing.operations.issuing import issue_invoice
from invoicing.operations.periods import close_period
from tests.factories import make_contract_in_force, make_operator, make_user
from tests.invoicing.factories import make_draft

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 3, 10, 8, tzinfo=dt.UTC)
FIRST = dt.date(2016, 1, 1)
DAY = dt.timedelta(days=1)


def kept() -> tuple[int, ...]:
    tables = (AccountingPeriod, Invoice, JournalEntry, NumberSeries, AuditRecord)
    return tuple(table.objects.count() for table in tables)


def checked(day: dt.date, operator: Operator | None = None) -> None:
    require_bookable(day, field="received on", ahead="It is ahead.", operator=operator or make_operator(), at=AT)


@pytest.mark.parametrize("day", [FIRST, dt.date(2026, 3, 10)])
def test_the_first_and_the_last_day_are_taken(day: dt.date) -> None:
    checked(day)


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (dt.date(1, 1, 1), "0001-01-01 cannot be used. The books take days from 1 Jan 2016 on"),
        (FIRST - DAY, "2015-12-31 cannot be used. The books take days from 1 Jan 2016 on"),
        (dt.date(2026, 3, 11), "It is ahead"),
        (dt.date(9999, 12, 31), "It is ahead"),
    ],
)
def test_a_day_outside_is_refused_with_its_field_and_what_is_taken(day: dt.date, why: str) -> None:
    with pytest.raises(BadInput, match=f"received on: .*{why}"):
        checked(day)


def test_the_first_day_follows_the_calendar_where_the_operator_is() -> None:
    turn = dt.datetime(2026, 12, 31, 23, 30, tzinfo=dt.UTC)  # half past midnight in Berlin
    assert first_bookable_day(operator=make_operator(), at=turn) == dt.date(2017, 1, 1)


def test_books_that_go_back_further_take_days_from_the_year_of_their_first_booking() -> None:
    # Given an operator whose first document was booked in November 2014
    then = dt.datetime(2014, 11, 10, 8, tzinfo=dt.UTC)
    draft = make_draft(make_contract_in_force())
    Invoice.objects.filter(pk=draft.pk).update(period_from=dt.date(2014, 10, 1))
    issue_invoice(invoice_id=draft.pk, issued_on=then.date(), by=None, at=then)
    # Then its months of that year can still be closed, and nothing before is taken
    assert first_bookable_day(operator=draft.operator, at=AT) == dt.date(2014, 1, 1)
    checked(dt.date(2014, 1, 1), draft.operator)
    close_period(operator_id=draft.operator_id, month=then.date(), by=None, at=AT)
    with pytest.raises(BadInput, match="from 1 Jan 2014 on"):
        checked(dt.date(2013, 12, 31), draft.operator)


def _document(day: dt.date) -> Callable[[], object]:
    draft = make_draft(make_contract_in_force())
    Invoice.objects.filter(pk=draft.pk).update(period_from=dt.date(1, 1, 1))
    return lambda: issue_invoice(invoice_id=draft.pk, issued_on=day, by=None, at=AT)


def _advance(day: dt.date) -> Callable[[], object]:
    contract, clerk = make_contract_in_force(), make_user(Role.BILLING_CLERK)
    about: dict[str, Any] = {"contract_id": contract.pk, "amount": Decimal(100), "reason": "Ahead of the season"}
    return lambda: issue_advance(**about, issued_on=day, by=clerk, at=AT)


def _month(day: dt.date) -> Callable[[], object]:
    operator = make_operator()
    return lambda: close_period(operator_id=operator.pk, month=day, by=None, at=AT)


@pytest.mark.parametrize("day", [dt.date(1, 1, 1), FIRST - DAY, dt.date(9999, 12, 31)])
@pytest.mark.parametrize("prepare", [_document, _advance, _month])
def test_given_a_day_outside_the_books_when_booked_then_refused_and_nothing_changed(
    prepare: Callable[[dt.date], Callable[[], object]], day: dt.date
) -> None:
    act = prepare(day)
    before = kept()
    with pytest.raises(BadInput):
        act()
    assert kept() == before
