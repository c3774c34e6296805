"""What is wrong or missing before a contract binds: errors stop its activation, warnings are listed."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Contract
from contracts.operations.assignments import assign_tariff, unassign_tariff
from contracts.operations.contracts import activate_contract
from contracts.queries.findings import findings_before_activation
from evbilling.kernel.errors import WrongState
from tests import factories as make
from tests.contracts.papers import signatory
from tests.contracts.traces import refused
from tests.contracts.world import sign_in

pytestmark = pytest.mark.django_db
NOW = make.AT


def codes(contract: Contract) -> dict[str, bool]:
    return {each.code: each.is_error for each in findings_before_activation(contract)}


def sound(**fields: Any) -> Contract:
    """An offered contract of which nothing is to be said."""
    site = make.make_site()
    make.make_station(site)
    party = make.make_party(accountant="accounts@fleet.example")
    signatory(party)
    contract = make.make_contract(party=party, sites=[site], **fields)
    make.make_version(contract)
    make.make_assignment(make.make_token(), contract)
    return make.offer_undrawn(contract)


def test_of_a_sound_contract_there_is_nothing_to_say() -> None:
    assert codes(sound()) == {}


def test_people_who_are_missing_are_a_warning() -> None:
    contract = make.make_contract()
    make.make_version(contract)
    assert codes(contract) == {"no_accountant": False, "no_signatory": False, "no_tokens": False}


def test_a_connector_that_no_tariff_fits_stops_the_activation() -> None:
    site = make.make_site(name="Harbour")
    make.make_station(site, max_power_w=150_000)
    contract = make.make_contract(sites=[site])
    version = make.make_version(contract, approved=False)
    assigned = version.tariff_assignments.get()
    unassign_tariff(assignment_id=assigned.pk, by=make.maker(), at=NOW)
    values = {"version_id": version.pk, "tariff_id": assigned.tariff_id, "by": make.maker(), "at": NOW}
    assign_tariff(max_power_w=150_000, **values)
    make.approve_undrawn(version)
    make.offer_undrawn(contract)
    (gap,) = [each for each in findings_before_activation(contract) if each.is_error]
    assert (gap.code, "Harbour" in gap.text, "150 kW" in gap.text) == ("no_tariff_fits", True, True)
    with refused(WrongState, "No tariff of the contract fits"):
        activate_contract(contract_id=contract.pk, by=make.checker(), at=NOW)


def test_a_power_just_below_the_bound_fits() -> None:
    site = make.make_site()
    make.make_station(site, max_power_w=149_999)
    contract = make.make_contract(sites=[site])
    version = make.make_version(contract, approved=False)
    assigned = version.tariff_assignments.get()
    unassign_tariff(assignment_id=assigned.pk, by=make.maker(), at=NOW)
    assign_tariff(version_id=version.pk, tariff_id=assigned.tariff_id, max_power_w=150_000, by=make.maker(), at=NOW)
    make.approve_undrawn(version)
    assert "no_tariff_fits" not in codes(contract)


def test_reverse_charge_needs_a_vat_id() -> None:
    contract = make.make_contract()
    make.make_version(contract, tax_treatment="reverse_charge")
    assert codes(contract)["no_vat_id"] is True
    contract.party.vat_id = "DE136695976"
    contract.party.save()
    assert "no_vat_id" not in codes(Contract.objects.get(pk=contract.pk))


@pytest.mark.parametrize(
    ("from_on", "to_on", "named", "clash"),
    [
        (dt.date(2026, 1, 1), None, True, True),
        (dt.date(2025, 1, 1), dt.date(2026, 1, 1), True, False),  # ends as the other begins
        (dt.date(2026, 1, 1), None, False, False),  # one that names the site beats one for all
    ],
)
def test_two_equal_claims_on_a_token_stop_the_activation(
    from_on: dt.date, to_on: dt.date | None, named: bool, clash: bool
) -> None:
    contract = sound()
    token = contract.token_assignments.get().token
    other = make.make_contract_in_force(
        operator=contract.operator, sites=list(contract.sites.all()) if named else (), starts_on=dt.date(2025, 1, 1)
    )
    make.make_assignment(token, other, valid_from=from_on, valid_to=to_on)
    assert codes(contract).get("ambiguous_tokens", False) is clash


def test_days_that_do_not_meet_are_warnings() -> None:
    contract = make.make_contract(starts_on=dt.date(2026, 3, 1))
    make.make_version(contract, dt.date(2026, 3, 1))
    make.make_assignment(make.make_token(), contract, valid_from=dt.date(2026, 3, 5), valid_to=dt.date(2026, 4, 1))
    assert codes(contract)["late_tokens"] is False


def test_a_sponsorship_without_vehicles_and_a_host_without_sites_are_warnings() -> None:
    assert codes(make.make_contract("sponsorship"))["no_vehicles"] is False
    assert codes(make.make_contract("hosting"))["no_sites"] is False


def test_the_page_and_the_dialog_list_them(client: Client, settings: Any) -> None:
    contract = make.make_contract()
    make.make_version(contract)
    make.offer_undrawn(contract)
    staff = sign_in(client, make.make_user(), settings)
    for name in ("change", "activate"):
        text = staff.get(reverse(f"admin:contracts_contract_{name}", args=[contract.pk])).content.decode()
        assert "has no accountant&#x27;s address" in text, name
        assert "signed on paper" in text, name
