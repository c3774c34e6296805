"""A contract's document: drawn once, kept for ever, acknowledged by both sides, who may and who may not."""

import datetime as dt
from hashlib import sha256

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from contracts.models import Acknowledgement, Contact, ContractDocument, ContractState, MembershipRole, Side
from contracts.operations.agreements import (
    acknowledge_as_operator,
    acknowledge_as_party,
    acknowledge_by_link,
    draw_document,
    preview_document,
    waive_acknowledgement,
)
from contracts.operations.contracts import activate_contract, change_contract, withdraw_offer
from contracts.queries.agreements import (
    LinkState,
    coming_unacknowledged,
    document_of,
    facts_of_link,
    missing_sides,
    read_link,
)
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.clock import start_of_day
from evbilling.kernel.errors import BadInput, NotAllowed, WrongState
from tests import factories as make
from tests.contracts.papers import Offered, offered
from tests.contracts.traces import refused

pytestmark = pytest.mark.django_db
NOW = make.AT + dt.timedelta(hours=1)


@pytest.fixture
def offer() -> Offered:
    return offered()


def both(offer: Offered) -> None:
    acknowledge_as_operator(version_id=offer.version.pk, sha256=offer.document.sha256, by=make.checker(), at=NOW)
    acknowledge_by_link(link=offer.link(), name="Sam Director", at=NOW, address="192.0.2.7")


class TestDrawing:
    def test_the_bytes_are_kept_with_their_hash(self, offer: Offered) -> None:
        kept = ContractDocument.objects.get()
        content = bytes(kept.content)
        assert content.startswith(b"%PDF-1.7")
        assert (kept.edition, kept.sha256, kept.language) == (1, sha256(content).hexdigest(), "en")

    def test_drawn_again_it_is_the_same_document(self, offer: Offered) -> None:
        assert draw_document(version_id=offer.version.pk, at=NOW) == offer.document
        assert ContractDocument.objects.count() == 1

    def test_the_database_refuses_to_change_it(self, offer: Offered) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            ContractDocument.objects.update(sha256="0" * 64)
        with pytest.raises(DatabaseError), transaction.atomic():
            ContractDocument.objects.all().delete()

    def test_a_correction_before_it_binds_makes_a_new_edition_to_be_acknowledged_anew(self, offer: Offered) -> None:
        acknowledge_as_operator(version_id=offer.version.pk, sha256=offer.document.sha256, by=make.checker(), at=NOW)
        withdraw_offer(contract_id=offer.contract.pk, reason="typo", by=make.maker(), at=NOW)
        change_contract(contract_id=offer.contract.pk, purchase_order="PO 9", by=make.maker(), at=NOW)
        second = draw_document(version_id=offer.version.pk, at=NOW)
        assert (second.edition, document_of(offer.version)) == (2, second)
        assert second.sha256 != offer.document.sha256
        assert missing_sides(offer.version) == [Side.OPERATOR, Side.PARTY]

    def test_a_preview_of_a_draft_is_kept_nowhere(self) -> None:
        version = make.make_version(make.make_contract(), approved=False)
        assert preview_document(version_id=version.pk, at=NOW).startswith(b"%PDF")
        assert not ContractDocument.objects.exists()


class TestActivation:
    def test_it_needs_both_words(self, offer: Offered) -> None:
        operator, party = offer.contract.operator.legal_name, offer.party.legal_name
        with refused(WrongState, f"{operator} and {party}"):
            activate_contract(contract_id=offer.contract.pk, by=make.checker(), at=NOW)
        acknowledge_by_link(link=offer.link(), name="Sam Director", at=NOW)
        with refused(WrongState, f"is not acknowledged by {operator} yet"):
            activate_contract(contract_id=offer.contract.pk, by=make.checker(), at=NOW)
        acknowledge_as_operator(version_id=offer.version.pk, sha256=offer.document.sha256, by=make.maker(), at=NOW)
        assert activate_contract(contract_id=offer.contract.pk, by=make.checker(), at=NOW).state == "active"

    def test_a_side_is_excused_with_a_reason_on_record(self, offer: Offered) -> None:
        acknowledge_as_operator(version_id=offer.version.pk, sha256=offer.document.sha256, by=make.maker(), at=NOW)
        waive_acknowledgement(
            version_id=offer.version.pk, side="party", reason="signed on paper", by=make.maker(), at=NOW
        )
        record = AuditRecord.objects.get(action="contracts.version.waive")
        assert (record.reason, record.changes) == ("signed on paper", {"side": "party"})
        assert activate_contract(contract_id=offer.contract.pk, by=make.checker(), at=NOW).state == "active"

    def test_excusing_needs_reason_right_and_a_side(self, offer: Offered) -> None:
        values = {"version_id": offer.version.pk, "side": "party", "reason": "paper", "by": make.maker(), "at": NOW}
        for error, change in (
            (BadInput, {"reason": " "}),
            (BadInput, {"side": "third"}),
            (NotAllowed, {"by": make.make_user(Role.BILLING_CLERK)}),
        ):
            with refused(error):
                waive_acknowledgement(**values | change)  # type: ignore[arg-type]


