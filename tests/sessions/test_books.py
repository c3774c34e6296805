"""The checks of the books find what corruption does to sessions, and nothing in a clean house."""

from decimal import Decimal

import pytest
from django.db import connection

from contracts.models import ContractVersion
from evbilling.kernel.books import check_books
from evbilling.kernel.clock import parse_month
from sessions import checks
from sessions.models import ChargingSession, Hold, SessionCharge, SessionPrice
from sessions.operations.charges import split_charges
from sessions.operations.holds import reject_hold
from sessions.operations.rating import rate_sessions
from sessions.queries import Tally, completeness
from tests.factories import make_contract_in_force, make_party, make_version
from tests.sessions.made import AT, HOUR, START, World, make_session, make_world, record, reported, session_of

MINE = frozenset({"I2", "I3", "I4", "I6"})


@pytest.fixture
def world(without_protections: None) -> World:
    return make_world()


def findings() -> list[tuple[str, str]]:
    return [
        (finding.invariant, finding.about)
        for result in check_books(MINE)
        if result.check.function.__module__ == "sessions.checks"
        for finding in result.findings
    ]


def test_a_clean_house_has_no_findings(world: World) -> None:
    record(
        reported(world),
        reported(world, "S2", started_at=START + HOUR / 2),
        reported(world, "S3", energy_wh=0, started_at=START + 9 * HOUR),
    )
    record(reported(world, energy_wh=11_000), at=AT + HOUR)
    split_charges(ChargingSession.objects.all(), at=AT)
    assert findings() == []


def test_i2_a_session_in_no_list_is_found(world: World) -> None:
    make_session(world, energy_wh=0)
    Hold.objects.all().delete()
    assert findings() == [("I2", "session S1")]


def test_i2_a_price_that_nobody_pays_is_found(world: World) -> None:
    make_session(world)
    ChargingSession.objects.update(contract=None)
    assert ("I2", "session S1") in findings()


def test_i3_two_current_copies_are_found(world: World) -> None:
    session = make_session(world)
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX session_current_once")
    session.pk, session.revision = None, 2
    session.save(force_insert=True)
    assert ("I3", "session S1") in findings()


def test_i3_two_billed_copies_are_found(world: World) -> None:
    split_charges([make_session(world).pk], at=AT)
    record(reported(world, energy_wh=12_000), at=AT + HOUR)
    Hold.objects.all().delete()
    assert findings() == [("I2", "session S1")]
    rate_sessions([session_of().pk], at=AT)
    split_charges([session_of().pk], at=AT)
    assert findings() == [("I3", "session S1")]


def test_i4_another_price_is_found(world: World) -> None:
    make_session(world)
    SessionPrice.objects.update(net_amount=Decimal("4.51"), parts=[{"vat_rate": "19", "net": "4.51"}])
    assert findings() == [("I4", "session S1")]


def test_i4_a_changed_line_is_found(world: World) -> None:
    make_session(world)
    SessionPrice.objects.update(lines=[])
    assert findings() == [("I4", "session S1")]


def test_i4_of_many_prices_one_in_so_many_is_rated_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    record(*(reported(world, f"S{n}", started_at=START + n * HOUR) for n in range(6)))
    assert SessionPrice.objects.count() == 6
    SessionPrice.objects.update(lines=[])
    monkeypatch.setattr(checks, "SAMPLE_ABOVE", 2)
    sampled = [pk for pk in SessionPrice.objects.values_list("pk", flat=True) if pk % 3 == 0]
    refs = SessionPrice.objects.filter(pk__in=sampled).order_by("pk").values_list("session__provider_ref", flat=True)
    assert findings() == [("I4", f"session {ref}") for ref in refs]
    assert len(sampled) == 2


def test_i4_parts_that_do_not_add_up_are_found(world: World) -> None:
    price = make_session(world).price
    SessionPrice.objects.update(net_amount=Decimal("4.51"))
    assert ("I4", f"price {price.pk}") in findings()


def test_i4_charges_above_the_price_are_found(world: World) -> None:
    session = make_session(world)
    split_charges([session.pk], at=AT)
    SessionCharge.objects.update(net_amount=Decimal("4.51"))
    assert findings() == [("I4", f"price {session.price.pk}")]


def test_i6_terms_of_another_day_are_found(world: World) -> None:
    make_session(world)
    make_version(world.contract, START.date())
    assert findings() == [("I6", "session S1")]


