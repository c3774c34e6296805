"""Sponsors with a limit: the first kWh of a vehicle's month, a budget; the same parts whoever is drafted first."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts.models import Contract, ContractKind
from evbilling.kernel.audit import AuditRecord
from sessions.models import ChargingSession, SessionCharge
from sessions.operations.charges import delete_charges, split_charges
from sessions.queries.own_part import OwnPart
from sessions.queries.sponsored_parts import budget_use
from tests.factories import (
    make_assignment,
    make_contract_in_force,
    make_party,
    make_token,
    make_vehicle,
    make_version,
    tariff_document,
)
from tests.sessions.made import AT, HOUR, START, World, make_session, make_world, record, reported
from tests.sessions.test_rating_sessions import TIERED

D = Decimal
DAY = dt.timedelta(days=1)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def sponsor(world: World, vehicles: Iterable[Any] = (), **figures: object) -> Contract:
    return make_contract_in_force(
        ContractKind.SPONSORSHIP,
        operator=world.operator,
        party=make_party("ev_manufacturer"),
        vehicles=[world.vehicle, *vehicles],
        sponsorship={"percent": D(100), **figures},
    )


def sponsored(contract: Contract) -> dict[str, Decimal]:
    rows = SessionCharge.objects.filter(contract=contract).values_list("session__provider_ref", "net_amount")
    return dict(rows.order_by("session__ended_at"))


def ids(*refs: str) -> list[int]:
    return list(ChargingSession.objects.filter(provider_ref__in=refs).values_list("pk", flat=True))


def three(world: World) -> None:
    """Three sessions of 10 kWh at 0.45: 4.50 each."""
    record(*[reported(world, ref, started_at=START + n * DAY) for n, ref in enumerate("ABC")])


def test_the_first_kwh_of_the_month_are_the_sponsors_by_the_kwh(world: World) -> None:
    contract = sponsor(world, kind="first_kwh", kwh_per_month=D(15))
    three(world)
    split_charges(ChargingSession.objects.all(), at=AT)
    assert sponsored(contract) == {"A": D("4.50"), "B": D("2.25")}
    charges = SessionCharge.objects.filter(role="sponsor").order_by("session__ended_at")
    assert [(each.covered_wh, each.sponsor_version) for each in charges] == [
        (10_000, contract.versions.get()),
        (5_000, contract.versions.get()),
    ]
    customer = SessionCharge.objects.filter(role="customer").order_by("session__ended_at")
    assert list(customer.values_list("net_amount", flat=True)) == [D(0), D("2.25"), D("4.50")]


def test_each_vehicle_and_each_month_has_its_own_kwh(world: World) -> None:
    vehicle = make_vehicle(world.fleet)
    token = make_token(vehicle)
    make_assignment(token, world.contract)
    contract = sponsor(world, [vehicle], kind="first_kwh", kwh_per_month=D(10))
    other = {"token_ref": token.ref, "station_ref": world.other_station.ref}
    record(
        reported(world, "A"),
        reported(world, "B", **other),
        reported(world, "C", started_at=dt.datetime(2026, 1, 31, 22, tzinfo=dt.UTC)),  # ends on 1 February in Berlin
        reported(world, "D", started_at=dt.datetime(2026, 1, 31, 21, 59, tzinfo=dt.UTC), **other),  # in January
    )
    split_charges(ChargingSession.objects.all(), at=AT)
    assert sponsored(contract) == {"A": D("4.50"), "B": D("4.50"), "C": D("4.50")}


def test_a_budget_pays_until_it_is_used_up_then_stops(world: World) -> None:
    contract = sponsor(world, kind="budget", budget_amount=D("6.00"), budget_period="month")
    three(world)
    split_charges(ChargingSession.objects.all(), at=AT)
    assert sponsored(contract) == {"A": D("4.50"), "B": D("1.50")}
    assert SessionCharge.objects.filter(session__provider_ref="C").get().role == "customer"


def test_a_budget_for_the_contract_is_not_filled_again_by_a_new_month(world: World) -> None:
    contract = sponsor(world, kind="budget", budget_amount=D("6.00"), budget_period="contract")
    record(reported(world, "A"), reported(world, "B", started_at=START + 31 * DAY))
    for ref in "AB":
        split_charges(ids(ref), at=AT)
    assert sponsored(contract) == {"A": D("4.50"), "B": D("1.50")}


def test_a_monthly_budget_is_filled_again_by_a_new_month(world: World) -> None:
    contract = sponsor(world, kind="budget", budget_amount=D("6.00"), budget_period="month")
    record(reported(world, "A"), reported(world, "B", started_at=START + 31 * DAY))
    split_charges(ChargingSession.objects.all(), at=AT)
    assert sponsored(contract) == {"A": D("4.50"), "B": D("4.50")}


def test_a_rest_of_the_budget_is_spread_over_two_rates(db: None) -> None:
    world = make_world(
        tariff_document(
            elements=[
                {
                    "price_components": [
                        {"type": "ENERGY", "price": "0.40", "step_size": 1, "vat": "19"},
                        {"type": "FLAT", "price": "2.00", "step_size": 1, "vat": "7"},
                    ]
                }
            ]
        )
    )
    contract = sponsor(world, kind="budget", budget_amount=D("2.99"), budget_period="month")
    split_charges([make_session(world).pk], at=AT)  # 4.00 at 19 % and 2.00 at 7 %
    rows = SessionCharge.objects.filter(contract=contract).order_by("-vat_rate").values_list("vat_rate", "net_amount")
    assert list(rows) == [(D(19), D("1.99")), (D(7), D("1.00"))]


@pytest.mark.parametrize("order", list(permutations("ABC")))
@pytest.mark.parametrize(
    "figures",
    [
        {"kind": "first_kwh", "kwh_per_month": D(15)},
        {"kind": "budget", "budget_amount": D("6.00"), "budget_period": "month"},
        {"kind": "budget", "budget_amount": D("6.00"), "budget_period": "contract"},
    ],
)
def test_whoever_is_split_first_the_parts_are_the_same(world: World, order: str, figures: dict[str, object]) -> None:
    contract = sponsor(world, **figures)
    three(world)
    for ref in order:
        split_charges(ids(ref), at=AT)
    expected = {"A": D("4.50"), "B": D("2.25") if figures["kind"] == "first_kwh" else D("1.50")}
    assert sponsored(contract) == expected


def test_customers_of_different_contracts_share_a_budget_in_the_order_of_session_end(world: World) -> None:
    fleet = make_party()
    vehicle = make_vehicle(fleet)
    token = make_token(vehicle)
    tariff = world.contract.versions.get().tariff_assignments.get().tariff
    make_contract_in_force(operator=world.operator, party=fleet, sites=[world.site], tariff=tariff, tokens=[token])
    contract = sponsor(world, [vehicle], kind="budget", budget_amount=D("6.00"), budget_period="month")
    record(
        reported(world, "A", started_at=START + DAY),
        reported(world, "B", token_ref=token.ref, station_ref=world.other_station.ref),
    )
    split_charges(ids("A"), at=AT)
    split_charges(ids("B"), at=AT)
    assert sponsored(contract) == {"B": D("4.50"), "A": D("1.50")}


def test_a_late_session_takes_what_is_left_of_its_month(world: World) -> None:
    contract = sponsor(world, kind="budget", budget_amount=D("6.00"), budget_period="month")
    record(reported(world, "B", started_at=START + DAY))
    split_charges(ids("B"), at=AT)
    record(reported(world, "A"))
    split_charges(ids("A"), at=AT)
    assert sponsored(contract) == {"A": D("1.50"), "B": D("4.50")}


def test_a_discarded_split_is_made_again_as_it_was(world: World) -> None:
    contract = sponsor(world, kind="first_kwh", kwh_per_month=D(15))
    three(world)
    split_charges(ChargingSession.objects.all(), at=AT)
    before = sponsored(contract)
    for each in (world.contract, contract):
        charges = SessionCharge.objects.filter(contract=each, session__provider_ref="A")
        delete_charges(contract_id=each.pk, charge_ids=charges.values_list("pk", flat=True))
    split_charges(ids("A"), at=AT)
    assert sponsored(contract) == before


def test_a_held_session_is_not_in_the_queue(world: World) -> None:
    contract = sponsor(world, kind="budget", budget_amount=D("6.00"), budget_period="month")
    record(reported(world, "A", energy_wh=0), reported(world, "B", started_at=START + DAY))
    split_charges(ids("B"), at=AT)
    assert sponsored(contract) == {"B": D("4.50")}


def test_new_terms_within_the_month_hold_for_the_sessions_that_start_under_them(world: World) -> None:
    contract = sponsor(world, kind="budget", budget_amount=D("3.00"), budget_period="month")
    raised = {"kind": "budget", "percent": D(100), "budget_amount": D("9.00"), "budget_period": "month"}
    make_version(contract, (START + DAY).date(), sponsorship=raised)
    three(world)
    for ref in "CAB":
        split_charges(ids(ref), at=AT)
    assert sponsored(contract) == {"A": D("3.00"), "B": D("4.50"), "C": D("1.50")}


def test_the_portal_shows_the_part_that_will_be_left(world: World) -> None:
    sponsor(world, kind="budget", budget_amount=D("6.00"), budget_period="month")
    three(world)
    part = OwnPart(world.fleet)
    sessions = ChargingSession.objects.select_related("contract", "price").order_by("-ended_at")
    assert [part.amount(each) for each in sessions] == [D("4.50"), D("3.00"), D("0.00")]


def test_a_tiered_price_is_shared_by_kwh_not_by_price(db: None) -> None:
    world = make_world(TIERED)  # 1 + 5 kWh x 0.50 + 5 kWh x 0.30 = 5.00 for 10 kWh
    contract = sponsor(world, kind="first_kwh", kwh_per_month=D(4))
    split_charges([make_session(world).pk], at=AT)
    assert sponsored(contract) == {"S1": D("2.00")}


def test_a_limit_needs_no_more_queries_for_more_sessions(world: World) -> None:
    sponsor(world, kind="budget", budget_amount=D(60), budget_period="month")
    record(*[reported(world, f"S{n:02}", started_at=START + n * 2 * HOUR) for n in range(20)])
    pks = list(ChargingSession.objects.order_by("ended_at").values_list("pk", flat=True))
    counts = []
    for some in (pks[:1], pks[1:]):
        with CaptureQueriesContext(connection) as queries:
            split_charges(some, at=AT)
        counts.append(len(queries))
    assert counts[1] <= counts[0]


def test_a_budget_says_how_much_of_it_is_used_and_since_when_it_is_gone(world: World) -> None:
    contract = sponsor(world, kind="budget", budget_amount=D("6.00"), budget_period="month", alert_percent=D(75))
    record(reported(world, "A"))
    use = budget_use(contract, AT.replace(month=1))
    assert use is not None
    assert (use.used, use.percent, use.is_alert, use.used_up_at) == (D("4.50"), 75, True, None)
    record(reported(world, "B", started_at=START + DAY))
    use = budget_use(contract, AT.replace(month=1))
    assert use is not None
    assert (use.used, use.percent, use.used_up_at) == (D("6.00"), 100, START + DAY + HOUR)
    next_month = budget_use(contract, AT)
    assert next_month is not None
    assert (next_month.used, next_month.is_alert) == (D(0), False)


def test_a_sponsor_without_a_budget_has_no_use_of_it(world: World) -> None:
    assert budget_use(sponsor(world), AT) is None


def test_the_alert_is_noted_once(world: World) -> None:
    contract = sponsor(world, kind="budget", budget_amount=D("10.00"), budget_period="month", alert_percent=D(80))
    three(world)
    counts = []
    for ref in "ABC":
        split_charges(ids(ref), at=AT)
        counts.append(AuditRecord.objects.filter(action="charging.sponsorship.alert").count())
    assert counts == [0, 1, 1]
    note = AuditRecord.objects.get(action="charging.sponsorship.alert")
    assert note.object_id == str(contract.pk)
