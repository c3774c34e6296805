"""Tokens, vehicles, tariffs and percentages under a contract: what is accepted, what is refused and changes nothing."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import TokenAssignment
from contracts.operations.assignments import (
    assign_tariff,
    assign_token,
    end_sponsored_vehicle,
    end_token_assignment,
    sponsor_vehicle,
    unassign_tariff,
)
from contracts.operations.contracts import end_contract
from contracts.operations.shares import set_revenue_share, set_sponsorship
from contracts.operations.tariffs import change_tariff_version, draft_tariff_version, release_tariff_version
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, MakerIsChecker, NotAllowed, WrongState
from tests import factories as make
from tests.contracts.traces import refused

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 2, 2, 10, tzinfo=dt.UTC)
MAY = dt.date(2026, 5, 1)


class TestTokens:
    def test_a_token_goes_to_the_contract_and_that_is_on_record(self) -> None:
        contract, token = make.make_contract_in_force(), make.make_token()
        assignment = make.make_assignment(token, contract, valid_from=MAY)
        record = AuditRecord.objects.get(action="contracts.token.assign")
        assert TokenAssignment.objects.get() == assignment
        assert (record.object_id, record.changes["contract"]) == (str(token.pk), contract.number)

    @pytest.mark.parametrize(
        ("first", "last", "fits"),
        [
            ("2026-04-01", "2026-05-01", True),
            ("2026-04-01", "2026-05-02", False),
            ("2026-05-31", "2026-06-30", False),
            ("2026-06-01", None, True),
            ("2026-04-01", None, False),
        ],
    )
    def test_one_contract_pays_once_for_a_day(self, first: str, last: str | None, fits: bool) -> None:
        contract, token = make.make_contract_in_force(), make.make_token()
        make.make_assignment(token, contract, valid_from=MAY, valid_to=dt.date(2026, 6, 1))
        days = (dt.date.fromisoformat(first), dt.date.fromisoformat(last) if last else None)
        if fits:
            make.make_assignment(token, contract, valid_from=days[0], valid_to=days[1])
            assert token.assignments.count() == 2
        else:
            with refused(BadInput, contract.number):
                make.make_assignment(token, contract, valid_from=days[0], valid_to=days[1])

    def test_the_cost_centre_is_the_partys_own(self) -> None:
        contract, token = make.make_contract_in_force(), make.make_token()
        centre = make.make_cost_centre(make.make_party())
        with refused(BadInput, "cost centre"):
            make.make_assignment(token, contract, cost_centre=centre)

    def test_hosts_pay_for_no_tokens(self) -> None:
        contract, token = make.make_contract_in_force("hosting"), make.make_token()
        with refused(WrongState, "hosting"):
            make.make_assignment(token, contract)

    def test_an_ended_contract_takes_no_token(self) -> None:
        contract, token = make.make_contract_in_force(), make.make_token()
        end_contract(contract_id=contract.pk, ends_on=MAY, reason="moved", by=make.maker(), at=NOW)
        with refused(WrongState, "has ended"):
            make.make_assignment(token, contract)

    def test_an_assignment_ends_after_its_first_day(self) -> None:
        assignment = make.make_assignment(make.make_token(), make.make_contract_in_force(), valid_from=MAY)
        with refused(BadInput):
            end_token_assignment(assignment_id=assignment.pk, valid_to=MAY, by=make.maker(), at=NOW)
        ended = end_token_assignment(
            assignment_id=assignment.pk, valid_to=MAY + dt.timedelta(days=1), by=make.maker(), at=NOW
        )
        assert ended.valid_to == dt.date(2026, 5, 2)

    def test_an_auditor_assigns_nothing(self) -> None:
        contract, token, auditor = make.make_contract_in_force(), make.make_token(), make.make_user(Role.AUDITOR)
        with refused(NotAllowed):
            assign_token(token_id=token.pk, contract_id=contract.pk, valid_from=MAY, by=auditor, at=NOW)


class TestVehicles:
    def test_a_vehicle_has_one_sponsor_at_a_time(self) -> None:
        vehicle = make.make_vehicle()
        first = make.make_contract_in_force("sponsorship", vehicles=[vehicle])
        second = make.make_contract_in_force("sponsorship")
        with refused(BadInput, first.number):
            sponsor_vehicle(contract_id=second.pk, vehicle_id=vehicle.pk, valid_from=MAY, by=make.maker(), at=NOW)
        end_sponsored_vehicle(sponsored_id=first.sponsored_vehicles.get().pk, valid_to=MAY, by=make.maker(), at=NOW)
        sponsor_vehicle(contract_id=second.pk, vehicle_id=vehicle.pk, valid_from=MAY, by=make.maker(), at=NOW)
        assert [row.contract for row in vehicle.sponsored.order_by("pk")] == [first, second]

    def test_the_end_of_the_sponsors_contract_frees_the_vehicle(self) -> None:
        vehicle = make.make_vehicle()
        first = make.make_contract_in_force("sponsorship", vehicles=[vehicle])
        end_contract(contract_id=first.pk, ends_on=MAY, reason="budget", by=make.maker(), at=NOW)
        second = make.make_contract_in_force("sponsorship")
        sponsor_vehicle(contract_id=second.pk, vehicle_id=vehicle.pk, valid_from=MAY, by=make.maker(), at=NOW)
        assert vehicle.sponsored.count() == 2

    def test_a_charging_contract_sponsors_nothing(self) -> None:
        contract, vehicle = make.make_contract_in_force(), make.make_vehicle()
        with refused(WrongState, "sponsorship"):
            sponsor_vehicle(contract_id=contract.pk, vehicle_id=vehicle.pk, valid_from=MAY, by=make.maker(), at=NOW)


class TestTerms:
    def test_a_tariff_is_taken_out_of_a_draft(self) -> None:
        version = make.make_version(make.make_contract(), approved=False)
        unassign_tariff(assignment_id=version.tariff_assignments.get().pk, by=make.maker(), at=NOW)
        assert version.tariff_assignments.count() == 0

    def test_approved_terms_take_no_tariff(self) -> None:
        contract = make.make_contract_in_force()
        version, tariff = contract.versions.get(), make.make_tariff(contract.operator)
        with refused(WrongState, "frozen"):
            assign_tariff(version_id=version.pk, tariff_id=tariff.pk, priority=5, by=make.maker(), at=NOW)
        with refused(WrongState, "frozen"):
            unassign_tariff(assignment_id=version.tariff_assignments.get().pk, by=make.maker(), at=NOW)

    def test_a_tariff_in_another_currency_is_refused(self) -> None:
        contract = make.make_contract()
        version = make.make_version(contract, approved=False)
        tariff = make.make_tariff(contract.operator, currency="USD", document=make.tariff_document(currency="USD"))
        with refused(BadInput, "EUR"):
            assign_tariff(version_id=version.pk, tariff_id=tariff.pk, priority=5, by=make.maker(), at=NOW)

    def test_a_priority_stands_once(self) -> None:
        contract = make.make_contract()
        version, tariff = make.make_version(contract, approved=False), make.make_tariff(contract.operator)
        with refused(BadInput):
            assign_tariff(version_id=version.pk, tariff_id=tariff.pk, priority=0, by=make.maker(), at=NOW)

    @pytest.mark.parametrize("percent", [Decimal("-0.01"), Decimal("100.01")])
    def test_percentages_lie_between_0_and_100(self, percent: Decimal) -> None:
        hosting = make.make_version(make.make_contract("hosting"), approved=False)
        sponsor = make.make_version(make.make_contract("sponsorship"), approved=False)
        with refused(BadInput):
            set_revenue_share(version_id=hosting.pk, percent_of_net=percent, by=make.maker(), at=NOW)
        with refused(BadInput):
            set_sponsorship(version_id=sponsor.pk, percent=percent, by=make.maker(), at=NOW)

    def test_a_percentage_set_again_replaces_the_first(self) -> None:
        version = make.make_version(make.make_contract("hosting"), approved=False, percent=Decimal(40))
        set_revenue_share(version_id=version.pk, percent_of_net=Decimal(60), by=make.maker(), at=NOW)
        version.refresh_from_db()
        assert version.revenue_shares.get().percent_of_net == Decimal(60)

    def test_each_kind_has_its_own_terms(self) -> None:
        charging = make.make_version(make.make_contract(), approved=False)
        hosting = make.make_version(make.make_contract("hosting"), approved=False)
        with refused(WrongState, "charging"):
            set_revenue_share(version_id=charging.pk, percent_of_net=Decimal(1), by=make.maker(), at=NOW)
        with refused(WrongState, "hosting"):
            set_sponsorship(version_id=hosting.pk, percent=Decimal(1), by=make.maker(), at=NOW)
        tariff = make.make_tariff()
        with refused(WrongState, "hosting"):
            assign_tariff(version_id=hosting.pk, tariff_id=tariff.pk, by=make.maker(), at=NOW)


class TestTariffs:
    def test_prices_are_kept_to_the_digit(self) -> None:
        tariff = make.make_tariff(released=False)
        document = make.tariff_document()
        document["elements"][0]["price_components"][0]["price"] = Decimal("0.4350")
        version = draft_tariff_version(tariff_id=tariff.pk, valid_from=NOW, document=document, by=make.maker(), at=NOW)
        stored = version.document["elements"][0]["price_components"][0]["price"]
        version.refresh_from_db()
        assert stored == version.document["elements"][0]["price_components"][0]["price"] == "0.4350"
        assert (version.number, version.state) == (2, "draft")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"currency": "USD"}, "currency"),
            ({"elements": []}, "elements"),
            ({"elements": [{}]}, "elements[0].price_components"),
            ({"elements": [{"price_components": [{"type": "POWER", "price": 1}]}]}, "price_components[0].type"),
            ({"elements": [{"price_components": [{"type": "FLAT", "price": "-1"}]}]}, "price_components[0].price"),
            ({"elements": [{"price_components": [{"type": "FLAT", "price": "abc"}]}]}, "price_components[0].price"),
            ({"elements": [{"price_components": [{"type": "FLAT", "price": 0.1}]}]}, "float"),
            ({"elements": [{"price_components": [{"type": "FLAT", "price": 1}], "restrictions": 5}]}, "restrictions"),
        ],
    )
    def test_a_document_that_is_no_tariff_is_refused_at_its_place(self, change: dict, words: str) -> None:
        tariff = make.make_tariff(released=False)
        document = make.tariff_document() | change
        with refused(BadInput, words):
            draft_tariff_version(tariff_id=tariff.pk, valid_from=NOW, document=document, by=make.maker(), at=NOW)

    def test_a_second_person_releases(self) -> None:
        version = make.make_tariff(released=False).versions.get()
        with refused(MakerIsChecker):
            release_tariff_version(version_id=version.pk, by=make.maker(), at=NOW)
        released = release_tariff_version(version_id=version.pk, by=make.checker(), at=NOW)
        assert (released.state, released.released_by, released.released_at) == ("released", make.checker(), NOW)
        with refused(WrongState, "frozen"):
            release_tariff_version(version_id=version.pk, by=make.checker(), at=NOW)

    def test_whoever_changed_the_prices_is_their_maker(self) -> None:
        version = make.make_tariff(released=False).versions.get()
        values = {"valid_from": NOW, "ocpi_version": "2.2.1", "document": make.tariff_document("0.50")}
        change_tariff_version(version_id=version.pk, by=make.checker(), at=NOW, **values)
        with refused(MakerIsChecker):
            release_tariff_version(version_id=version.pk, by=make.checker(), at=NOW)
        assert release_tariff_version(version_id=version.pk, by=make.maker(), at=NOW).document == values["document"]
        with refused(WrongState, "frozen"):
            change_tariff_version(version_id=version.pk, by=make.checker(), at=NOW, **values)

    def test_two_versions_do_not_begin_at_one_instant(self) -> None:
        tariff = make.make_tariff(valid_from=NOW)
        version = make.make_tariff_version(tariff, None, NOW, released=False)
        with refused(WrongState, "2 Feb 2026"):
            release_tariff_version(version_id=version.pk, by=make.checker(), at=NOW)