def test_i6_of_terms_that_change_within_the_month_only_sessions_under_the_others_are_found(world: World) -> None:
    record(*(reported(world, f"S{day}", started_at=START + day * 24 * HOUR) for day in (0, 1, 2, 5)))
    make_version(world.contract, (START + 2 * 24 * HOUR).date())
    assert findings() == [("I6", "session S2"), ("I6", "session S5")]


def test_i6_terms_approved_for_the_past_leave_what_is_billed_and_show_what_is_not(world: World) -> None:
    split_charges([make_session(world).pk], at=AT)
    record(reported(world, "S2", started_at=START + 9 * HOUR))
    later = make_version(world.contract, START.date())
    ContractVersion.objects.filter(pk=later.pk).update(approved_at=AT + 48 * HOUR)
    assert findings() == [("I6", "session S2")]


def test_completeness_puts_each_session_in_one_list_to_the_watt_hour(world: World) -> None:
    record(
        reported(world, "CHARGED", energy_wh=10_001),
        reported(world, "PRICED", started_at=START + 2 * HOUR, energy_wh=20_002),
        reported(world, "HELD", started_at=START + 4 * HOUR, token_ref="GONE", energy_wh=3_003),
        reported(world, "OUT", started_at=START + 6 * HOUR, ended_at=START + 31 * HOUR, energy_wh=4_004),
        reported(world, "FEBRUARY", started_at=START + 31 * 24 * HOUR),
    )
    reject_hold(hold_id=Hold.objects.get(session__provider_ref="OUT").pk, reason="Broken", by=None, at=AT)
    split_charges([session_of("CHARGED").pk], at=AT)
    january = completeness(world.operator, parse_month("2026-01"))
    assert january.sessions_in == Tally(4, 37_010)
    assert (january.charged, january.priced) == (Tally(1, 10_001), Tally(1, 20_002))
    assert (january.held, january.excluded, january.unrated) == (Tally(1, 3_003), Tally(1, 4_004), Tally())
    assert january.adds_up
    assert january.late == Tally()
    february = completeness(world.operator, parse_month("2026-02"))
    assert (february.sessions_in, february.late) == (Tally(1, 10_000), Tally(2, 23_005))


def test_a_boundary_instant_belongs_to_the_later_month(world: World) -> None:
    """Midnight in Berlin is 23:00 UTC of the last day."""
    midnight = parse_month("2026-02").instants("Europe/Berlin")[0]
    record(reported(world, started_at=midnight - HOUR, ended_at=midnight))
    assert completeness(world.operator, parse_month("2026-01")).sessions_in == Tally()
    assert completeness(world.operator, parse_month("2026-02")).sessions_in == Tally(1, 10_000)


@pytest.mark.parametrize(
    ("figures", "corruption"),
    [
        ({"kind": "budget", "budget_amount": Decimal(6), "budget_period": "month"}, {"net_amount": Decimal(4)}),
        ({"kind": "first_kwh", "kwh_per_month": Decimal(15)}, {"covered_wh": 6_000}),
    ],
)
def test_a_sponsor_beyond_its_limit_is_found(
    world: World, figures: dict[str, object], corruption: dict[str, object]
) -> None:
    make_contract_in_force(
        "sponsorship",
        operator=world.operator,
        party=make_party("ev_manufacturer"),
        vehicles=[world.vehicle],
        sponsorship={"percent": Decimal(100), **figures},
    )
    record(reported(world), reported(world, "S2", started_at=START + 24 * HOUR))
    split_charges(ChargingSession.objects.all(), at=AT)
    assert beyond() == []
    SessionCharge.objects.filter(session__provider_ref="S2", role="sponsor").update(**corruption)
    assert beyond() == [("I1", "session S2")]


def test_a_sponsor_who_covers_more_than_a_session_has_is_found(world: World) -> None:
    make_contract_in_force(
        "sponsorship",
        operator=world.operator,
        party=make_party("ev_manufacturer"),
        vehicles=[world.vehicle],
        sponsorship={"percent": Decimal(100), "kind": "first_kwh", "kwh_per_month": Decimal(15)},
    )
    split_charges([make_session(world).pk], at=AT)
    SessionCharge.objects.filter(role="sponsor").update(covered_wh=10_001)
    assert beyond() == [("I1", "session S1")]


def beyond() -> list[tuple[str, str]]:
    results = [each for each in check_books(frozenset({"I1"})) if each.check.title.startswith("Sponsors pay within")]
    return [(finding.invariant, finding.about) for result in results for finding in result.findings]
