"""Terms in a draft: added, changed and removed by operations, frozen with their version, copied with it."""

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from contracts import queries
from contracts.models import ContractTerm, ContractVersion
from contracts.operations.terms import add_term, change_term, remove_term
from contracts.operations.versions import approve_version, draft_version
from contracts.queries import TermsBook
from contracts.rules import terms
from evbilling.access.roles import Role
from evbilling.kernel.errors import BadInput, MakerIsChecker, NotAllowed, NotFound, WrongState
from tests import factories as make
from tests.contracts.traces import actions, records, refused

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 2, 2, 10, tzinfo=dt.UTC)
FEE = {"amount": "49.90", "per": "contract"}
CAP = {"dimension": "TIME", "start_time": "22:00", "end_time": "06:00", "max_amount": "8"}
TIERS = {"tiers": [{"from_kwh": "1000", "percent": "5"}]}


def who(**others: Any) -> dict[str, Any]:
    return {"by": make.maker(), "at": NOW} | others


@pytest.fixture
def draft() -> ContractVersion:
    return make.make_version(make.make_contract(), approved=False)


def test_given_a_draft_when_a_term_is_added_then_it_stands_and_is_on_record(draft: ContractVersion) -> None:
    row = add_term(version_id=draft.pk, kind="base_fee", figures=FEE, **who())
    assert (row.kind, row.position, row.figures) == ("base_fee", 0, {"amount": "49.9", "per": "contract"})
    record = records().last()
    assert record is not None
    assert record.action == "contracts.version.add_term"
    assert record.changes == {"kind": "base_fee", "to": {"amount": "49.9", "per": "contract"}}


def test_given_two_caps_when_added_then_each_has_its_place(draft: ContractVersion) -> None:
    rows = [add_term(version_id=draft.pk, kind="window_cap", figures=CAP, **who()) for _ in range(2)]
    assert [row.position for row in rows] == [0, 1]


def test_given_a_term_when_changed_then_only_other_figures_leave_a_trace(draft: ContractVersion) -> None:
    row = add_term(version_id=draft.pk, kind="base_fee", figures=FEE, **who())
    before = actions()
    change_term(term_id=row.pk, figures=FEE, **who())
    assert actions() == before
    changed = change_term(term_id=row.pk, figures=FEE | {"per": "vehicle"}, **who())
    assert changed.figures == {"amount": "49.9", "per": "vehicle"}
    assert actions() == [*before, "contracts.version.change_term"]


def test_given_a_term_when_removed_then_the_trail_keeps_what_it_said(draft: ContractVersion) -> None:
    row = add_term(version_id=draft.pk, kind="base_fee", figures=FEE, **who())
    remove_term(term_id=row.pk, **who())
    assert not ContractTerm.objects.exists()
    record = records().last()
    assert record is not None
    assert record.changes == {"kind": "base_fee", "from": {"amount": "49.9", "per": "contract"}}


def test_figures_that_cannot_be_used_change_nothing(draft: ContractVersion) -> None:
    with refused(BadInput, "amount"):
        add_term(version_id=draft.pk, kind="base_fee", figures=FEE | {"amount": "-1"}, **who())
    row = add_term(version_id=draft.pk, kind="base_fee", figures=FEE, **who())
    with refused(BadInput, "station"):
        change_term(term_id=row.pk, figures=FEE | {"per": "station"}, **who())


def test_a_kind_that_stands_once_is_refused_a_second_time(draft: ContractVersion) -> None:
    add_term(version_id=draft.pk, kind="graduated_discount", figures=TIERS, **who())
    with refused(WrongState, "graduated discount already"):
        add_term(version_id=draft.pk, kind="graduated_discount", figures=TIERS, **who())
    with refused(BadInput, "graduated discount stands already"):
        add_term(version_id=draft.pk, kind="volume_discount", figures=TIERS, **who())


def test_a_host_has_no_place_for_terms_of_customers() -> None:
    version = make.make_version(make.make_contract("hosting"), approved=False)
    with refused(WrongState, "no place for monthly base fee"):
        add_term(version_id=version.pk, kind="base_fee", figures=FEE, **who())


def test_approved_terms_stay_as_they_are(draft: ContractVersion) -> None:
    row = add_term(version_id=draft.pk, kind="base_fee", figures=FEE, **who())
    approve_version(version_id=draft.pk, **who(by=make.checker()))
    with refused(WrongState, "frozen"):
        add_term(version_id=draft.pk, kind="window_cap", figures=CAP, **who())
    with refused(WrongState, "frozen"):
        change_term(term_id=row.pk, figures=FEE | {"per": "vehicle"}, **who())
    with refused(WrongState, "frozen"):
        remove_term(term_id=row.pk, **who())
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        ContractTerm.objects.filter(pk=row.pk).update(figures={"amount": "1", "per": "contract"})


def test_whoever_changes_a_term_last_cannot_approve(draft: ContractVersion) -> None:
    add_term(version_id=draft.pk, kind="base_fee", figures=FEE, **who(by=make.checker()))
    with refused(MakerIsChecker):
        approve_version(version_id=draft.pk, **who(by=make.checker()))


def test_a_role_without_contracts_is_refused(draft: ContractVersion) -> None:
    clerk = make.make_user(Role.BILLING_CLERK)
    row = add_term(version_id=draft.pk, kind="base_fee", figures=FEE, **who())
    for step in (
        lambda: add_term(version_id=draft.pk, kind="window_cap", figures=CAP, by=clerk, at=NOW),
        lambda: change_term(term_id=row.pk, figures=FEE | {"amount": "1"}, by=clerk, at=NOW),
        lambda: remove_term(term_id=row.pk, by=clerk, at=NOW),
    ):
        with refused(NotAllowed):
            step()


def test_a_term_that_is_gone_is_not_found() -> None:
    with refused(NotFound, "4711"):
        remove_term(term_id=4711, **who())


def test_the_next_version_takes_the_terms_along() -> None:
    contract = make.make_contract_in_force(terms=[("base_fee", FEE), ("window_cap", CAP)])
    first = contract.versions.get()
    second = draft_version(contract_id=contract.pk, valid_from=dt.date(2026, 6, 1), copy_from=first.pk, **who())
    assert queries.terms_of(second) == queries.terms_of(first)
    assert ContractTerm.objects.count() == 4


def test_terms_are_read_in_the_order_in_which_they_act() -> None:
    contract = make.make_contract_in_force(
        terms=[("base_fee", FEE), ("included_energy", {"kwh": "100", "per": "contract"}), ("window_cap", CAP)]
    )
    version = contract.versions.get()
    found = queries.terms_of(version)
    assert [type(term) for term in found] == [terms.WindowCap, terms.IncludedEnergy, terms.BaseFee]
    assert TermsBook().terms_of(version) == found
    assert TermsBook().terms_of(make.make_contract_in_force().versions.get()) == ()
