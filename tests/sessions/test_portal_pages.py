"""The portal's pages of sessions as owner, team mate, host, sponsor, stranger and anonymous see them (I20)."""

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts.models import ContractKind, Party
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from sessions.models import Hold, HoldState, SessionState
from sessions.operations.charges import split_charges
from tests.factories import (
    make_contract_in_force,
    make_cost_centre,
    make_member,
    make_party,
    make_site,
    make_station,
    make_token,
    make_user,
    make_vehicle,
)
from tests.sessions.made import AT, HOUR, START, World, make_session, make_world, record, reported

PAGES = ("portal:sessions", "portal:sessions_export", "portal:sessions_live")


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def of(party: Party | None = None, user: User | None = None, role: str = "manager") -> Client:
    client = Client()
    who = user or (make_member(party, role) if party else make_user(None))
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode("utf-8-sig").replace("\N{NO-BREAK SPACE}", " ")


def seen(client: Client, name: str = "portal:sessions", *args: Any, **params: Any) -> str:
    response = client.get(reverse(name, args=args), params)
    assert response.status_code == 200
    return text_of(response)


def rows_of(client: Client, **params: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(seen(client, "portal:sessions_export", **params))))


def other_fleet(world: World) -> Party:
    """Another company at the same site, with a session of its own."""
    party = make_party()
    token = make_token(make_vehicle(party, label="OTHER-CAR"))
    make_contract_in_force(operator=world.operator, party=party, sites=[world.site], tokens=[token])
    record(reported(world, "OTHERS", token_ref=token.ref, station_ref=make_station(world.site).ref))
    return party


@pytest.mark.parametrize("role", ["manager", "payer", "viewer"])
def test_owner_and_team_mates_see_their_sessions_alone(world: World, role: str) -> None:
    session = make_session(world)
    other_fleet(world)
    client = of(world.fleet, role=role)
    text = seen(client)
    assert "10.00 kWh" in text
    assert "€4.50" in text
    assert world.vehicle.label in text
    assert "OTHER-CAR" not in text
    assert [row["Reference"] for row in rows_of(client)] == ["S1"]
    detail = seen(client, "portal:session", session.pk)
    assert "Energy: 10 kWh at" in detail
    assert "Dana Driver" in detail


def test_a_stranger_company_finds_nothing(world: World) -> None:
    session = make_session(world)
    client = of(make_party())
    assert world.vehicle.label not in seen(client)
    assert rows_of(client) == []
    assert client.get(reverse("portal:session", args=[session.pk])).status_code == 404


def test_a_user_without_company_finds_no_page(world: World) -> None:
    session = make_session(world)
    client = of()
    for address in (*map(reverse, PAGES), reverse("portal:session", args=[session.pk])):
        assert client.get(address).status_code == 404


def test_the_anonymous_are_asked_to_sign_in(world: World) -> None:
    session = make_session(world)
    for address in (*map(reverse, PAGES), reverse("portal:session", args=[session.pk])):
        response = Client().get(address)
        assert response.status_code == 302
        assert "/login/" in response["Location"]


def test_a_former_member_finds_nothing(world: World) -> None:
    session = make_session(world)
    user = make_member(world.fleet)
    user.memberships.update(active=False)
    assert of(user=user).get(reverse("portal:session", args=[session.pk])).status_code == 404


def test_the_host_sees_energy_but_neither_who_drove_nor_what_it_cost(world: World) -> None:
    session = make_session(world)
    client = of(world.owner)
    listed, detail = seen(client), seen(client, "portal:session", session.pk)
    for text in (listed, detail):
        assert "10.00 kWh" in text
        assert world.vehicle.label not in text
        assert "€4.50" not in text
        assert "Dana Driver" not in text
    (row,) = rows_of(client)
    assert (row["Price"], row["Vehicle"], row["Driver"], row["Cost centre"]) == ("", "", "", "")


def test_the_sponsor_sees_its_part_of_its_vehicles_sessions(world: World) -> None:
    maker = make_party("ev_manufacturer")
    make_contract_in_force(
        ContractKind.SPONSORSHIP, world.operator, maker, percent=Decimal(30), vehicles=[world.vehicle]
    )
    session = make_session(world)
    client = of(maker)
    assert rows_of(client) == []
    split_charges([session.pk], at=AT)
    (row,) = rows_of(client)
    assert (row["Price"], row["Vehicle"], row["Driver"]) == ("1.35", world.vehicle.label, "")
    detail = seen(client, "portal:session", session.pk)
    assert "€1.35" in detail
    assert "€4.50" not in detail
    assert "Your part of the net price" in seen(of(world.fleet), "portal:session", session.pk)


def test_with_two_companies_only_the_chosen_one_is_shown(world: World) -> None:
    make_session(world)
    second = other_fleet(world)
    user = make_member(world.fleet)
    user.memberships.create(party=second, role="viewer")
    client = of(user=user)
    client.post(reverse("portal:switch_company"), {"company": second.pk})
    text = seen(client)
    assert "OTHER-CAR" in text
    assert world.vehicle.label not in text


