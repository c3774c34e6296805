"""The price simulator: typed and real sessions under tariffs and contracts; it reads and changes nothing."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from contracts.rules.tariff_form import PriceRow, TariffRows
from evbilling.access.roles import Role
from sessions.models import ChargingSession, SessionPrice
from sessions.operations.rating import rate_sessions
from sessions.queries.simulation import simulate_contract
from sessions.rules.simulation import imagined_periods, periods_until, points_of
from tests import factories as make
from tests.contracts.tariffs import document_of, energy
from tests.contracts.traces import snapshot
from tests.contracts.world import sign_in
from tests.sessions.made import make_session, make_world

START = dt.datetime(2026, 3, 2, 18, tzinfo=dt.UTC)
NIGHT = {"start_time": "22:00", "end_time": "06:00"}


class TestPeriods:
    def test_a_session_charges_and_then_stands(self) -> None:
        rows = imagined_periods(
            START, START + dt.timedelta(hours=2), START + dt.timedelta(hours=3), 20_000, Decimal(11)
        )
        assert [(r["energy_wh"], r["charging_s"], r["parking_s"], r["power_kw"]) for r in rows] == [
            (20_000, 7200, 0, Decimal(11)),
            (0, 0, 3600, Decimal(0)),
        ]

    def test_without_idle_time_there_is_one_period_and_without_power_none_is_said(self) -> None:
        end = START + dt.timedelta(hours=1)
        rows = imagined_periods(START, end, end, 5_000)
        assert len(rows) == 1
        assert "power_kw" not in rows[0]

    @given(
        charge=st.integers(1, 86_400),
        idle=st.integers(0, 86_400),
        energy_wh=st.integers(0, 200_000),
        share=st.integers(0, 100),
    )
    def test_what_was_until_an_instant_never_exceeds_what_is_at_the_end(
        self, charge: int, idle: int, energy_wh: int, share: int
    ) -> None:
        charged = START + dt.timedelta(seconds=charge)
        end = charged + dt.timedelta(seconds=idle)
        rows = imagined_periods(START, charged, end, energy_wh)
        assert periods_until(rows, end, end) == rows
        at = START + (end - START) * share // 100
        cut = periods_until(rows, end, at)
        assert sum(row["energy_wh"] for row in cut) <= energy_wh
        assert sum(row["charging_s"] + row["parking_s"] for row in cut) == int((at - START).total_seconds())

    @given(seconds=st.integers(1, 31 * 86_400), most=st.integers(1, 48))
    def test_points_rise_to_the_end(self, seconds: int, most: int) -> None:
        end = START + dt.timedelta(seconds=seconds)
        points = points_of(START, end, most)
        assert points == sorted(set(points))
        assert points[-1] == end
        assert 1 <= len(points) <= most


PAGE = "admin:charging_simulator"


def asked(**more: Any) -> dict[str, Any]:
    return {
        "started": "2026-03-02T20:00",
        "charging_ended": "2026-03-02T23:00",
        "ended": "2026-03-03T01:00",
        "kwh": "30",
    } | more


@pytest.fixture
def staff(client: Client, settings: Any) -> Client:
    return sign_in(client, make.make_user(Role.BILLING_CLERK), settings)


def version_of(*rows: PriceRow, released: bool = True) -> Any:
    return make.make_tariff(document=document_of(TariffRows(rows)), released=released).versions.get()


def priced(client: Client, **query: Any) -> Any:
    response = client.get(reverse(PAGE), asked(**query))
    assert response.status_code == 200
    assert not response.context["form"].errors, response.context["form"].errors
    return response.context["result"]


@pytest.mark.django_db
class TestPage:
    def test_given_a_typed_session_when_priced_then_price_tax_reasons_and_course_are_shown(self, staff: Client) -> None:
        # 20:00 to 23:00 local: 2 h at 0.49 (20 kWh), 1 h at 0.39 (10 kWh); 2 h idle at 6.00 an hour
        idle = PriceRow("PARKING_TIME", Decimal(6), 60, Decimal(19))
        version = version_of(energy("0.39", **NIGHT), energy("0.49"), idle, released=False)
        response = staff.get(reverse(PAGE), asked(tariff_version=version.pk, zone="Europe/Berlin"))
        found = response.context["result"]
        assert found.net == Decimal("25.70")
        assert [(part.rate, part.net, part.tax) for part in found.parts] == [
            (Decimal(19), Decimal("25.70"), Decimal("4.88"))
        ]
        assert found.gross == Decimal("30.58")
        assert found.points[-1].amount == found.net
        assert [point.amount for point in found.points] == sorted(point.amount for point in found.points)
        text = response.content.decode().replace("\N{NO-BREAK SPACE}", " ")
        assert "Energy 22:00\N{EN DASH}06:00: 10 kWh at €0.39 per kWh" in text
        assert "€30.58" in text
        assert "Price in the course of the session" in text

    def test_given_a_power_when_priced_then_bands_of_power_count(self, staff: Client) -> None:
        version = version_of(energy("0.79", min_power=Decimal(50)), energy("0.49"))
        assert priced(staff, tariff_version=version.pk, power="49.9").net == Decimal("14.70")
        assert priced(staff, tariff_version=version.pk, power="50").net == Decimal("23.70")
        assert priced(staff, tariff_version=version.pk).net == Decimal("14.70")

    def test_given_a_site_when_priced_then_its_clock_counts(self, staff: Client) -> None:
        version = version_of(energy("0.39", **NIGHT), energy("0.49"))
        site = make.make_site(zone="Europe/London")
        found = priced(staff, tariff_version=version.pk, site=site.pk)
        assert (found.zone, found.net) == ("Europe/London", Decimal("13.70"))
        assert found.points[-1].at == dt.datetime(2026, 3, 3, 1, tzinfo=dt.UTC)

    def test_given_a_contract_when_priced_then_its_terms_find_the_tariff(self, staff: Client) -> None:
        version = version_of(energy("0.40"))
        contract = make.make_contract_in_force(operator=version.tariff.operator, tariff=version.tariff)
        found = priced(staff, contract=contract.number.lower())
        assert (found.tariff_version, found.contract_version) == (version, contract.versions.get())
        assert found.net == Decimal("12.00")

    def test_given_a_contract_without_terms_then_when_priced_the_reason_is_said(self, staff: Client) -> None:
        contract = make.make_contract()
        found = priced(staff, contract=contract.number)
        assert "no approved terms" in found.problem

    def test_given_a_real_session_when_priced_then_it_costs_what_its_bill_says(self, staff: Client) -> None:
        session = make_session(make_world())
        rate_sessions([session.pk], at=make.AT)
        frozen = SessionPrice.objects.get(session=session)
        session = ChargingSession.objects.get(pk=session.pk)
        assert simulate_contract(session, "en").net == frozen.net_amount
        response = staff.get(reverse(PAGE), {"session": session.provider_ref})
        assert response.context["result"].net == frozen.net_amount
        other = version_of(energy("9"))
        response = staff.get(reverse(PAGE), {"session": session.provider_ref, "tariff_version": other.pk})
        assert response.context["result"].tariff_version == other
        assert response.context["result"].net == Decimal(9 * session.energy_wh) / 1000

    def test_a_tax_left_to_the_table_is_not_guessed(self, staff: Client) -> None:
        version = version_of(PriceRow("ENERGY", Decimal("0.40")))
        found = priced(staff, tariff_version=version.pk)
        assert (found.net, found.gross) == (Decimal("12.00"), None)

    def test_an_unreadable_tariff_is_a_sentence(self, staff: Client) -> None:
        document = document_of(TariffRows((energy("0.4"),))) | {"max_prize": 1}
        version = make.make_tariff(document=document, released=False).versions.get()
        assert "max_prize" in priced(staff, tariff_version=version.pk).problem

    @pytest.mark.parametrize(
        ("more", "field", "words"),
        [
            ({"tariff_version": ""}, "tariff_version", "Choose a tariff version"),
            ({"tariff_version": "999999"}, "tariff_version", "valid choice"),
            ({"contract": "NOPE"}, "contract", "There is no contract NOPE"),
            ({"session": "NOPE"}, "session", "There is no session NOPE"),
            ({"zone": "Mars"}, "zone", "IANA zone"),
            ({"started": ""}, "started", "needed"),
            ({"started": "yesterday"}, "started", "day and time"),
            ({"ended": "2026-03-02T20:00"}, "ended", "after the start"),
            ({"ended": "2026-05-02T20:00"}, "ended", "31 days"),
            ({"charging_ended": "2026-03-03T02:00"}, "charging_ended", "between the start and the end"),
            ({"started": "2026-03-29T02:30", "ended": "2026-03-29T04:00"}, "started", "clocks go forward"),
            ({"kwh": "-1"}, "kwh", "greater than or equal to 0"),
            ({"kwh": "NaN"}, "kwh", "number"),
            ({"power": "1E+99"}, "power", "10000"),
        ],
    )
    def test_given_a_figure_that_cannot_be_when_priced_then_its_field_says_so(
        self, staff: Client, more: dict[str, str], field: str, words: str
    ) -> None:
        version = version_of(energy("0.4"))
        query = asked(zone="Europe/Berlin", tariff_version=version.pk) | more
        response = staff.get(reverse(PAGE), query)
        assert response.status_code == 200
        assert "result" not in response.context
        assert words in " ".join(response.context["form"].errors[field])

    @pytest.mark.parametrize("given", ["", "1", "x", "9" * 30])
    def test_the_page_opens_with_an_example_whatever_its_address(self, staff: Client, given: str) -> None:
        assert staff.get(reverse(PAGE), {"tariff_version": given}).status_code == 200

    def test_the_button_of_a_version_leads_here(self, staff: Client) -> None:
        version = version_of(energy("0.4"))
        response = staff.get(reverse("admin:contracts_tariffversion_simulate", args=[version.pk]))
        assert response["Location"] == f"{reverse(PAGE)}?tariff_version={version.pk}"
        form = staff.get(response["Location"]).context["form"]
        assert form.initial["tariff_version"] == version.pk


@pytest.mark.django_db
class TestWho:
    @pytest.mark.parametrize("role", list(Role))
    def test_every_role_reads_and_nothing_changes(self, client: Client, settings: Any, role: Role) -> None:
        version = version_of(energy("0.4"))
        make_session(make_world())
        sign_in(client, make.make_user(role), settings)
        before, sessions = snapshot(), list(ChargingSession.objects.values())
        assert priced(client, tariff_version=version.pk).net == Decimal("12.00")
        assert client.post(reverse(PAGE), asked(tariff_version=version.pk)).status_code == 405
        assert (snapshot(), list(ChargingSession.objects.values())) == (before, sessions)

    def test_customers_and_strangers_are_sent_away(self, client: Client, settings: Any) -> None:
        version = version_of(energy("0.4"))
        for user in (None, make.make_member(make.make_party())):
            if user is not None:
                sign_in(client, user, settings)
            assert client.get(reverse(PAGE), asked(tariff_version=version.pk)).status_code == 302
