"""A contract's life: the table of steps, the second person, what activation needs; a refusal changes nothing."""

import datetime as dt
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from contracts.models import Contract, ContractKind, ContractState, ContractVersion, Side
from contracts.operations.agreements import waive_acknowledgement
from contracts.operations.assignments import assign_tariff
from contracts.operations.contracts import (
    activate_contract,
    approve_version,
    change_contract,
    create_contract,
    draft_version,
    end_contract,
    offer_contract,
    resume_contract,
    suspend_contract,
    withdraw_offer,
)
from contracts.rules.lifecycle import TRANSITIONS, Step, next_state, steps_from
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, MakerIsChecker, NotAllowed, NotFound, WrongState
from tests import factories as make
from tests.contracts.traces import actions, refused

NOW = dt.datetime(2026, 2, 2, 10, tzinfo=dt.UTC)
DAY = dt.date(2026, 6, 1)


def do(step: Step, contract: Contract, by: User) -> Contract:
    """Take a step with harmless values."""
    who = {"contract_id": contract.pk, "by": by, "at": NOW}
    match step:
        case Step.OFFER:
            return offer_contract(**who)
        case Step.WITHDRAW:
            return withdraw_offer(reason="typo", **who)
        case Step.ACTIVATE:
            return activate_contract(**who)
        case Step.SUSPEND:
            return suspend_contract(reason="unpaid", **who)
        case Step.RESUME:
            return resume_contract(reason="paid", **who)
        case Step.END:
            return end_contract(ends_on=DAY, reason="moved", **who)


def waive(version: ContractVersion) -> None:
    for side in Side:
        waive_acknowledgement(version_id=version.pk, side=side, reason="signed on paper", by=make.maker(), at=NOW)


def test_the_table_leads_from_draft_to_ended_and_nowhere_else() -> None:
    states = set(ContractState.values)
    reached, queue = {"draft"}, ["draft"]
    while queue:
        state = queue.pop()
        found = {TRANSITIONS[state, step] for step in steps_from(state)} - reached
        reached |= found
        queue += found
    assert reached == states
    assert steps_from("ended") == frozenset()


@pytest.mark.parametrize(("state", "step"), list(itertools.product(ContractState.values, Step)))
def test_the_table_refuses_every_other_step(state: str, step: Step) -> None:
    if (state, step) in TRANSITIONS:
        assert next_state(state, step, number="K-1", named=state.upper(), refusal="") == TRANSITIONS[state, step]
    else:
        with pytest.raises(WrongState, match=f"K-1 is {state.upper()}"):
            next_state(state, step, number="K-1", named=state.upper(), refusal="%(number)s is %(state)s")


class RandomLives(TestCase):
    """Any order of steps: each does what the table says, or changes nothing at all."""

    @given(steps=st.lists(st.sampled_from(list(Step)), max_size=8))
    @settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
    def test_steps_follow_the_table(self, steps: list[Step]) -> None:
        contract = make.make_contract()
        waive(make.make_version(contract))
        state = "draft"
        for step in steps:
            expected = TRANSITIONS.get((state, step))
            if expected is None:
                with refused(WrongState):
                    do(step, contract, make.checker())
            else:
                before = len(actions())
                assert do(step, contract, make.checker()).state == expected
                assert actions()[before:] == [f"contracts.contract.{step}"]
                state = expected
            contract.refresh_from_db()
            assert contract.state == state