class TestWords:
    def test_what_is_kept_of_a_link(self, offer: Offered) -> None:
        acknowledge_by_link(link=offer.link(), name="  Sam   Director ", at=NOW, address="192.0.2.7")
        kept = Acknowledgement.objects.get()
        assert (kept.side, kept.name, kept.email, kept.address) == (
            "party",
            "Sam Director",
            "director@fleet.example",
            "192.0.2.7",
        )
        assert (kept.document_sha256, kept.contact, kept.user, kept.acknowledged_at) == (
            offer.document.sha256,
            offer.contact,
            None,
            NOW,
        )
        record = AuditRecord.objects.get(action="contracts.version.acknowledge")
        assert (record.where, record.changes["sha256"]) == ("192.0.2.7", offer.document.sha256)

    def test_nobody_acknowledges_twice(self, offer: Offered) -> None:
        both(offer)
        with refused(WrongState, "was acknowledged for the party by Sam Director"):
            acknowledge_by_link(link=offer.link(), name="Sam Director", at=NOW)
        with refused(WrongState, "was acknowledged"):
            waive_acknowledgement(version_id=offer.version.pk, side="operator", reason="x", by=make.maker(), at=NOW)

    def test_another_document_is_refused(self, offer: Offered) -> None:
        with refused(WrongState, "newer document"):
            acknowledge_by_link(link=offer.link(sha256="0" * 64), name="Sam Director", at=NOW)
        with refused(WrongState, "newer document"):
            acknowledge_as_operator(version_id=offer.version.pk, sha256="", by=make.maker(), at=NOW)

    @staticmethod
    def state(offer: Offered, at: dt.datetime) -> LinkState:
        facts = facts_of_link(offer.link(), at)
        assert facts is not None
        return facts.state

    def test_a_link_ends_with_its_last_day_in_the_contracts_zone(self, offer: Offered) -> None:
        late = start_of_day(dt.date(2026, 2, 1), offer.contract.zone)
        assert late == dt.datetime(2026, 1, 31, 23, tzinfo=dt.UTC)
        assert offer.link().until == dt.date(2026, 1, 31)
        assert self.state(offer, late) is LinkState.EXPIRED
        with refused(NotAllowed, "expired"):
            acknowledge_by_link(link=offer.link(), name="Sam Director", at=late)
        assert not Acknowledgement.objects.exists()
        assert self.state(offer, late - dt.timedelta(microseconds=1)) is LinkState.OPEN
        acknowledge_by_link(link=offer.link(), name="Sam Director", at=late - dt.timedelta(microseconds=1))

    def test_a_contact_who_signs_no_more_is_refused(self, offer: Offered) -> None:
        Contact.objects.create(party=offer.party, name="New", email="new@fleet.example", role="signatory")
        Contact.objects.filter(pk=offer.contact.pk).update(role="other")
        with refused(NotAllowed, "no longer"):
            acknowledge_by_link(link=offer.link(), name="Sam Director", at=NOW)

    def test_a_contact_of_another_company_is_refused(self, offer: Offered) -> None:
        stranger = offered()
        with refused(NotAllowed, "no longer"):
            acknowledge_by_link(link=offer.link(contact_id=stranger.contact.pk), name="Sam Director", at=NOW)

    def test_a_name_is_needed(self, offer: Offered) -> None:
        for name in ("", "  ", "x" * 121):
            with refused(BadInput, "name"):
                acknowledge_by_link(link=offer.link(), name=name, at=NOW)

    @pytest.mark.parametrize("role", [Role.BILLING_CLERK, Role.AUDITOR])
    def test_the_operators_word_needs_the_right(self, offer: Offered, role: Role) -> None:
        with refused(NotAllowed, "role"):
            acknowledge_as_operator(
                version_id=offer.version.pk, sha256=offer.document.sha256, by=make.make_user(role), at=NOW
            )

    def test_in_the_portal_managers_and_signatories_may(self, offer: Offered) -> None:
        values = {"version_id": offer.version.pk, "sha256": offer.document.sha256, "at": NOW}
        viewer = make.make_member(offer.party, MembershipRole.VIEWER)
        stranger = make.make_member(make.make_party())
        staff = make.maker()
        for person in (viewer, stranger, staff):
            with refused(NotAllowed, "manager or a signatory"):
                acknowledge_as_party(by=person, **values)  # type: ignore[arg-type]
        signing = make.make_member(offer.party, MembershipRole.VIEWER, email="director@fleet.example")
        assert acknowledge_as_party(by=signing, **values).user == signing  # type: ignore[arg-type]

    def test_a_draft_contract_has_nothing_to_acknowledge(self, offer: Offered) -> None:
        withdraw_offer(contract_id=offer.contract.pk, reason="typo", by=make.maker(), at=NOW)
        with refused(WrongState, "nothing to acknowledge"):
            acknowledge_by_link(link=offer.link(), name="Sam Director", at=NOW)


