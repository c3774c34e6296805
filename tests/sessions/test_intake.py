"""Sessions come in once, are matched, held or priced; a changed copy is a new revision."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from evbilling.kernel import bulk
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput
from sessions.models import (
    ChargingSession,
    Hold,
    HoldKind,
    HoldState,
    SessionCharge,
    SessionPrice,
    SessionSource,
    SessionState,
)
from sessions.operations.charges import split_charges
from sessions.operations.intake import record_sessions
from sessions.rules.intake import PeriodInput
from tests.factories import make_cost_centre, make_site, make_station, make_token, make_vehicle
from tests.sessions.made import AT, HOUR, START, World, make_session, make_world, record, reported, session_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def held_kinds(ref: str = "S1") -> list[str]:
    return sorted(Hold.objects.filter(session__provider_ref=ref, state="open").values_list("kind", flat=True))


def test_a_session_is_matched_and_priced_in_one_go(world: World) -> None:
    result = record(reported(world))
    assert (result.added, result.revised, result.unchanged, result.held, result.rated) == (1, 0, 0, 0, 1)
    session = session_of()
    assert (session.token, session.vehicle, session.contract) == (world.token, world.vehicle, world.contract)
    assert (session.site, session.station, session.cost_centre) == (world.site, world.station, world.cost_centre)
    assert session.connector is not None
    assert session.price.net_amount == Decimal("4.50")
    assert session.price.parts == [{"vat_rate": "19", "net": "4.50"}]


def test_the_same_rows_again_change_nothing(world: World) -> None:
    record(reported(world))
    before = list(ChargingSession.objects.values()), list(SessionPrice.objects.values()), list(Hold.objects.values())
    result = record(reported(world), reported(world), at=AT + HOUR)
    assert (result.added, result.revised, result.unchanged) == (0, 0, 2)
    after = list(ChargingSession.objects.values()), list(SessionPrice.objects.values()), list(Hold.objects.values())
    assert after == before


def test_a_changed_copy_is_a_new_revision_and_the_old_one_stays(world: World) -> None:
    record(reported(world))
    result = record(reported(world, energy_wh=12_000), at=AT + HOUR)
    assert (result.added, result.revised, result.rated) == (0, 1, 1)
    old, new = ChargingSession.objects.order_by("revision")
    assert (old.revision, old.energy_wh, old.superseded_at) == (1, 10_000, AT + HOUR)
    assert (new.revision, new.energy_wh, new.superseded_at) == (2, 12_000, None)
    assert new.price.net_amount == Decimal("5.40")


def test_open_holds_of_a_replaced_copy_are_closed(world: World) -> None:
    record(reported(world, energy_wh=0))
    record(reported(world), at=AT + HOUR)
    assert held_kinds() == []
    hold = Hold.objects.get()
    assert (hold.state, hold.resolution) == (HoldState.REJECTED, "A changed copy replaced this one.")


def test_a_copy_that_changed_after_billing_is_held(world: World) -> None:
    split_charges([make_session(world).pk], at=AT)
    result = record(reported(world, energy_wh=12_000), at=AT + HOUR)
    assert (result.revised, result.held, result.rated) == (1, 1, 0)
    assert held_kinds() == [HoldKind.CHANGED_AFTER_BILLING]
    assert SessionCharge.objects.get().net_amount == Decimal("4.50")


def test_a_third_copy_is_held_too(world: World) -> None:
    split_charges([make_session(world).pk], at=AT)
    record(reported(world, energy_wh=12_000), at=AT + HOUR)
    record(reported(world, energy_wh=13_000), at=AT + 2 * HOUR)
    assert held_kinds() == [HoldKind.CHANGED_AFTER_BILLING]
    assert session_of().revision == 3


def test_one_reference_with_two_contents_is_refused_whole(world: World) -> None:
    with pytest.raises(BadInput, match="twice with different content"):
        record(reported(world, "S0"), reported(world), reported(world, energy_wh=1))
    assert not ChargingSession.objects.exists()
    assert not AuditRecord.objects.filter(action="charging.session.record").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"ended_at": None, "energy_wh": 1},
        {"ended_at": START - HOUR, "periods": ()},
        {"energy_wh": -1},
        {"started_at": START.replace(tzinfo=None), "periods": ()},
    ],
)
def test_rows_that_cannot_be_are_refused(world: World, changes: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        record(reported(world, **changes))
    assert not ChargingSession.objects.exists()


def test_the_same_reference_of_another_source_is_another_session(world: World) -> None:
    record(reported(world))
    later = reported(world, started_at=START + 2 * HOUR)
    record_sessions(rows=[later], source=SessionSource.API, source_label="", by=None, at=AT)
    assert ChargingSession.objects.filter(provider_ref="S1", superseded_at=None).count() == 2


def test_unknown_token_and_station_are_held_and_kept_as_reported(world: World) -> None:
    result = record(reported(world, token_ref="GONE", station_ref="NOWHERE"))
    assert (result.added, result.held, result.rated) == (1, 1, 0)
    assert held_kinds() == [HoldKind.UNKNOWN_STATION, HoldKind.UNKNOWN_TOKEN]
    session = session_of()
    assert (session.token_ref, session.station_ref, session.contract) == ("GONE", "NOWHERE", None)


def test_a_token_that_nobody_pays_for_is_held(world: World) -> None:
    record(reported(world, token_ref=make_token().ref))
    assert held_kinds() == [HoldKind.NO_CONTRACT]


def test_a_place_outside_the_contract_is_held(world: World) -> None:
    record(reported(world, station_ref=make_station(make_site()).ref))
    assert held_kinds() == [HoldKind.NO_CONTRACT]


def test_a_session_before_the_contract_is_held(world: World) -> None:
    record(reported(world, started_at=dt.datetime(2025, 12, 31, 22, 0, tzinfo=dt.UTC)))
    assert held_kinds() == [HoldKind.NO_CONTRACT]


def test_odd_sessions_are_held_and_the_others_priced(world: World) -> None:
    result = record(
        reported(world, "A"),
        reported(world, "B", started_at=START + HOUR / 120, ended_at=START + HOUR),
        reported(world, "C", started_at=START + 2 * HOUR, energy_wh=0),
        reported(world, "D", started_at=START + 5 * HOUR, ended_at=START + 30 * HOUR),
        reported(world, "E", started_at=START + 40 * HOUR),
    )
    assert (result.added, result.held, result.rated) == (5, 3, 2)
    assert {ref: held_kinds(ref) for ref in "ABCDE"} == {
        "A": [],
        "B": ["duplicate"],
        "C": ["zero_energy"],
        "D": ["over_long"],
        "E": [],
    }


def test_a_newcomer_beside_a_stored_session_is_held(world: World) -> None:
    record(reported(world, "A"))
    record(reported(world, "B", started_at=START + HOUR / 2), at=AT + HOUR)
    assert held_kinds("A") == []
    assert held_kinds("B") == ["overlap_station", "overlap_token"]
    assert SessionPrice.objects.get().session.provider_ref == "A"


def test_the_same_card_at_two_stations_at_once_is_held(world: World) -> None:
    record(reported(world, "A"), reported(world, "B", station_ref=world.other_station.ref))
    assert held_kinds("B") == ["overlap_token"]


def test_the_vehicles_cost_centre_stands_in_for_the_tokens(world: World) -> None:
    centre = make_cost_centre(world.fleet)
    vehicle = make_vehicle(world.fleet, cost_centre=centre)
    token = make_token(vehicle)
    world.contract.token_assignments.create(token=token, valid_from=dt.date(2026, 1, 1))
    assert make_session(world, token_ref=token.ref).cost_centre == centre


def test_running_sessions_are_neither_held_nor_priced(world: World) -> None:
    result = record(reported(world, state=SessionState.ACTIVE, ended_at=None, energy_wh=0))
    assert (result.added, result.held, result.rated) == (1, 0, 0)


def test_charging_periods_are_kept_on_the_row(world: World) -> None:
    periods = (PeriodInput(START, 6_000, 1800), PeriodInput(START + HOUR / 2, 4_000, 600, 1200))
    assert make_session(world, periods=periods).periods == [
        {"start_at": "2026-01-14T09:00:00+00:00", "energy_wh": 6000, "charging_s": 1800, "parking_s": 0},
        {"start_at": "2026-01-14T09:30:00+00:00", "energy_wh": 4000, "charging_s": 600, "parking_s": 1200},
    ]


def test_one_audit_row_lists_the_members_of_a_batch(world: World) -> None:
    record(reported(world, "B"), reported(world, "A", started_at=START + 2 * HOUR))
    row = AuditRecord.objects.get(action="charging.session.record")
    assert row.members == ["A", "B"]
    assert row.changes["added"] == 2


def test_more_rows_need_no_more_queries(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "FEW", 0)  # few rows and many go in the same way
    counts = []
    for size in (1, 40):
        rows = [reported(world, f"{size}-{n}", started_at=START + (size * 24 + n * 2) * HOUR) for n in range(size)]
        with CaptureQueriesContext(connection) as queries:
            record(*rows)
        counts.append(len(queries))
    assert counts[1] <= counts[0]


def test_the_database_refuses_a_second_current_copy(world: World) -> None:
    session = make_session(world)
    session.pk, session.revision = None, 2
    with pytest.raises(IntegrityError), transaction.atomic():
        session.save(force_insert=True)
    assert ChargingSession.objects.count() == 1


def test_the_database_refuses_to_change_a_replaced_copy(world: World) -> None:
    make_session(world)
    record(reported(world, energy_wh=12_000), at=AT + HOUR)
    old = ChargingSession.objects.filter(revision=1)
    with pytest.raises(Exception, match="superseded revision is kept"), transaction.atomic():
        old.update(energy_wh=1)
    assert old.get().energy_wh == 10_000


@pytest.mark.parametrize(
    "changes", [{"energy_wh": -1}, {"ended_at": None}, {"ended_at": START - HOUR}], ids=["negative", "no end", "back"]
)
def test_the_database_refuses_sessions_that_cannot_be(world: World, changes: dict[str, object]) -> None:
    session = make_session(world)
    with pytest.raises(IntegrityError), transaction.atomic():
        ChargingSession.objects.filter(pk=session.pk).update(**changes)
    assert session_of().energy_wh == 10_000


def test_a_session_whose_periods_are_not_its_energy_is_refused(world: World) -> None:
    """Its price would follow from the periods, its line on the document from the whole."""
    row = reported(world, periods=(PeriodInput(START, 4_000, 3600),), energy_wh=10_000)
    with pytest.raises(BadInput, match="add up to 4000 Wh"):
        record(row)
    assert not ChargingSession.objects.exists()
