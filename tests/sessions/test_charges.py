"""Who pays which part of each session: customer and sponsor, per VAT rate, once."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contracts.models import ContractKind
from evbilling.kernel import bulk
from evbilling.kernel.errors import WrongState
from sessions.models import ChargeRole, ChargingSession, SessionCharge
from sessions.operations.charges import delete_charges, split_charges
from sessions.queries import billable_sessions
from tests.factories import make_assignment, make_contract_in_force, make_party, make_site, make_token, tariff_document
from tests.sessions.made import AT, HOUR, START, World, make_session, make_world, record, reported
from tests.sessions.test_rating_sessions import TIERED

UNTIL = START + 100 * HOUR


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def sponsor(world: World, percent: str = "30", **fields: object):
    return make_contract_in_force(
        ContractKind.SPONSORSHIP,
        operator=world.operator,
        party=make_party("ev_manufacturer"),
        percent=Decimal(percent),
        vehicles=[world.vehicle],
        **fields,
    )


def test_without_a_sponsor_the_customer_pays_the_price(world: World) -> None:
    session = make_session(world)
    (charge,) = split_charges([session.pk], at=AT)
    assert (charge.contract, charge.role, charge.vat_rate) == (world.contract, ChargeRole.CUSTOMER, Decimal(19))
    assert (charge.net_amount, charge.currency, charge.price) == (Decimal("4.50"), "EUR", session.price)


def test_a_sponsor_pays_its_percent_of_each_rate(db: None) -> None:
    world = make_world(TIERED)
    session = make_session(world)  # 1 + 5 kWh x 0.50 + 5 kWh x 0.30 = 5.00 at 19 %
    contract = sponsor(world, "33.33")
    charges = split_charges([session.pk], at=AT)
    assert [(each.contract_id, each.role, each.net_amount) for each in charges] == [
        (world.contract.pk, "customer", Decimal("3.33")),
        (contract.pk, "sponsor", Decimal("1.67")),
    ]


def test_charges_come_in_the_order_of_session_end_then_reference(world: World) -> None:
    token = make_token()
    make_assignment(token, world.contract)
    record(
        reported(world, "Z", started_at=START + 2 * HOUR),
        reported(world, "B", started_at=START + 4 * HOUR),
        reported(world, "A", started_at=START + 4 * HOUR, station_ref=world.other_station.ref, token_ref=token.ref),
    )
    charges = split_charges(ChargingSession.objects.all(), at=AT)
    assert [each.session.provider_ref for each in charges] == ["Z", "A", "B"]


def test_a_sponsorship_of_other_sites_does_not_pay(world: World) -> None:
    sponsor(world, sites=[make_site()])
    assert [each.role for each in split_charges([make_session(world).pk], at=AT)] == ["customer"]


def test_a_sponsorship_that_begins_later_does_not_pay(world: World) -> None:
    sponsor(world, starts_on=dt.date(2026, 1, 15))
    assert [each.role for each in split_charges([make_session(world).pk], at=AT)] == ["customer"]


def test_a_sponsor_in_another_currency_is_refused(world: World) -> None:
    sponsor(world, currency="USD")
    session = make_session(world)
    with pytest.raises(WrongState, match="costs EUR, but its sponsor's contract"):
        split_charges([session.pk], at=AT)
    assert not SessionCharge.objects.exists()


def test_splitting_again_makes_nothing(world: World) -> None:
    sponsor(world)
    session = make_session(world)
    before = split_charges([session.pk], at=AT)
    assert split_charges([session.pk], at=AT + HOUR) == []
    assert list(SessionCharge.objects.order_by("pk")) == before


def test_a_discarded_draft_gives_its_part_back_and_the_sponsors_stands(world: World) -> None:
    contract = sponsor(world)
    session = make_session(world)
    customer, sponsored = split_charges([session.pk], at=AT)
    assert delete_charges(contract_id=world.contract.pk, charge_ids=[customer.pk, sponsored.pk]) == 1
    assert list(SessionCharge.objects.values_list("contract", flat=True)) == [contract.pk]
    assert list(billable_sessions(world.contract, UNTIL)) == [session]
    (again,) = split_charges([session.pk], at=AT + HOUR)
    assert (again.contract_id, again.net_amount) == (world.contract.pk, Decimal("3.15"))


def test_charged_sessions_are_not_billable_again(world: World) -> None:
    session = make_session(world)
    assert list(billable_sessions(world.contract, UNTIL)) == [session]
    split_charges([session.pk], at=AT)
    assert list(billable_sessions(world.contract, UNTIL)) == []


def test_billable_is_what_ended_before_the_boundary(world: World) -> None:
    session = make_session(world)
    assert list(billable_sessions(world.contract, START + HOUR)) == []
    assert list(billable_sessions(world.contract, START + HOUR + dt.timedelta(microseconds=1))) == [session]


def test_a_free_session_has_a_charge_of_nothing(db: None) -> None:
    world = make_world(tariff_document("0", vat=None))
    (charge,) = split_charges([make_session(world).pk], at=AT)
    assert (charge.net_amount, charge.vat_rate) == (0, None)


def test_many_sessions_need_no_more_queries(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "FEW", 0)  # few rows and many go in the same way
    sponsor(world)
    record(*[reported(world, f"S{n}", started_at=START + n * 2 * HOUR) for n in range(20)])
    ids = list(ChargingSession.objects.values_list("pk", flat=True))
    counts = []
    for some in (ids[:1], ids[1:]):
        with CaptureQueriesContext(connection) as queries:
            assert len(split_charges(some, at=AT)) == 2 * len(some)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_database_refuses_edits_and_doubles(world: World) -> None:
    (charge,) = split_charges([make_session(world).pk], at=AT)
    with pytest.raises(Exception, match="never edited"), transaction.atomic():
        SessionCharge.objects.update(net_amount=0)
    charge.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        charge.save(force_insert=True)
    assert SessionCharge.objects.get().net_amount == Decimal("4.50")


@pytest.mark.parametrize("change", [{"energy_wh": 1}, {"started_at": START + HOUR / 4}, {"provider_ref": "X"}])
def test_the_database_keeps_what_a_price_follows_from(world: World, change: dict[str, object]) -> None:
    session = make_session(world)
    with pytest.raises(DatabaseError, match="priced session"), transaction.atomic():
        ChargingSession.objects.filter(pk=session.pk).update(**change)
    session.refresh_from_db()
    assert (session.energy_wh, session.started_at, session.provider_ref) == (10_000, START, "S1")
