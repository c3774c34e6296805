"""A person releases or rejects a held session, with a reason; nothing is dropped silently."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, BillingError, NotAllowed, WrongState
from sessions.models import ChargingSession, Hold, HoldKind, HoldState, SessionPrice
from sessions.operations import holds
from sessions.operations.charges import split_charges
from sessions.operations.holds import reject_hold, release_hold
from sessions.queries import SessionStatus, billable_sessions, of_status, status_of, with_status
from tests.factories import make_assignment, make_token, make_user
from tests.sessions.made import AT, HOUR, START, World, make_session, make_world, record, reported, session_of

UNTIL = START + 100 * HOUR


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def clerk(db: None) -> User:
    return make_user(Role.BILLING_CLERK)


def status(ref: str = "S1") -> str:
    """Three ways to ask, one answer."""
    current = ChargingSession.objects.filter(superseded_at=None, provider_ref=ref)
    found = with_status(current).get().status
    assert status_of(current.get()) == found
    assert [each for each in SessionStatus.values if of_status(current, each).exists()] == [found]
    return found


def test_released_it_is_priced_and_billable(world: World, clerk: User) -> None:
    make_session(world, energy_wh=0)
    assert status() == SessionStatus.HELD
    hold = release_hold(hold_id=Hold.objects.get().pk, reason="Driver only parked", by=clerk, at=AT)
    assert (hold.state, hold.resolved_by, hold.resolved_at) == (HoldState.RELEASED, clerk, AT)
    assert status() == SessionStatus.PRICED
    assert list(billable_sessions(world.contract, UNTIL)) == [session_of()]
    audit = AuditRecord.objects.get(action="charging.hold.release")
    assert (audit.by_id, audit.reason) == (clerk.pk, "Driver only parked")


def test_one_of_two_holds_released_leaves_it_held(world: World, clerk: User) -> None:
    record(reported(world, "A"), reported(world, "B", started_at=START + HOUR / 2))
    station, token = Hold.objects.order_by("kind")
    release_hold(hold_id=station.pk, reason="Clock of the station", by=clerk, at=AT)
    assert status("B") == SessionStatus.HELD
    assert not SessionPrice.objects.filter(session__provider_ref="B").exists()
    release_hold(hold_id=token.pk, reason="Clock of the station", by=clerk, at=AT)
    assert status("B") == SessionStatus.PRICED


def test_rejected_it_is_excluded_with_all_its_holds(world: World, clerk: User) -> None:
    record(reported(world, "A"), reported(world, "B", started_at=START + HOUR / 2))
    reject_hold(hold_id=Hold.objects.first().pk, reason="Reported twice", by=clerk, at=AT)
    assert set(Hold.objects.values_list("state", "resolution")) == {("rejected", "Reported twice")}
    assert status("B") == SessionStatus.EXCLUDED
    assert [each.provider_ref for each in billable_sessions(world.contract, UNTIL)] == ["A"]


@pytest.mark.parametrize("decide", [release_hold, reject_hold])
@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
def test_a_reason_is_needed(world: World, clerk: User, decide: object, reason: str) -> None:
    make_session(world, energy_wh=0)
    with pytest.raises(BadInput, match="Say why"):
        decide(hold_id=Hold.objects.get().pk, reason=reason, by=clerk, at=AT)
    assert Hold.objects.get().state == HoldState.OPEN


@pytest.mark.parametrize("decide", [release_hold, reject_hold])
@pytest.mark.parametrize("role", [Role.AUDITOR, Role.CONTRACT_MANAGER, Role.PAYMENTS_OFFICER])
def test_only_those_with_the_permission_decide(world: World, decide: object, role: Role) -> None:
    make_session(world, energy_wh=0)
    with pytest.raises(NotAllowed):
        decide(hold_id=Hold.objects.get().pk, reason="ok", by=make_user(role), at=AT)
    assert Hold.objects.get().state == HoldState.OPEN
    assert not AuditRecord.objects.filter(action__startswith="charging.hold").exists()


def test_what_is_decided_stays_decided(world: World, clerk: User) -> None:
    make_session(world, energy_wh=0)
    hold = reject_hold(hold_id=Hold.objects.get().pk, reason="Empty", by=clerk, at=AT)
    with pytest.raises(WrongState, match="already rejected"):
        release_hold(hold_id=hold.pk, reason="Changed my mind", by=clerk, at=AT)
    assert Hold.objects.get().state == HoldState.REJECTED


def test_an_unknown_token_is_released_only_when_it_is_known(world: World, clerk: User) -> None:
    make_session(world, token_ref="NEW-CARD")
    hold = Hold.objects.get()
    with pytest.raises(WrongState, match="'NEW-CARD' is not known"):
        release_hold(hold_id=hold.pk, reason="Please", by=clerk, at=AT)
    token = make_token(ref="NEW-CARD")
    with pytest.raises(WrongState, match="No contract pays"):
        release_hold(hold_id=hold.pk, reason="Please", by=clerk, at=AT)
    hold.refresh_from_db()
    assert (hold.state, SessionPrice.objects.count()) == (HoldState.OPEN, 0)
    make_assignment(token, world.contract)
    release_hold(hold_id=hold.pk, reason="Card added", by=clerk, at=AT)
    session = session_of()
    assert (session.token, session.contract) == (token, world.contract)
    assert session.price.net_amount == Decimal("4.50")


def test_a_session_without_tariff_is_released_only_with_one(
    without_protections: None, world: World, clerk: User
) -> None:
    version = world.contract.versions.get()
    assignment = version.tariff_assignments.get()
    assignment.delete()
    make_session(world)
    hold = Hold.objects.get(kind=HoldKind.NO_TARIFF)
    with pytest.raises(WrongState, match="stays held"):
        release_hold(hold_id=hold.pk, reason="Please", by=clerk, at=AT)
    assert Hold.objects.get().state == HoldState.OPEN
    assignment.save(force_insert=True)
    release_hold(hold_id=hold.pk, reason="Tariff assigned", by=clerk, at=AT)
    assert session_of().price.net_amount == Decimal("4.50")


def test_a_copy_changed_after_billing_waits_for_the_credit(
    world: World, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    credited = False
    monkeypatch.setattr(holds, "_documents", [lambda _charges: credited])
    split_charges([make_session(world).pk], at=AT)
    record(reported(world, energy_wh=12_000), at=AT + HOUR)
    hold = Hold.objects.get()
    with pytest.raises(WrongState, match="credit that document first"):
        release_hold(hold_id=hold.pk, reason="Meter was wrong", by=clerk, at=AT)
    assert Hold.objects.get().state == HoldState.OPEN
    credited = True
    release_hold(hold_id=hold.pk, reason="Credited", by=clerk, at=AT)
    assert session_of().price.net_amount == Decimal("5.40")


def test_a_replaced_session_is_not_decided(world: World, clerk: User, without_protections: None) -> None:
    make_session(world, energy_wh=0)
    hold = Hold.objects.get()
    ChargingSession.objects.update(superseded_at=AT)
    with pytest.raises(BillingError, match="replaced by a changed copy"):
        release_hold(hold_id=hold.pk, reason="ok", by=clerk, at=AT)
    assert Hold.objects.get().state == HoldState.OPEN


def test_the_database_wants_a_reason_too(world: World) -> None:
    make_session(world, energy_wh=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        Hold.objects.update(state=HoldState.RELEASED)
    with pytest.raises(IntegrityError), transaction.atomic():
        Hold.objects.create(session=session_of(), kind=HoldKind.ZERO_ENERGY, detail="again", opened_at=AT)
    assert Hold.objects.get().state == HoldState.OPEN