@pytest.mark.django_db
class TestActivation:
    def ready(self, kind: str = ContractKind.CHARGING) -> Contract:
        contract = make.make_contract(kind)
        make.make_version(contract)
        return make.offer_undrawn(contract)

    @pytest.mark.parametrize("kind", ContractKind.values)
    def test_a_second_person_activates(self, kind: str) -> None:
        contract = activate_contract(contract_id=self.ready(kind).pk, by=make.checker(), at=NOW)
        assert (contract.state, contract.activated_by, contract.activated_at) == ("active", make.checker(), NOW)

    def test_its_maker_does_not(self) -> None:
        contract = self.ready()
        with refused(MakerIsChecker, contract.number):
            activate_contract(contract_id=contract.pk, by=make.maker(), at=NOW)

    def test_whoever_corrected_it_does_not(self) -> None:
        contract = make.make_contract()
        make.make_version(contract)
        change_contract(contract_id=contract.pk, zone="Europe/Vienna", by=make.checker(), at=NOW)
        make.offer_undrawn(contract)
        with refused(MakerIsChecker):
            activate_contract(contract_id=contract.pk, by=make.checker(), at=NOW)
        assert activate_contract(contract_id=contract.pk, by=make.maker(), at=NOW).state == "active"

    def test_nobody_is_no_second_person(self) -> None:
        contract = self.ready()
        with refused(NotAllowed, "people"):
            activate_contract(contract_id=contract.pk, by=None, at=NOW)

    def test_a_clerk_may_not(self) -> None:
        contract, clerk = self.ready(), make.make_user(Role.BILLING_CLERK)
        with refused(NotAllowed, "role"):
            activate_contract(contract_id=contract.pk, by=clerk, at=NOW)

    def test_terms_must_hold_on_the_first_day(self) -> None:
        contract = make.make_contract(starts_on=dt.date(2026, 1, 31))
        make.make_version(contract, valid_from=dt.date(2026, 2, 1))
        with refused(WrongState, "31 Jan 2026"):
            offer_contract(contract_id=contract.pk, by=make.maker(), at=NOW)

    def test_terms_must_be_approved(self) -> None:
        contract = make.make_contract()
        make.make_version(contract, approved=False)
        with refused(WrongState, "no approved terms"):
            offer_contract(contract_id=contract.pk, by=make.maker(), at=NOW)

    def test_a_charging_contract_is_not_offered_without_released_prices(self) -> None:
        contract = make.make_contract()
        tariff = make.make_tariff(contract.operator, released=False)
        make.make_version(contract, tariff=tariff)
        with refused(WrongState, tariff.code):
            offer_contract(contract_id=contract.pk, by=make.maker(), at=NOW)

    def test_prices_released_for_later_are_not_enough(self) -> None:
        contract = make.make_contract()
        first_instant = dt.datetime(2025, 12, 31, 23, tzinfo=dt.UTC)
        tariff = make.make_tariff(contract.operator, valid_from=first_instant + dt.timedelta(seconds=1))
        make.make_version(contract, tariff=tariff)
        with refused(WrongState, tariff.code):
            offer_contract(contract_id=contract.pk, by=make.maker(), at=NOW)
        make.make_tariff_version(tariff, None, first_instant)
        make.offer_undrawn(contract)
        assert activate_contract(contract_id=contract.pk, by=make.checker(), at=NOW).state == "active"


@pytest.mark.django_db
class TestDrafts:
    def test_making_one_is_on_record(self) -> None:
        site, party = make.make_site(), make.make_party()
        contract = make.make_contract(party=party, sites=[site], number=" K-7 ")
        record = AuditRecord.objects.get(action="contracts.contract.create")
        assert (contract.number, contract.state, list(contract.sites.all())) == ("K-7", "draft", [site])
        assert (record.by_id, record.object_id, record.changes["sites"]) == (
            make.maker().pk,
            str(contract.pk),
            [site.ref],
        )

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("zone", "Mars/Base", "zone"),
            ("currency", "XXX", "currency"),
            ("kind", "lease", "kind"),
            ("number", "", "contract number"),
            ("site_ids", [999], "sites"),
            ("party_id", 999, "party"),
        ],
    )
    def test_a_bad_value_is_named(self, field: str, value: object, words: str) -> None:
        values = {
            "operator_id": make.make_operator().pk,
            "party_id": make.make_party().pk,
            "kind": "charging",
            "number": "K-1",
            "currency": "EUR",
            "zone": make.ZONE,
            "starts_on": make.FIRST_DAY,
            "by": make.maker(),
            "at": NOW,
        }
        with refused(BadInput, words):
            create_contract(**values | {field: value})

    def test_a_number_stands_once(self) -> None:
        contract = make.make_contract()
        operator, party = make.make_operator(), make.make_party()
        with refused(BadInput, contract.number):
            make.make_contract(operator=operator, party=party, number=contract.number)

    def test_a_draft_is_corrected_and_the_old_values_are_on_record(self) -> None:
        contract, site = make.make_contract(), make.make_site()
        change_contract(contract_id=contract.pk, number="K-NEW", site_ids=[site.pk], by=make.maker(), at=NOW)
        assert AuditRecord.objects.get(action="contracts.contract.change").changes == {
            "number": [contract.number, "K-NEW"],
            "sites": [[], [site.pk]],
        }
        contract.refresh_from_db()
        assert (contract.number, list(contract.sites.all())) == ("K-NEW", [site])

    def test_what_is_in_force_keeps_all_but_its_purchase_order(self) -> None:
        contract = make.make_contract_in_force()
        changed = change_contract(contract_id=contract.pk, purchase_order="PO 5", by=make.maker(), at=NOW)
        assert changed.purchase_order == "PO 5"
        with refused(WrongState, contract.number):
            change_contract(contract_id=contract.pk, currency="USD", by=make.maker(), at=NOW)
        with refused(BadInput, "state"):
            change_contract(contract_id=contract.pk, state="ended", by=make.maker(), at=NOW)

    def test_an_offer_without_terms_is_refused(self) -> None:
        contract = make.make_contract()
        with refused(WrongState, "no approved terms"):
            offer_contract(contract_id=contract.pk, by=make.maker(), at=NOW)

    def test_there_is_no_such_contract(self) -> None:
        make.maker()
        with refused(NotFound, "999"):
            offer_contract(contract_id=999, by=make.maker(), at=NOW)


