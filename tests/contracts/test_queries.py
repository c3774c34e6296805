"""Who pays, under which terms, at which tariff: each answer from the queries and the same from TermsBook."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from contracts.models import Contact, ContactRole, ContractKind, Membership, PartyKind, TokenAssignment
from contracts.operations.assignments import assign_tariff
from contracts.operations.contracts import approve_version, draft_version, end_contract, suspend_contract
from contracts.queries import (
    TermsBook,
    accountant_emails,
    hosting_contracts,
    parties_of,
    payer_of,
    sponsor_of,
    tariff_version_for,
    version_on,
)
from evbilling.kernel.clock import parse_month
from tests import factories as make

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)


def both(name: str, *args: Any) -> Any:
    """The answer of the query, after seeing that TermsBook gives the same."""
    queries = {"payer_of": payer_of, "sponsor_of": sponsor_of, "tariff_version_for": tariff_version_for}
    answer = (queries | {"version_on": version_on})[name](*args)
    assert getattr(TermsBook(), name)(*args) == answer
    return answer


def test_a_contract_for_all_sites_pays_and_names_the_cost_centre() -> None:
    party, token, site = make.make_party(), make.make_token(), make.make_site()
    centre = make.make_cost_centre(party)
    contract = make.make_contract_in_force(party=party, tokens=[token], cost_centre=centre)
    match = both("payer_of", token.pk, site.pk, NOON)
    assert (match.contract, match.cost_centre, match.problem) == (contract, centre, "")


def test_a_contract_naming_the_site_beats_one_for_all_sites() -> None:
    token, site, elsewhere = make.make_token(), make.make_site(), make.make_site()
    general = make.make_contract_in_force(tokens=[token])
    special = make.make_contract_in_force(tokens=[token], sites=[site])
    assert both("payer_of", token.pk, site.pk, NOON).contract == special
    assert both("payer_of", token.pk, elsewhere.pk, NOON).contract == general


def test_two_equally_good_contracts_are_ambiguous() -> None:
    token, site = make.make_token(), make.make_site()
    make.make_contract_in_force(tokens=[token], sites=[site])
    make.make_contract_in_force(tokens=[token], sites=[site, make.make_site()])
    match = both("payer_of", token.pk, site.pk, NOON)
    assert (match.contract, match.problem) == (None, "ambiguous")


@pytest.mark.parametrize("known", [True, False])
def test_no_contract_for_an_unknown_or_unassigned_token(known: bool) -> None:
    site = make.make_site()
    make.make_contract_in_force(tokens=[make.make_token()])
    match = both("payer_of", make.make_token().pk if known else None, site.pk, NOON)
    assert (match.contract, match.problem) == (None, "no_contract")


def test_a_contract_for_another_site_does_not_pay() -> None:
    token = make.make_token()
    make.make_contract_in_force(tokens=[token], sites=[make.make_site()])
    assert both("payer_of", token.pk, make.make_site().pk, NOON).problem == "no_contract"
    assert both("payer_of", token.pk, None, NOON).problem == "no_contract"


@pytest.mark.parametrize(
    ("instant", "pays"),
    [
        ("2026-01-31T22:59:59Z", False),
        ("2026-01-31T23:00:00Z", True),
        ("2026-02-28T22:59:59Z", True),
        ("2026-02-28T23:00:00Z", False),
    ],
)
def test_an_assignment_holds_on_local_days_of_the_contracts_zone(instant: str, pays: bool) -> None:
    token, site, contract = make.make_token(), make.make_site(), make.make_contract_in_force()
    make.make_assignment(token, contract, valid_from=dt.date(2026, 2, 1), valid_to=dt.date(2026, 3, 1))
    match = both("payer_of", token.pk, site.pk, dt.datetime.fromisoformat(instant))
    assert (match.contract == contract) is pays


def test_a_draft_does_not_pay_a_suspended_and_an_ended_contract_do_on_their_days() -> None:
    token, site = make.make_token(), make.make_site()
    draft = make.make_contract()
    make.make_assignment(token, draft)
    assert both("payer_of", token.pk, site.pk, NOON).problem == "no_contract"
    contract = make.make_contract_in_force(tokens=[token])
    suspend_contract(contract_id=contract.pk, reason="unpaid", by=make.maker(), at=NOON)
    assert both("payer_of", token.pk, site.pk, NOON).contract == contract
    end_contract(
        contract_id=contract.pk, ends_on=dt.date(2026, 3, 11), reason="left", early=True, by=make.maker(), at=NOON
    )
    assert both("payer_of", token.pk, site.pk, NOON).contract == contract
    assert both("payer_of", token.pk, site.pk, NOON + dt.timedelta(days=1)).problem == "no_contract"


def test_hosting_and_sponsorship_contracts_never_pay_for_a_token() -> None:
    token, site = make.make_token(), make.make_site()
    assert payer_of(token.pk, site.pk, NOON).problem == "no_contract"
    contract = make.make_contract_in_force(ContractKind.HOSTING)
    TokenAssignment.objects.create(token=token, contract=contract, valid_from=make.FIRST_DAY)
    assert both("payer_of", token.pk, site.pk, NOON).problem == "no_contract"


def test_the_book_of_an_operator_knows_only_its_contracts() -> None:
    token, site, contract = make.make_token(), make.make_site(), make.make_contract_in_force()
    make.make_assignment(token, contract)
    other = make.make_operator()
    assert TermsBook(contract.operator_id).payer_of(token.pk, site.pk, NOON).contract == contract
    assert TermsBook(other.pk).payer_of(token.pk, site.pk, NOON).problem == "no_contract"
    assert payer_of(token.pk, site.pk, NOON, operator_id=other.pk).problem == "no_contract"


def test_the_latest_approved_version_that_began_is_in_force() -> None:
    contract = make.make_contract_in_force()
    second = make.make_version(contract, valid_from=dt.date(2026, 4, 1))
    make.make_version(contract, valid_from=dt.date(2026, 3, 1), approved=False)
    first = contract.versions.get(number=1)
    assert both("version_on", contract, dt.date(2025, 12, 31)) is None
    assert both("version_on", contract, dt.date(2026, 3, 31)) == first
    assert both("version_on", contract, dt.date(2026, 4, 1)) == second


def test_the_highest_priority_that_fits_prices_the_session() -> None:
    operator, site = make.make_operator(), make.make_site()
    contract = make.make_contract(operator=operator)
    version = draft_version(contract_id=contract.pk, valid_from=make.FIRST_DAY, by=make.maker(), at=make.AT)
    base, fast, here = (make.make_tariff(operator) for _ in range(3))

    def assign(tariff: Any, **more: Any) -> None:
        assign_tariff(version_id=version.pk, tariff_id=tariff.pk, by=make.maker(), at=make.AT, **more)

    assign(base, priority=0)
    assign(fast, priority=1, min_power_w=50_000, max_power_w=150_000)
    assign(here, priority=2, site_id=site.pk)
    offered = approve_version(version_id=version.pk, by=make.checker(), at=make.AT)

    def chosen(site_id: int | None, power_w: int | None) -> Any:
        return tariff_version_for(offered, site_id, power_w, NOON).tariff

    assert chosen(site.pk, 100_000) == here
    assert chosen(None, 50_000) == fast
    assert [chosen(None, power) for power in (49_999, 150_000, None)] == [base, base, base]


def test_a_session_gets_the_prices_released_for_its_start() -> None:
    operator = make.make_operator()
    change = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    tariff = make.make_tariff(operator)
    dearer = make.make_tariff_version(tariff, make.tariff_document("0.60"), change)
    make.make_tariff_version(tariff, make.tariff_document("0.99"), NOON, released=False)
    version = make.make_contract_in_force(operator=operator, tariff=tariff).versions.get()
    assert both("tariff_version_for", version, None, None, change - dt.timedelta(seconds=1)).number == 1
    assert both("tariff_version_for", version, None, None, change) == dearer
    assert both("tariff_version_for", version, None, None, NOON) == dearer


def test_a_lower_assignment_never_steps_in_for_unreleased_prices() -> None:
    operator = make.make_operator()
    contract = make.make_contract(operator=operator)
    version = make.make_version(contract, tariff=make.make_tariff(operator), approved=False)
    late = make.make_tariff(operator, valid_from=NOON + dt.timedelta(days=1))
    assign_tariff(version_id=version.pk, tariff_id=late.pk, priority=5, by=make.maker(), at=make.AT)
    approve_version(version_id=version.pk, by=make.checker(), at=make.AT)
    assert tariff_version_for(version, None, None, NOON) is None


def test_a_sponsor_pays_for_a_vehicle_on_its_days() -> None:
    vehicle = make.make_vehicle()
    contract = make.make_contract_in_force(
        ContractKind.SPONSORSHIP,
        vehicles=[vehicle],
        percent=Decimal("33.5"),
        party=make.make_party(PartyKind.EV_MANUFACTURER),
    )
    match = both("sponsor_of", vehicle.pk, NOON)
    assert (match.contract, match.contract_version, match.percent) == (
        contract,
        contract.versions.get(),
        Decimal("33.5"),
    )
    assert both("sponsor_of", vehicle.pk, dt.datetime(2025, 12, 31, 22, 59, tzinfo=dt.UTC)) is None
    assert both("sponsor_of", make.make_vehicle().pk, NOON) is None
    assert both("sponsor_of", None, NOON) is None


def test_a_sponsorship_for_named_sites_covers_only_those() -> None:
    vehicle, site = make.make_vehicle(), make.make_site()
    contract = make.make_contract_in_force(ContractKind.SPONSORSHIP, vehicles=[vehicle], sites=[site])
    for answer in (sponsor_of, TermsBook().sponsor_of):
        assert answer(vehicle.pk, NOON).contract == contract
        assert answer(vehicle.pk, NOON, site_id=site.pk).contract == contract
        assert answer(vehicle.pk, NOON, site_id=make.make_site().pk) is None


def test_hosts_of_a_period_are_those_with_a_day_in_it() -> None:
    operator = make.make_operator()
    contract = make.make_contract_in_force(ContractKind.HOSTING, operator, starts_on=dt.date(2026, 2, 28))
    make.make_contract_in_force(ContractKind.HOSTING)
    make.make_contract_in_force(operator=operator)
    assert list(hosting_contracts(operator, parse_month("2026-01"))) == []
    assert list(hosting_contracts(operator, parse_month("2026-02"))) == [contract]
    end_contract(
        contract_id=contract.pk, ends_on=dt.date(2026, 4, 1), reason="sold", early=True, by=make.maker(), at=NOON
    )
    assert list(hosting_contracts(operator, parse_month("2026-03"))) == [contract]
    assert list(hosting_contracts(operator, parse_month("2026-04"))) == []


def test_documents_go_to_the_accountants_alone() -> None:
    party = make.make_party(accountant="z@example.com")
    Contact.objects.create(party=party, name="A", email="a@example.com", role=ContactRole.ACCOUNTANT)
    Contact.objects.create(party=party, name="F", email="fleet@example.com", role=ContactRole.FLEET_MANAGER)
    assert accountant_emails(party) == ["a@example.com", "z@example.com"]
    assert accountant_emails(make.make_party()) == []


def test_a_user_acts_for_the_parties_of_active_memberships() -> None:
    party = make.make_party()
    user = make.make_member(party)
    left = make.make_party()
    Membership.objects.create(user=user, party=left, role="viewer", active=False)
    assert list(parties_of(user)) == [party]
    assert list(parties_of(AnonymousUser())) == []
    assert list(parties_of(make.make_user())) == []


def test_the_book_loads_with_a_constant_number_of_queries(django_assert_num_queries: Any) -> None:
    site = make.make_site()
    tokens = [make.make_token() for _ in range(5)]
    for token in tokens:
        contract = make.make_contract_in_force(tokens=[token], sites=[site])
    with django_assert_num_queries(9):
        book = TermsBook()
    with django_assert_num_queries(0):
        assert [bool(book.payer_of(token.pk, site.pk, NOON).contract.party.legal_name) for token in tokens] == [
            True
        ] * 5
        version = book.version_on(contract, NOON.date())
        assert book.tariff_version_for(version, site.pk, 22_000, NOON).tariff.code
