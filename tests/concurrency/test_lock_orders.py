"""Locks that different parts take on the same rows never wait for each other in a circle (PostgreSQL)."""

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.db import OperationalError, connection, connections, transaction

from contracts.models import Contact, Contract, ContractKind, Party, SponsoredVehicle
from contracts.operations.assignments import end_sponsored_vehicle, sponsor_vehicle
from evbilling.kernel.errors import WrongState
from evbilling.kernel.locks import lock
from invoicing.models import Invoice, Penalty
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.penalties import assess_failed_payment
from sessions.models import Hold, SessionCharge
from sessions.operations.holds import release_hold
from tests.factories import make_contract_in_force, make_party, maker
from tests.invoicing.factories import make_issued
from tests.invoicing.month import AT, LATER, OCTOBER, Month, make_month, record

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@contextmanager
def elsewhere() -> Iterator[Callable[[Callable[[], object]], Future[object]]]:
    """A second connection; what waits for a lock there for more than three seconds fails."""

    def work(one: Callable[[], object]) -> object:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '3s'")
                return one()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        yield lambda one: threads.submit(work, one)


def test_given_a_locked_company_when_another_row_names_it_then_that_row_does_not_wait() -> None:
    party = make_party()
    with elsewhere() as other, transaction.atomic():
        lock(Party, party.pk)
        row = other(lambda: Contact.objects.create(party_id=party.pk, name="A", email="a@b.example", role="other"))
        assert row.result(timeout=20).party_id == party.pk


def test_given_a_locked_company_when_it_is_locked_elsewhere_then_that_waits() -> None:
    party = make_party()
    with elsewhere() as other, transaction.atomic():
        lock(Party, party.pk)
        with pytest.raises(OperationalError, match="lock timeout"):
            other(lambda: lock(Party, party.pk)).result(timeout=20)


def test_given_a_contract_being_drafted_when_a_changed_copy_comes_in_then_neither_stops_the_other() -> None:
    month = make_month(2)
    beta = month.contracts["beta"]
    copy = month.charge("beta", 0, 12)
    with elsewhere() as other, transaction.atomic():
        lock(Contract, beta.pk)  # as draft_invoice does first
        other(lambda: record([copy], at=LATER)).result(timeout=20)
    assert draft_invoice(contract_id=beta.pk, period=OCTOBER, at=LATER) is not None
    assert Invoice.objects.get(contract=beta).net_amount == Decimal("9.90")  # 22 kWh at 0.45


def test_given_a_contract_being_billed_when_its_payment_fails_then_the_fee_waits_for_it() -> None:
    contract = make_contract_in_force(terms=(("failed_payment", {"amount": "3.50"}),))
    invoice = make_issued(contract)
    about = {"invoice_id": invoice.pk, "payment_ref": "PAY-1", "failure": "declined", "by": None, "at": LATER}
    with elsewhere() as other, transaction.atomic():
        lock(Contract, contract.pk)  # as all that assesses, bills or waives penalties does first
        with pytest.raises(OperationalError, match="lock timeout"):
            other(lambda: assess_failed_payment(**about)).result(timeout=20)
    assert not Penalty.objects.exists()
    assert assess_failed_payment(**about) is not None


def test_given_a_held_session_when_it_is_released_while_its_copy_comes_in_then_one_of_them_is_told() -> None:
    month = make_month(1)
    empty = month.charge("beta", 3, 0)
    record([empty])
    hold = Hold.objects.get(session__provider_ref="beta-3")
    with elsewhere() as other:
        with transaction.atomic():
            record([month.charge("beta", 3, 9)], at=LATER)  # the copy holds the session's row, then its holds
            releasing = other(lambda: release_hold(hold_id=hold.pk, reason="ok", by=None, at=AT))
            assert not releasing.done()
        with pytest.raises(WrongState, match="already"):
            releasing.result(timeout=20)


def limited_month() -> Month:
    """Two fleets whose vehicles share a budget of 10.00; two sessions of 4.50 each, alpha's always the earlier."""
    month = make_month(2)
    sponsorship = {"percent": Decimal(100), "kind": "budget", "budget_amount": Decimal("10.00")}
    month.contracts["budget"] = make_contract_in_force(
        ContractKind.SPONSORSHIP,
        month.operator,
        make_party("ev_manufacturer"),
        starts_on=dt.date(2025, 12, 1),
        vehicles=[month.tokens["beta"].vehicle],
        sponsorship=sponsorship | {"budget_period": "month"},
    )
    alpha = month.tokens["alpha"].vehicle
    own = SponsoredVehicle.objects.get(vehicle=alpha)
    end_sponsored_vehicle(sponsored_id=own.pk, valid_to=dt.date(2026, 2, 1), by=maker(), at=AT)
    budget = month.contracts["budget"]
    sponsor_vehicle(contract_id=budget.pk, vehicle_id=alpha.pk, valid_from=dt.date(2026, 2, 1), by=maker(), at=AT)
    return month


def test_given_two_fleets_of_one_budget_when_drafted_at_once_then_one_waits_and_the_parts_are_as_in_order() -> None:
    month = limited_month()
    alpha, beta = month.contracts["alpha"], month.contracts["beta"]
    with elsewhere() as other:
        with transaction.atomic():
            draft_invoice(contract_id=beta.pk, period=OCTOBER, at=LATER)  # the later sessions first
            waiting = other(lambda: draft_invoice(contract_id=alpha.pk, period=OCTOBER, at=LATER))
            assert not waiting.done()
        assert waiting.result(timeout=20) is not None
    parts = SessionCharge.objects.filter(contract=month.contracts["budget"]).order_by("session__ended_at")
    assert list(parts.values_list("session__provider_ref", "net_amount")) == [
        ("alpha-0", Decimal("4.50")),
        ("beta-0", Decimal("4.50")),
        ("alpha-1", Decimal("1.00")),
    ]
