"""Stored sessions get their frozen price: the terms of the start, one cent-exact result, in bulk."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from contracts.models import TariffVersion
from evbilling.access.roles import Role
from evbilling.kernel import bulk
from evbilling.kernel.errors import BadInput, WrongState
from evbilling.kernel.strict_json import dumps
from sessions.models import ChargingSession, Hold, HoldKind, SessionPrice, SessionState
from sessions.operations.charges import split_charges
from sessions.operations.rating import rate_sessions, rerate_sessions
from sessions.queries import explain, price_now
from sessions.rules.intake import PeriodInput
from sessions.rules.pricing import compile_tariff, line_from_data, line_to_data, price, rating_input
from tests.factories import make_tariff_version, make_user, tariff_document
from tests.sessions.made import AT, HOUR, START, World, make_session, make_world, record, reported, session_of

TIERED = tariff_document(
    elements=[
        {
            "price_components": [
                {"type": "FLAT", "price": "1.00", "vat": "19", "step_size": 1},
                {"type": "ENERGY", "price": "0.50", "vat": "19", "step_size": 1},
            ],
            "restrictions": {"start_time": "08:00", "end_time": "10:30"},
        },
        {
            "price_components": [
                {"type": "ENERGY", "price": "0.30", "vat": "19", "step_size": 1},
                {"type": "PARKING_TIME", "price": "2.00", "vat": "7", "step_size": 1},
            ]
        },
    ]
)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def test_restrictions_are_local_to_the_site_and_parts_are_per_vat_rate(db: None) -> None:
    """10:00 to 11:00 in Berlin, the price falls at 10:30; half an hour of parking at another rate."""
    world = make_world(TIERED)
    periods = (PeriodInput(START, 10_000, 3600), PeriodInput(START + HOUR, 0, 0, 1800))
    session = make_session(world, ended_at=START + 1.5 * HOUR, periods=periods)
    assert session.price.net_amount == Decimal("6.00")  # 1 + 5 kWh x 0.50 + 5 kWh x 0.30 + 0.5 h x 2
    assert session.price.parts == [{"vat_rate": "7", "net": "1.00"}, {"vat_rate": "19", "net": "5.00"}]
    assert session.price.currency == "EUR"
    assert session.price.rounding_rule == "session-half-up-1"


def test_each_line_says_why_in_both_languages(db: None) -> None:
    session = make_session(make_world(TIERED))
    english = [line.because for line in explain(session.price, "en")]
    german = [line.because for line in explain(session.price, "de")]
    assert english[0].startswith("Fee 08:00–10:30: €1.00 once (tariff T, element 1")
    assert english[1].startswith("Energy 08:00–10:30: 5\xa0kWh at €0.50 per kWh")
    assert german[1].startswith("Energie 08:00–10:30: 5\xa0kWh zu 0,50\xa0€ je kWh")
    assert sum(line.amount for line in explain(session.price, "en") if line.amount is not None) == Decimal(5)


def test_the_tariff_version_of_the_start_prices_the_session(world: World) -> None:
    tariff = TariffVersion.objects.get().tariff
    newer = make_tariff_version(tariff, tariff_document("1.00"), START + HOUR / 2)
    assert make_session(world).price.net_amount == Decimal("4.50")
    later = make_session(world, "S2", started_at=START + 2 * HOUR)
    assert (later.price.tariff_version, later.price.net_amount) == (newer, Decimal("10.00"))


def test_a_tariff_without_vat_leaves_the_rate_to_the_tax_table(db: None) -> None:
    session = make_session(make_world(tariff_document(vat=None)))
    assert session.price.parts == [{"vat_rate": None, "net": "4.50"}]


def test_a_free_session_has_one_part_of_nothing(db: None) -> None:
    session = make_session(make_world(tariff_document("0", vat=None)))
    assert session.price.net_amount == 0
    assert session.price.parts == [{"vat_rate": None, "net": "0.00"}]


def test_a_session_that_no_tariff_fits_is_held(without_protections: None) -> None:
    world = make_world()
    world.contract.versions.get().tariff_assignments.all().delete()
    result = record(reported(world))
    assert (result.held, result.rated) == (1, 0)
    assert Hold.objects.get().kind == HoldKind.NO_TARIFF
    assert not SessionPrice.objects.exists()


def test_a_tariff_that_cannot_be_read_holds_the_session_and_says_where(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The linter refuses to release such prices; they stand here as if they came into the database around it.
    monkeypatch.setattr("contracts.operations.tariffs.findings_of", lambda version: ())
    document = tariff_document()
    document["elements"][0]["restrictions"] = {"start_time": "25:00"}
    record(reported(make_world(document)))
    hold = Hold.objects.get()
    assert hold.kind == HoldKind.NOT_RATEABLE
    assert "start_time" in hold.detail


def test_rating_again_changes_nothing(world: World) -> None:
    make_session(world)
    before = list(SessionPrice.objects.values())
    assert rate_sessions(ChargingSession.objects.values_list("pk", flat=True), at=AT + HOUR).rated == 0
    assert list(SessionPrice.objects.values()) == before


def test_many_sessions_need_no_more_queries_than_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "FEW", 0)  # few rows and many go in the same way
    record(*[reported(world, f"S{n}", started_at=START + n * 2 * HOUR) for n in range(30)])
    ids = list(ChargingSession.objects.values_list("pk", flat=True))
    SessionPrice.objects.all().delete()
    counts = []
    for some in (ids[:1], ids[1:]):
        with CaptureQueriesContext(connection) as queries:
            assert rate_sessions(some, at=AT).rated == len(some)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_price_is_never_edited(world: World) -> None:
    make_session(world)
    with pytest.raises(Exception, match="never edited"), transaction.atomic():
        SessionPrice.objects.update(net_amount=Decimal(1))
    assert SessionPrice.objects.get().net_amount == Decimal("4.50")


def test_a_person_rates_again_with_a_reason(world: World) -> None:
    session = make_session(world)
    old = session.price.pk
    clerk = make_user(Role.BILLING_CLERK)
    outcome = rerate_sessions(session_ids=[session.pk], reason="Tariff corrected", by=clerk, at=AT + HOUR)
    assert outcome.rated == 1
    assert SessionPrice.objects.get().pk != old
    with pytest.raises(BadInput):
        rerate_sessions(session_ids=[session.pk], reason=" ", by=clerk, at=AT)


def test_what_is_on_a_document_is_not_rated_again(world: World) -> None:
    session = make_session(world)
    split_charges([session.pk], at=AT)
    before = list(SessionPrice.objects.values())
    with pytest.raises(WrongState, match="S1 is on a document"):
        rerate_sessions(session_ids=[session.pk], reason="x", by=None, at=AT)
    assert list(SessionPrice.objects.values()) == before


def test_the_live_price_at_the_end_is_the_final_price(db: None) -> None:
    """I5: the session runs, then completes; the same engine prices both."""
    world = make_world(TIERED)
    running = make_session(world, state=SessionState.ACTIVE, ended_at=None, energy_wh=10_000, periods=())
    half = price_now(running, START + HOUR / 2)
    live = price_now(running, START + HOUR)
    assert half.provisional
    assert half.amount == Decimal("6.00")  # all of it before 10:30 so far
    record(reported(world), at=AT)
    final = price_now(session_of(), START + HOUR)
    assert (final.amount, final.provisional) == (live.amount, False)
    assert [line.because for line in final.lines] == [line.because for line in live.lines]


def test_a_running_session_that_nobody_pays_for_says_so(world: World) -> None:
    running = make_session(world, state=SessionState.ACTIVE, ended_at=None, energy_wh=1, token_ref="GONE")
    live = price_now(running, START + HOUR)
    assert (live.amount, live.problem) == (None, "No contract pays for it.")


def test_stored_lines_are_read_back_as_they_were() -> None:
    tariff, _findings = compile_tariff(TIERED | {"max_price": {"excl_vat": "2.00"}}, "2.2.1")
    assert tariff is not None
    session = rating_input([], started_at=START, ended_at=START + HOUR, energy_wh=10_000, time_zone="Europe/Berlin")
    lines = price(session, tariff).lines
    assert [line_to_data(line_from_data(line_to_data(line))) for line in lines] == [
        line_to_data(line) for line in lines
    ]
    assert dumps([line_to_data(line) for line in lines])
    assert price(session, tariff).net == Decimal("2.00")


@given(st.lists(st.integers(1, 3600), min_size=1, max_size=5), st.integers(0, 50_000))
def test_rating_in_parts_is_rating_once(lengths: list[int], watt_hours_per_hour: int) -> None:
    """I5: a session cut into periods costs what the whole costs, energy being drawn evenly."""
    tariff, _findings = compile_tariff(tariff_document("0.45"), "2.2.1")
    assert tariff is not None
    rows, start = [], START
    for seconds in lengths:
        rows.append({"start_at": start.isoformat(), "energy_wh": watt_hours_per_hour, "charging_s": seconds})
        start += dt.timedelta(seconds=seconds)
    whole = [
        {"start_at": START.isoformat(), "energy_wh": watt_hours_per_hour * len(lengths), "charging_s": sum(lengths)}
    ]
    terms = {"started_at": START, "ended_at": start, "energy_wh": 0, "time_zone": "Europe/Berlin"}
    assert price(rating_input(rows, **terms), tariff).net == price(rating_input(whole, **terms), tariff).net
