"""Billing groups, split months and months that were carried over ask as often for few sessions as for many."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts.models import Contract
from evbilling.kernel import bulk
from evbilling.kernel.clock import Period
from invoicing.operations.drafting import discard_draft, draft_documents
from sessions.models import ChargingSession
from sessions.operations.rating import rate_sessions
from tests.factories import make_party
from tests.invoicing.month import AT, OCTOBER, Month, make_month, record
from tests.invoicing.shapes.test_parts_and_carrying import in_parts
from tests.invoicing.shapes.world import FEE, NOVEMBER, close, grouped, join

pytestmark = pytest.mark.django_db


@pytest.fixture
def month(monkeypatch: pytest.MonkeyPatch) -> Month:
    monkeypatch.setattr(bulk, "FEW", 0)  # few rows and many go in the same way
    return make_month(sessions=0, fleets=("alpha",))


def charge(month: Month, names: list[str], first: int, last: int) -> None:
    """More priced sessions of these tokens in October."""
    record([month.charge(name, number) for name in names for number in range(first, last)])
    rate_sessions(list(ChargingSession.objects.filter(price=None).values_list("pk", flat=True)), at=AT)


def queries(contract: Contract, period: Period, documents: int) -> int:
    """How many queries drafting takes; the drafts are discarded again."""
    with CaptureQueriesContext(connection) as asked:
        drafts = draft_documents(contract_id=contract.pk, period=period, at=AT)
    assert len(drafts) == documents
    for draft in drafts:
        discard_draft(invoice_id=draft.pk, by=None, at=AT)
    return len(asked)


def assert_constant(count: Callable[[], int], more: Callable[[], None]) -> None:
    count()  # what is asked once per process is asked now
    few = count()
    more()
    assert count() == few


def test_given_a_billing_group_when_it_has_more_sessions_then_drafting_asks_as_often(month: Month) -> None:
    _group, (first, _second) = grouped(month, 2, terms=[FEE])
    charge(month, ["g1", "g2"], 2, 6)
    assert_constant(lambda: queries(first, OCTOBER, 1), lambda: charge(month, ["g1", "g2"], 6, 40))


def test_given_a_split_month_when_it_has_more_sessions_then_drafting_asks_as_often(month: Month) -> None:
    contract = in_parts(month, terms=[FEE])
    parts = ["part A", "part B", "part "]
    charge(month, parts, 2, 6)
    assert_constant(lambda: queries(contract, OCTOBER, 3), lambda: charge(month, parts, 6, 40))


def test_given_a_month_that_was_carried_over_when_it_has_more_sessions_then_the_next_asks_as_often(
    month: Month,
) -> None:
    contract = join(month, "small", make_party(), terms=[FEE], minimum_invoice_amount=50)
    charge(month, ["small"], 2, 6)
    close(month, OCTOBER)
    assert month.item("small").carried_amount is not None
    assert_constant(lambda: queries(contract, NOVEMBER, 1), lambda: charge(month, ["small"], 6, 40))