def test_filters_narrow_list_and_export(world: World) -> None:
    vehicle = make_vehicle(world.fleet)
    centre = make_cost_centre(world.fleet)
    token = make_token(vehicle, driver_name="Erin")
    site = make_site(world.owner)
    station = make_station(site)
    world.contract.token_assignments.create(token=token, cost_centre=centre, valid_from=dt.date(2026, 1, 1))
    world.contract.sites.add(site)
    record(
        reported(world, "A"),
        reported(world, "B", token_ref=token.ref, station_ref=station.ref, started_at=START + 30 * 24 * HOUR),
        reported(world, "C", started_at=START + 20 * HOUR, energy_wh=0),
    )
    client = of(world.fleet)

    def refs(**params: Any) -> list[str]:
        return sorted(row["Reference"] for row in rows_of(client, **params))

    assert refs() == ["A", "B", "C"]
    assert refs(month="2026-01") == ["A", "C"]
    assert refs(month="2026-02") == ["B"]
    assert refs(day="2026-01-14") == ["A"]
    assert refs(vehicle=vehicle.pk) == ["B"]
    assert refs(site=site.pk) == ["B"]
    assert refs(cost_centre=centre.pk) == ["B"]
    assert refs(driver="Erin") == ["B"]
    assert refs(status="held") == ["C"]
    assert refs(month="2026-01", status="priced") == ["A"]
    assert refs(month="nonsense", vehicle="x", site="-1", day="2026-02-30", status="?") == ["A", "B", "C"]
    assert "1 session ·" in seen(client, month="2026-02")


def test_a_month_begins_at_midnight_of_the_contract(world: World) -> None:
    record(reported(world, started_at=dt.datetime(2026, 1, 31, 22, 30, tzinfo=dt.UTC)))
    client = of(world.fleet)
    assert [row["Reference"] for row in rows_of(client, month="2026-02")] == ["S1"]
    assert rows_of(client, month="2026-01") == []


def test_the_export_is_exact_and_on_record(world: World) -> None:
    make_session(world)
    user = make_member(world.fleet)
    (row,) = rows_of(of(user=user), month="2026-01")
    assert row == {
        "Reference": "S1",
        "Start": "2026-01-14T10:00:00+01:00",
        "End": "2026-01-14T11:00:00+01:00",
        "Site": world.site.name,
        "Place": "public",
        "Vehicle": world.vehicle.label,
        "Driver": "Dana Driver",
        "Cost centre": str(world.cost_centre),
        "Energy (kWh)": "10.000",
        "Price": "4.50",
        "Currency": "EUR",
        "Price basis": "prices without tax",
        "Status": "ready to bill",
    }
    audit = AuditRecord.objects.get(action="charging.session.export")
    assert (audit.by_id, audit.object_id) == (user.pk, str(world.fleet.pk))


def test_cells_that_look_like_formulas_are_text(world: World) -> None:
    world.vehicle.label = "=HYPERLINK(1)"
    world.vehicle.save()
    make_session(world, "@SUM(A1)")
    (row,) = rows_of(of(world.fleet))
    assert (row["Reference"], row["Vehicle"]) == ("'@SUM(A1)", "'=HYPERLINK(1)")


def test_what_charges_now_shows_its_cost_so_far_and_polls(world: World) -> None:
    running = make_session(world, state=SessionState.ACTIVE, ended_at=None)
    for client, price in ((of(world.fleet), True), (of(world.owner), False)):
        fragment = seen(client, "portal:sessions_live")
        assert "Charging now" in fragment
        assert ("€4.50" in fragment) is price
        assert 'hx-trigger="every 5s"' in fragment
        assert "<html" not in fragment
        assert ("€4.50" in seen(client, "portal:session", running.pk)) is price
    assert "Charging now" not in seen(of(make_party()), "portal:sessions_live")


def test_a_held_session_is_shown_without_a_price(world: World) -> None:
    session = make_session(world, energy_wh=0)
    text = seen(of(world.fleet), "portal:session", session.pk)
    assert "No price yet." in text
    assert "held" in text
    Hold.objects.update(state=HoldState.REJECTED, resolved_at=AT, resolution="no")
    assert "excluded" in seen(of(world.fleet), "portal:session", session.pk)


def test_a_replaced_copy_is_gone(world: World) -> None:
    session = make_session(world)
    record(reported(world, energy_wh=12_000), at=AT + HOUR)
    client = of(world.fleet)
    assert client.get(reverse("portal:session", args=[session.pk])).status_code == 404
    assert "€5.40" in seen(client)


def test_the_list_needs_at_most_twelve_queries_however_long(world: World) -> None:
    client = of(world.fleet)
    counts = []
    for size in (1, 30):
        record(*[reported(world, f"{size}-{n}", started_at=START + (size + n) * 3 * HOUR) for n in range(size)])
        with CaptureQueriesContext(connection) as queries:
            seen(client)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[1] <= 16


def test_staff_without_membership_find_no_portal_page(world: World) -> None:
    session = make_session(world)
    client = of(user=make_user(Role.BILLING_CLERK))
    assert client.get(reverse("portal:session", args=[session.pk])).status_code in {302, 404}


def test_pages_speak_german(world: World) -> None:
    session = make_session(world)
    user = make_member(world.fleet)
    client = of(user=user)
    client.cookies["django_language"] = "de"
    assert "Energie: 10 kWh zu" in seen(client, "portal:session", session.pk)
