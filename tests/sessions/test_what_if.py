"""What-if: real sessions under another tariff version, compared with what they cost; nothing is written."""

import csv
import datetime as dt
import io
import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from contracts.models import TariffVersion
from evbilling.access.roles import Role
from evbilling.kernel.clock import parse_month
from evbilling.kernel.errors import BadInput
from sessions.models import ChargingSession, Hold, SessionPrice
from sessions.queries import what_if as queries
from sessions.queries.what_if import Scope, compare, what_if
from tests.factories import (
    make_contract_in_force,
    make_party,
    make_tariff,
    make_tariff_version,
    make_token,
    make_user,
    make_vehicle,
    tariff_document,
)
from tests.sessions.made import HOUR, START, World, make_session, make_world, record, reported
from tests.sessions.test_window_caps_in_force import CAP, stay

JANUARY = Scope(parse_month("2026-01"))
PAGE = "admin:charging_what_if"


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def version_of(world: World, energy: str, *, released: bool = False, **document: Any) -> TariffVersion:
    """Another tariff of the operator with one price per kWh, a draft unless told otherwise."""
    tariff = make_tariff(world.operator, tariff_document(energy, **document), released=released)
    return tariff.versions.get()


def signed_in(role: Role | None, settings: Any) -> Client:
    settings.DEMO_RELAXES_SECOND_FACTOR = True
    client = Client()
    client.force_login(make_user(role), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_same_tariff_version_gives_every_session_its_frozen_price(world: World) -> None:
    record(
        reported(world, "A"),
        reported(world, "B", started_at=START + 2 * HOUR, energy_wh=12_345),
        reported(world, "C", started_at=START + 4 * HOUR, energy_wh=1),
    )
    version = SessionPrice.objects.first().tariff_version
    rows = list(compare(JANUARY, version))
    assert [row.provider_ref for row in rows] == ["A", "B", "C"]
    assert [row.then_amount - row.now_amount for row in rows] == [Decimal("0.00")] * 3
    assert what_if(JANUARY, version).changes is False


def test_the_contracts_own_caps_hold_under_the_other_tariff_too(db: None) -> None:
    stay(("window_cap", CAP))  # 11 hours from 20:00 on at 2.00 an hour: 22.00, of which 8.00 are capped away
    price = SessionPrice.objects.get()
    assert [row.then_amount for row in compare(JANUARY, price.tariff_version)] == [Decimal("14.00")]
    dearer = [{"price_components": [{"type": "TIME", "price": "3.00", "vat": "19", "step_size": 1}]}]
    operator = price.contract_version.contract.operator
    draft = make_tariff(operator, tariff_document(elements=dearer), released=False).versions.get()
    assert what_if(JANUARY, draft).total.difference_amount == Decimal("3.00")  # two hours and one outside at 1.00 more


def test_a_draft_is_compared_per_contract_and_vehicle(world: World) -> None:
    make_session(world, "A", energy_wh=10_000)  # 4.50 now
    make_session(world, "B", started_at=START + 2 * HOUR, energy_wh=20_000)  # 9.00 now
    other = make_vehicle(world.fleet)
    token = make_token(other)
    contract = make_contract_in_force(
        operator=world.operator,
        party=make_party(),
        tariff=make_tariff(world.operator, tariff_document("0.30")),
        tokens=[token],
    )
    make_session(world, "C", started_at=START + 4 * HOUR, token_ref=token.ref)  # 3.00 now
    answer = what_if(JANUARY, version_of(world, "0.50"))
    assert (answer.total.sessions, answer.total.energy_wh) == (3, 40_000)
    assert answer.total.now_amount == Decimal("16.50")
    assert answer.total.then_amount == Decimal("20.00")
    assert answer.total.difference_amount == Decimal("3.50")
    assert [(row.number, row.figures.difference_amount) for row in answer.contracts] == [
        (contract.number, Decimal("2.00")),
        (world.contract.number, Decimal("1.50")),
    ]
    assert {(row.vehicle, row.figures.difference_amount) for row in answer.vehicles} == {
        (other.label, Decimal("2.00")),
        (world.vehicle.label, Decimal("1.50")),
    }
    assert answer.contracts[1].figures.share == Decimal("1.50") / Decimal("13.50")
    assert answer.changes


def test_one_contract_alone(world: World) -> None:
    make_session(world)
    token = make_token(make_vehicle(world.fleet))
    contract = make_contract_in_force(operator=world.operator, party=world.fleet, tokens=[token])
    make_session(world, "C", started_at=START + 4 * HOUR, token_ref=token.ref)
    scope = Scope(parse_month("2026-01"), contract_id=contract.pk)
    assert [row.provider_ref for row in compare(scope, version_of(world, "0.50"))] == ["C"]


def test_only_sessions_that_the_tariff_prices_today(world: World) -> None:
    make_session(world)
    tariff = SessionPrice.objects.get().tariff_version.tariff
    newer = make_tariff_version(tariff, tariff_document("0.60"), START, released=False)
    same, foreign = Scope(JANUARY.period, of_tariff=tariff.pk), Scope(JANUARY.period, of_tariff=tariff.pk + 999)
    assert what_if(same, newer).total.difference_amount == Decimal("1.50")
    assert what_if(foreign, newer).total.sessions == 0


def test_a_month_is_that_of_the_end_in_the_contracts_zone(world: World) -> None:
    start = dt.datetime(2026, 1, 31, 22, 30, tzinfo=dt.UTC)  # 23:30 in Berlin, ends at 00:30 in February
    make_session(world, "LATE", started_at=start)
    make_session(world, "IN", started_at=start - 2 * HOUR)
    version = version_of(world, "0.50")
    assert [row.provider_ref for row in compare(JANUARY, version)] == ["IN"]
    assert [row.provider_ref for row in compare(Scope(parse_month("2026-02")), version)] == ["LATE"]


def test_a_session_that_cannot_be_priced_is_listed_with_the_reason(world: World) -> None:
    make_session(world)
    tariff = make_tariff(world.operator, tariff_document("0.50", currency="USD"), currency="USD", released=False)
    answer = what_if(JANUARY, tariff.versions.get())
    assert answer.total.sessions == 0
    assert [row.provider_ref for row in answer.refused] == ["S1"]
    assert "USD" in answer.refused[0].problem
    assert answer.reasons == ((answer.refused[0].problem, 1),)


def test_sessions_without_a_price_today_are_counted(world: World) -> None:
    make_session(world)
    make_session(world, "HELD", started_at=START + 3 * HOUR, energy_wh=0)
    assert Hold.objects.exists()
    assert what_if(JANUARY, version_of(world, "0.50")).without_price == 1


def test_nothing_is_written_and_queries_do_not_grow_with_sessions(world: World) -> None:
    version = version_of(world, "0.50")
    record(*(reported(world, f"A{n}", started_at=START + 2 * n * HOUR) for n in range(3)))
    before = list(ChargingSession.objects.values()), list(SessionPrice.objects.values())
    with CaptureQueriesContext(connection) as few:
        what_if(JANUARY, version)
    statements = [query["sql"].lstrip("( ").upper() for query in few]
    reads = [
        sql for sql in statements if sql.startswith("SELECT") or re.match(r"DECLARE \S+ NO SCROLL CURSOR FOR ", sql)
    ]
    assert statements == reads, "PostgreSQL reads many rows through a cursor"
    assert (list(ChargingSession.objects.values()), list(SessionPrice.objects.values())) == before
    record(*(reported(world, f"B{n}", started_at=START + (60 + 2 * n) * HOUR) for n in range(20)))
    with CaptureQueriesContext(connection) as many:
        assert what_if(JANUARY, version).total.sessions == 23
    assert len(many) == len(few)


def test_batches_do_not_matter(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    version = version_of(world, "0.4777")
    record(*(reported(world, f"A{n}", started_at=START + 2 * n * HOUR, energy_wh=1000 + n) for n in range(7)))
    whole = what_if(JANUARY, version)
    monkeypatch.setattr(queries, "CHUNK", 2)
    assert what_if(JANUARY, version) == whole


def test_too_many_sessions_for_one_question(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    make_session(world)
    monkeypatch.setattr(queries, "MOST_SESSIONS", 0)
    with pytest.raises(BadInput, match="choose one contract"):
        what_if(JANUARY, version_of(world, "0.50"))


class TestSums(TestCase):
    """The sums of the tables are those of their sessions, to the cent."""

    @settings(max_examples=10)
    @given(
        energies=st.lists(st.integers(1, 22_000), min_size=1, max_size=6),
        price=st.decimals("0.01", "2", places=4),
    )
    def test_rows_add_up(self, energies: list[int], price: Decimal) -> None:
        world = make_world()
        record(
            *(
                reported(world, f"S{n}", started_at=START + 2 * n * HOUR, energy_wh=energy)
                for n, energy in enumerate(energies)
            )
        )
        version = version_of(world, format(price, "f"))
        scope = Scope(JANUARY.period, contract_id=world.contract.pk)
        rows, answer = list(compare(scope, version)), what_if(scope, version)
        assert answer.total.now_amount == sum(row.now_amount for row in rows)
        assert answer.total.difference_amount == sum(row.then_amount - row.now_amount for row in rows)
        for table in (answer.contracts, answer.vehicles):
            assert sum(row.figures.then_amount for row in table) == answer.total.then_amount
            assert sum(row.figures.sessions for row in table) == len(energies)


def ask(version: TariffVersion, **more: str) -> dict[str, str]:
    return {"version": str(version.pk), "period": "2026-01"} | more


def test_the_page_answers_at_once_and_asks_for_the_figures(world: World, settings: Any) -> None:
    make_session(world)
    client, version = signed_in(Role.BILLING_CLERK, settings), version_of(world, "0.50")
    text = client.get(reverse(PAGE), ask(version)).content.decode()
    assert "Pricing 1 session" in text
    assert "part=figures" in text
    figures = client.get(reverse(PAGE), ask(version, part="figures")).content.decode()
    assert "€4.50" in figures
    assert "€5.00" in figures
    assert "€0.50" in figures
    assert world.contract.number in figures
    assert world.vehicle.label in figures
    assert "<html" not in figures


def test_from_a_version_the_page_opens_with_it_and_the_last_month(world: World, settings: Any) -> None:
    make_session(world)
    version = version_of(world, "0.50")
    text = signed_in(Role.AUDITOR, settings).get(reverse(PAGE), {"version": version.pk}).content.decode()
    assert f'value="{version.pk}" selected' in text
    assert 'value="2026-01"' in text


def test_a_version_page_leads_here(world: World, settings: Any) -> None:
    version = version_of(world, "0.50")
    address = reverse("admin:contracts_tariffversion_what_if", args=[version.pk])
    response = signed_in(Role.AUDITOR, settings).get(address)
    assert (response.status_code, response["Location"]) == (302, f"{reverse(PAGE)}?version={version.pk}")


def test_the_figures_of_a_changed_draft_are_new(world: World, settings: Any) -> None:
    make_session(world)
    client, version = signed_in(Role.BILLING_CLERK, settings), version_of(world, "0.50")
    client.get(reverse(PAGE), ask(version, part="figures"))
    TariffVersion.objects.filter(pk=version.pk).update(document=tariff_document("0.70"))
    assert "€7.00" in client.get(reverse(PAGE), ask(version, part="figures")).content.decode()


def test_files_hold_vehicles_and_each_session(world: World, settings: Any) -> None:
    make_session(world, "=cmd")
    client, version = signed_in(Role.BILLING_CLERK, settings), version_of(world, "0.40")
    response = client.get(reverse(PAGE), ask(version, file="vehicles"))
    rows = list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    assert rows[1] == [
        world.contract.number,
        str(world.fleet),
        world.vehicle.label,
        "1",
        "10.000",
        "4.50",
        "4.00",
        "-0.50",
        "-11.11",
        "EUR",
    ]
    sessions = client.get(reverse(PAGE), ask(version, file="sessions")).getvalue().decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(sessions)))[1][0] == "'=cmd"


@pytest.mark.parametrize(
    ("given_value", "said"),
    [
        ({"period": "2026-13"}, "Write the month"),
        ({"contract": "NONE"}, "There is no contract NONE"),
        ({"version": "0"}, "Select a valid choice"),
    ],
)
def test_a_wrong_question_is_refused_in_the_form(
    world: World, settings: Any, given_value: dict[str, str], said: str
) -> None:
    client, version = signed_in(Role.BILLING_CLERK, settings), version_of(world, "0.50")
    response = client.get(reverse(PAGE), ask(version) | given_value)
    assert response.status_code == 200
    assert said in response.content.decode()
    assert "part=figures" not in response.content.decode()


@pytest.mark.parametrize("role", [*Role])
def test_every_role_of_the_staff_may_ask(world: World, settings: Any, role: Role) -> None:
    assert signed_in(role, settings).get(reverse(PAGE)).status_code == 200


def test_portal_users_and_strangers_are_turned_away(world: World, settings: Any) -> None:
    assert signed_in(None, settings).get(reverse(PAGE)).status_code in {302, 403}
    assert Client().get(reverse(PAGE)).status_code == 302


def test_asking_needs_get(world: World, settings: Any) -> None:
    assert signed_in(Role.ADMINISTRATOR, settings).post(reverse(PAGE)).status_code == 405
