"""Promises, stops, skips and escalations keep reminders back and leave their trail (I19)."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, BillingError, MoneyError, NotAllowed, WrongState
from invoicing.models import DunningStep, DunningStop, Invoice, PaymentPromise
from invoicing.operations.dunning_decisions import (
    handle_escalation,
    lift_stop,
    promise_to_pay,
    skip_step,
    stop_dunning,
    withdraw_promise,
)
from tests.factories import make_party, make_user
from tests.invoicing.dunning.world import day, dun, make_debtor, make_overdue, make_plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def overdue() -> Invoice:
    contract = make_debtor()
    make_plan(contract.operator)
    return make_overdue(contract)


@pytest.fixture
def clerk() -> User:
    return make_user(role=Role.BILLING_CLERK)


def at(overdue: int) -> dt.datetime:
    return dt.datetime.combine(day(overdue), dt.time(8), dt.UTC)


def promise(invoice: Invoice, by: User | None, **values: Any) -> PaymentPromise:
    given = {"invoice_id": invoice.pk, "amount": Decimal("119.00"), "promised_on": day(10), "by": by, "at": at(2)}
    return promise_to_pay(**given | values)


def test_dunning_waits_for_a_promise_until_the_day_after(overdue: Invoice, clerk: User) -> None:
    promise(overdue, clerk)
    assert [dun(overdue.contract, each).reminded for each in (3, 9, 10)] == [[], [], []]
    assert dun(overdue.contract, 11).reminded == [(overdue.number, 1)]


def test_a_later_promise_replaces_the_earlier_one(overdue: Invoice, clerk: User) -> None:
    first = promise(overdue, clerk)
    promise(overdue, clerk, promised_on=day(20))
    first.refresh_from_db()
    assert first.withdrawn_at == at(2)
    assert PaymentPromise.objects.filter(withdrawn_at=None).get().promised_on == day(20)


def test_a_promise_taken_back_lets_dunning_go_on(overdue: Invoice, clerk: User) -> None:
    made = promise(overdue, clerk)
    withdraw_promise(promise_id=made.pk, reason="He called again", by=clerk, at=at(3))
    assert dun(overdue.contract, 3).reminded == [(overdue.number, 1)]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"promised_on": day(1)}, BadInput),
        ({"promised_on": day(2 + 367)}, BadInput),
        ({"promised_on": dt.date.max}, BadInput),
        ({"amount": Decimal("119.01")}, BadInput),
        ({"amount": Decimal(0)}, BadInput),
        ({"amount": Decimal("1.001")}, MoneyError),
        ({"by": None}, NotAllowed),
    ],
)
def test_a_promise_that_cannot_be_meant_is_refused(
    overdue: Invoice, clerk: User, values: dict[str, Any], error: type[BillingError]
) -> None:
    with pytest.raises(error):
        promise(overdue, **{"by": clerk} | values)
    assert not PaymentPromise.objects.exists()


@pytest.mark.parametrize("scope", ["party", "contract", "document"])
def test_a_stop_keeps_reminders_back_until_it_is_lifted(overdue: Invoice, clerk: User, scope: str) -> None:
    stop = stop_dunning(
        party_id=overdue.party_id,
        contract_id=overdue.contract_id if scope == "contract" else None,
        invoice_id=overdue.pk if scope == "document" else None,
        reason="Under talks",
        by=clerk,
        at=at(2),
    )
    assert dun(overdue.contract, 5).waiting == [(overdue.number, "stopped: Under talks")]
    lift_stop(stop_id=stop.pk, reason="Talks failed", by=clerk, at=at(6))
    assert dun(overdue.contract, 6).reminded == [(overdue.number, 1)]
    assert list(
        AuditRecord.objects.filter(object_type="invoicing.DunningStop").order_by("pk").values_list("action", flat=True)
    ) == ["invoicing.dunning.stop", "invoicing.dunning.lift"]


def test_a_stop_of_another_document_holds_nothing_back(overdue: Invoice, clerk: User) -> None:
    other = make_overdue(overdue.contract, "10.00")
    stop_dunning(party_id=overdue.party_id, invoice_id=other.pk, reason="talks", by=clerk, at=at(2))
    assert dun(overdue.contract, 3).reminded == [(overdue.number, 1)]


def test_a_stop_with_an_end_holds_up_to_that_day(overdue: Invoice, clerk: User) -> None:
    stop_dunning(party_id=overdue.party_id, until=day(8), reason="Holidays", by=clerk, at=at(2))
    assert dun(overdue.contract, 7).reminded == []
    assert dun(overdue.contract, 8).reminded == [(overdue.number, 1)]


def test_a_stop_needs_a_reason_a_right_and_a_document_of_the_party(overdue: Invoice, clerk: User) -> None:
    foreign = make_party()
    for values in (
        {"reason": " "},
        {"by": make_user(role=Role.AUDITOR)},
        {"party_id": foreign.pk, "invoice_id": overdue.pk},
        {"party_id": foreign.pk, "contract_id": overdue.contract_id},
        {"until": day(1)},
        {"until": day(2 + 367)},
        {"until": dt.date.max},
    ):
        given = {"party_id": overdue.party_id, "reason": "talks", "by": clerk, "at": at(2)}
        with pytest.raises(BillingError):
            stop_dunning(**given | values)
    assert not DunningStop.objects.exists()


@pytest.mark.parametrize("scope", ["party", "contract", "document"])
def test_a_second_stop_beside_one_that_holds_is_refused_and_taken_once_that_is_over(
    overdue: Invoice, clerk: User, scope: str
) -> None:
    given: dict[str, Any] = {
        "party_id": overdue.party_id,
        "contract_id": overdue.contract_id if scope == "contract" else None,
        "invoice_id": overdue.pk if scope == "document" else None,
        "by": clerk,
    }
    stop_dunning(reason="Under talks", until=day(8), at=at(2), **given)
    trail = AuditRecord.objects.count()
    with pytest.raises(WrongState, match="stopped already .*Under talks.*lift that stop first"):
        stop_dunning(reason="Once more", at=at(7), **given)
    assert (DunningStop.objects.count(), AuditRecord.objects.count()) == (1, trail)
    stop_dunning(reason="Once more", at=at(8), **given)
    assert DunningStop.objects.count() == 2


def test_a_year_ahead_is_the_longest_that_is_waited(overdue: Invoice, clerk: User) -> None:
    assert promise(overdue, clerk, promised_on=day(2 + 366)).promised_on == day(2 + 366)
    stop_dunning(party_id=overdue.party_id, until=day(2 + 366), reason="talks", by=clerk, at=at(2))


def test_given_half_past_midnight_at_the_operator_when_stopped_until_that_day_then_refused_for_it_has_begun(
    overdue: Invoice, clerk: User
) -> None:
    after_midnight = dt.datetime.combine(day(2), dt.time(23, 30), dt.UTC)  # the third day in Berlin
    with pytest.raises(BadInput, match="later day"):
        stop_dunning(party_id=overdue.party_id, until=day(3), reason="talks", by=clerk, at=after_midnight)
    assert not DunningStop.objects.exists()
    stop_dunning(party_id=overdue.party_id, until=day(4), reason="talks", by=clerk, at=after_midnight)


def test_a_skipped_level_is_neither_sent_nor_charged_and_the_next_one_comes(overdue: Invoice, clerk: User) -> None:
    skip_step(invoice_id=overdue.pk, reason="A good customer", by=clerk, at=at(2))
    assert dun(overdue.contract, 3).reminded == []
    assert dun(overdue.contract, 14).reminded == [(overdue.number, 2)]
    assert DunningStep.objects.get(level=1).skipped == "A good customer"


def test_nothing_is_skipped_before_the_due_date_or_after_the_last_level(overdue: Invoice, clerk: User) -> None:
    with pytest.raises(WrongState):
        skip_step(invoice_id=overdue.pk, reason="early", by=clerk, at=at(-1))
    dun(overdue.contract, 30)
    with pytest.raises(WrongState):
        skip_step(invoice_id=overdue.pk, reason="late", by=clerk, at=at(31))
    assert DunningStep.objects.count() == 3


def test_an_escalation_is_taken_up_once(overdue: Invoice, clerk: User) -> None:
    dun(overdue.contract, 30)
    last = DunningStep.objects.get(level=3)
    handle_escalation(step_id=last.pk, note="Pays in rates", by=clerk, at=at(31))
    with pytest.raises(WrongState):
        handle_escalation(step_id=last.pk, note="again", by=clerk, at=at(32))
    last.refresh_from_db()
    assert (last.handled_by, last.handled_at) == (clerk, at(31))


def test_a_reminder_is_nothing_to_take_up(overdue: Invoice, clerk: User) -> None:
    dun(overdue.contract, 3)
    with pytest.raises(WrongState):
        handle_escalation(step_id=DunningStep.objects.get().pk, note="x", by=clerk, at=at(4))