class TestLinks:
    def test_a_link_says_what_was_signed_and_nothing_else(self, offer: Offered) -> None:
        link = offer.link()
        token = link.token()
        assert read_link(token) == link
        assert read_link(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
        assert read_link("rubbish") is None
        assert reverse("agreement", kwargs={"token": token})

    def test_each_state_is_told_apart(self, offer: Offered) -> None:
        def state(at: dt.datetime = NOW) -> LinkState:
            facts = facts_of_link(offer.link(), at)
            assert facts is not None
            return facts.state

        assert state() is LinkState.OPEN
        assert state(dt.datetime(2026, 2, 1, tzinfo=dt.UTC)) is LinkState.EXPIRED
        Contact.objects.filter(pk=offer.contact.pk).update(role="other")
        assert state() is LinkState.REVOKED
        Contact.objects.filter(pk=offer.contact.pk).update(role="signatory")
        withdraw_offer(contract_id=offer.contract.pk, reason="typo", by=make.maker(), at=NOW)
        assert state() is LinkState.WITHDRAWN
        change_contract(contract_id=offer.contract.pk, purchase_order="PO 9", by=make.maker(), at=NOW)
        draw_document(version_id=offer.version.pk, at=NOW)
        assert state() is LinkState.REPLACED

    def test_a_link_that_was_used_ends_too_and_with_its_contacts_right_to_sign(self, offer: Offered) -> None:
        acknowledge_by_link(link=offer.link(), name="Sam Director", at=NOW, address="192.0.2.9")

        def state(at: dt.datetime = NOW) -> LinkState:
            facts = facts_of_link(offer.link(), at)
            assert facts is not None
            return facts.state

        assert state() is LinkState.DONE
        assert state(dt.datetime(2026, 2, 1, tzinfo=dt.UTC)) is LinkState.EXPIRED
        Contact.objects.filter(pk=offer.contact.pk).update(role="other")
        assert state() is LinkState.REVOKED

    def test_later_terms_that_hold_replace_the_offer(self, offer: Offered) -> None:
        both(offer)
        activate_contract(contract_id=offer.contract.pk, by=make.checker(), at=NOW)
        make.make_version(offer.contract, dt.date(2026, 1, 15))
        facts = facts_of_link(offer.link(), dt.datetime(2026, 1, 14, 22, 59, tzinfo=dt.UTC))
        assert facts is not None
        assert facts.state is LinkState.DONE
        facts = facts_of_link(offer.link(), dt.datetime(2026, 1, 14, 23, tzinfo=dt.UTC))
        assert facts is not None
        assert facts.state is LinkState.REPLACED


def test_coming_terms_that_the_party_does_not_know_are_listed_for_the_clerk() -> None:
    contract = make.make_contract_in_force()
    assert coming_unacknowledged(NOW) == []
    coming = make.make_version(contract, dt.date(2026, 5, 1))
    assert coming_unacknowledged(NOW) == [coming]
    waive_acknowledgement(version_id=coming.pk, side="party", reason="letter", by=make.maker(), at=NOW)
    assert coming_unacknowledged(NOW) == []
    assert contract.state == ContractState.ACTIVE