@pytest.mark.django_db
class TestEnding:
    def test_the_end_may_lie_ahead_and_not_before_the_start(self) -> None:
        contract = make.make_contract_in_force()
        with refused(BadInput, "2025-12-31"):
            end_contract(contract_id=contract.pk, ends_on=dt.date(2025, 12, 31), reason="x", by=make.maker(), at=NOW)
        ended = end_contract(contract_id=contract.pk, ends_on=DAY, reason="moved", by=make.maker(), at=NOW)
        assert (ended.state, ended.ends_on) == ("ended", DAY)
        record = AuditRecord.objects.get(action="contracts.contract.end")
        assert (record.reason, record.changes) == (
            "moved",
            {
                "state": ["active", "ended"],
                "ends_on": "2026-06-01",
                "notice_given_on": "2026-02-02",
                "early": False,
            },
        )

    @pytest.mark.parametrize("step", [suspend_contract, withdraw_offer, end_contract])
    def test_a_reason_is_needed(self, step: object) -> None:
        contract = make.make_contract_in_force()
        more = {"ends_on": DAY} if step is end_contract else {}
        with refused(BadInput, "Say why"):
            step(contract_id=contract.pk, reason="  ", by=make.maker(), at=NOW, **more)  # type: ignore[operator]


@pytest.mark.django_db
class TestVersions:
    def test_numbers_run_and_terms_are_copied(self) -> None:
        contract = make.make_contract_in_force()
        first = contract.versions.get()
        second = draft_version(contract_id=contract.pk, valid_from=DAY, copy_from=first.pk, by=make.maker(), at=NOW)
        assert (second.number, second.state) == (2, "draft")
        assert second.tariff_assignments.get().tariff == first.tariff_assignments.get().tariff
        assert first.tariff_assignments.count() == 1

    def test_terms_of_another_contract_are_not_copied(self) -> None:
        contract, other = make.make_contract_in_force(), make.make_contract_in_force()
        with refused(BadInput, "copy from"):
            draft_version(
                contract_id=contract.pk,
                valid_from=DAY,
                copy_from=other.versions.get().pk,
                by=make.maker(),
                at=NOW,
            )

    def test_their_maker_does_not_approve_them(self) -> None:
        version = make.make_version(make.make_contract(), approved=False)
        with refused(MakerIsChecker, str(version)):
            approve_version(version_id=version.pk, by=make.maker(), at=NOW)

    def test_whoever_assigned_the_tariff_is_their_maker(self) -> None:
        contract = make.make_contract()
        version = make.make_version(contract, approved=False)
        tariff = make.make_tariff(contract.operator)
        assign_tariff(version_id=version.pk, tariff_id=tariff.pk, priority=9, by=make.checker(), at=NOW)
        with refused(MakerIsChecker):
            approve_version(version_id=version.pk, by=make.checker(), at=NOW)
        assert approve_version(version_id=version.pk, by=make.maker(), at=NOW).state == "approved"

    def test_two_versions_do_not_begin_on_one_day(self) -> None:
        contract = make.make_contract_in_force()
        version = make.make_version(contract, approved=False)
        with refused(WrongState, "1 Jan 2026"):
            approve_version(version_id=version.pk, by=make.checker(), at=NOW)

    @pytest.mark.parametrize("kind", ["charging", "hosting", "sponsorship"])
    def test_empty_terms_are_not_approved(self, kind: str) -> None:
        version = draft_version(
            contract_id=make.make_contract(kind).pk, valid_from=make.FIRST_DAY, by=make.maker(), at=NOW
        )
        with refused(WrongState, str(version)):
            approve_version(version_id=version.pk, by=make.checker(), at=NOW)

    def test_an_ended_contract_gets_no_new_terms(self) -> None:
        contract = make.make_contract_in_force()
        end_contract(contract_id=contract.pk, ends_on=DAY, reason="moved", by=make.maker(), at=NOW)
        with refused(WrongState, "has ended"):
            draft_version(contract_id=contract.pk, valid_from=DAY, by=make.maker(), at=NOW)
        assert ContractVersion.objects.count() == 1
