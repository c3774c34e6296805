"""Sessions of a suspended contract: owed as usual, or held for a person, as its terms say; to the instant."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from contracts.models import Contract
from contracts.operations.contracts import activate_contract, end_contract, resume_contract, suspend_contract
from contracts.operations.versions import change_version
from evbilling.kernel.errors import BadInput, WrongState
from sessions.models import Hold, HoldKind, HoldState
from sessions.operations.charges import split_charges
from sessions.operations.holds import reject_hold, release_hold
from sessions.queries.status import SessionStatus, status_of
from tests import factories as make
from tests.contracts.traces import refused
from tests.sessions.made import AT, START, World, make_session, make_world

pytestmark = pytest.mark.django_db
MOMENT = dt.timedelta(microseconds=1)
RESUMED = START + dt.timedelta(days=3)


def contract_with(rule: str, world: World) -> Contract:
    """A contract for the world's site whose terms say what a suspension does."""
    contract = make.make_contract(operator=world.operator, party=world.fleet, sites=[world.site])
    version = make.make_version(contract, approved=False)
    change_version(version_id=version.pk, suspension_rule=rule, by=make.maker(), at=make.AT)
    make.approve_undrawn(version)
    make.offer_undrawn(contract)
    return activate_contract(contract_id=contract.pk, by=make.checker(), at=make.AT)


def suspended(rule: str) -> World:
    """A world whose contract was suspended from START until RESUMED."""
    world = make_world()
    contract = contract_with(rule, world)
    token = make.make_token(world.vehicle)
    make.make_assignment(token, contract)
    suspend_contract(contract_id=contract.pk, reason="unpaid", by=make.maker(), at=START)
    resume_contract(contract_id=contract.pk, reason="paid", by=make.maker(), at=RESUMED)
    return replace(world, contract=contract, token=token)


@pytest.mark.parametrize(
    ("started_at", "held"),
    [(START - MOMENT, False), (START, True), (RESUMED - MOMENT, True), (RESUMED, False)],
)
def test_under_the_rule_hold_a_session_that_starts_meanwhile_waits(started_at: dt.datetime, held: bool) -> None:
    session = make_session(suspended("hold"), started_at=started_at)
    assert [each.kind for each in session.holds.all()] == ([HoldKind.SUSPENDED] if held else [])
    assert hasattr(session, "price") is not held


@pytest.mark.parametrize("started_at", [START - MOMENT, START, RESUMED - MOMENT, RESUMED])
def test_under_the_rule_bill_every_session_is_owed(started_at: dt.datetime) -> None:
    session = make_session(suspended("bill"), started_at=started_at)
    assert (session.holds.count(), session.price.net_amount) == (0, Decimal("4.50"))


def test_a_suspension_that_lasts_holds_too() -> None:
    world = suspended("hold")
    suspend_contract(contract_id=world.contract.pk, reason="again", by=make.maker(), at=AT)
    assert status_of(make_session(world, started_at=AT)) == SessionStatus.HELD


def test_released_it_is_priced_and_stays_so() -> None:
    session = make_session(suspended("hold"))
    hold = Hold.objects.get(session=session)
    assert "was suspended when it started" in hold.detail
    release_hold(hold_id=hold.pk, reason="paid since", by=make.make_user(), at=AT)
    session.refresh_from_db()
    assert session.price.net_amount == Decimal("4.50")
    assert Hold.objects.get(session=session).state == HoldState.RELEASED


def test_rejected_it_is_excluded() -> None:
    session = make_session(suspended("hold"))
    reject_hold(hold_id=session.holds.get().pk, reason="card was stolen", by=make.make_user(), at=AT)
    session.refresh_from_db()
    assert status_of(session) == SessionStatus.EXCLUDED


class TestEnd:
    def end(self, contract: Contract, ends_on: dt.date, **more: object) -> Contract:
        values = {"reason": "moved", "early": True, "by": make.maker(), "at": AT}
        return end_contract(contract_id=contract.pk, ends_on=ends_on, **values | more)  # type: ignore[arg-type]

    def test_a_contract_does_not_end_before_a_session_that_it_owes(self) -> None:
        world = make_world()
        make_session(world)
        with refused(WrongState, "Choose 15 Jan 2026 or later"):
            self.end(world.contract, dt.date(2026, 1, 14))
        assert self.end(world.contract, dt.date(2026, 1, 15)).ends_on == dt.date(2026, 1, 15)

    def test_the_boundary_is_midnight_in_the_contracts_zone(self) -> None:
        world = make_world()
        midnight = dt.datetime(2026, 1, 14, 23, tzinfo=dt.UTC)
        make_session(world, started_at=midnight - MOMENT)
        self.end(world.contract, dt.date(2026, 1, 15))
        other = make_world()
        make_session(other, "S2", started_at=midnight)
        with refused(WrongState, "1 session started on or after 15 Jan 2026"):
            self.end(other.contract, dt.date(2026, 1, 15))

    def test_what_is_excluded_does_not_count(self) -> None:
        world = suspended("hold")
        session = make_session(world)
        reject_hold(hold_id=session.holds.get().pk, reason="card was stolen", by=make.make_user(), at=AT)
        assert self.end(world.contract, dt.date(2026, 1, 10)).state == "ended"

    def test_what_is_billed_is_said_and_what_is_credited_does_not_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = make_world()
        session = make_session(world)
        split_charges([session.pk], at=AT)
        monkeypatch.setattr("sessions.operations.holds._documents", [lambda charge_ids: False])
        with refused(WrongState, "(1 on documents)"):
            self.end(world.contract, dt.date(2026, 1, 14))
        monkeypatch.setattr("sessions.operations.holds._documents", [lambda charge_ids: True])
        assert self.end(world.contract, dt.date(2026, 1, 14)).state == "ended"

    def test_notice_and_minimum_term_hold_unless_both_sides_consent(self) -> None:
        contract = make.make_contract_in_force()
        day = dt.date(2026, 3, 4)  # notice on 2 February, 30 days
        with refused(BadInput, "4 Mar 2026"):
            self.end(contract, day - dt.timedelta(days=1), early=False)
        ended = self.end(contract, day - dt.timedelta(days=1))
        assert (ended.ended_early, ended.regular_end_on, ended.notice_given_on) == (True, day, dt.date(2026, 2, 2))
        regular = self.end(make.make_contract_in_force(), day, early=False)
        assert (regular.ended_early, regular.regular_end_on) == (False, day)

    def test_notice_counts_from_the_day_on_which_it_was_given(self) -> None:
        contract = make.make_contract_in_force()
        with refused(BadInput, "today at the latest"):
            self.end(contract, dt.date(2026, 6, 1), notice_given_on=dt.date(2026, 2, 3))
        ended = self.end(contract, dt.date(2026, 2, 9), notice_given_on=dt.date(2026, 1, 10), early=False)
        assert ended.regular_end_on == dt.date(2026, 2, 9)
