"""Offers by mail: to those who may sign, with the file and a link of their own, at most once per intent."""

import datetime as dt
import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from contracts.models import Acknowledgement, Contact, OfferMail
from contracts.operations.contracts import offer_contract, withdraw_offer
from contracts.operations.offers import SEND_STEP, send_terms
from contracts.queries.agreements import read_link
from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.errors import BadInput, WrongState
from evbilling.kernel.outbox import OutboxMessage, OutboxState
from evbilling.kernel.posting import MaybeSent, NotSent
from evbilling.kernel.steps import observed
from tests import factories as make
from tests.contracts.papers import Offered, offered, signatory
from tests.contracts.traces import refused
from tests.contracts.world import sign_in
from tests.invoicing.month import Killed

pytestmark = pytest.mark.django_db
NOW = make.AT + dt.timedelta(minutes=5)
LINK = re.compile(r"https?://\S+/agreement/(\S+)/")


@pytest.fixture
def offer(settings: Any) -> Offered:
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    return offered()


def send() -> OutboxState:
    outbox.drain(at=NOW, kinds={SEND_STEP})
    return OutboxState(OutboxMessage.objects.get(kind=SEND_STEP).state)


class TestMail:
    def test_the_signatory_gets_file_hash_and_link(self, offer: Offered) -> None:
        assert send() is OutboxState.DONE
        (message,) = mail.outbox
        assert message.to == ["director@fleet.example"]
        assert offer.contract.number in message.subject
        assert message.reply_to == [offer.contract.operator.billing_email]
        body = str(message.body)
        assert offer.document.sha256 in body
        found = LINK.search(body)
        assert found is not None
        assert read_link(found[1]) == offer.link()
        name, content, kind = message.attachments[0]
        assert (name.startswith(offer.contract.number), kind) == (True, "application/pdf")
        assert content == bytes(offer.document.content)

    def test_sent_once_it_is_not_sent_again(self, offer: Offered) -> None:
        send()
        send()
        outbox.sweep(at=NOW + dt.timedelta(days=1))
        assert len(mail.outbox) == 1

    @pytest.mark.parametrize(("place", "mails"), [("contracts.offer.composed", 0), ("contracts.offer.sent", 1)])
    def test_killed_while_it_is_sent_it_waits_for_a_person(self, offer: Offered, place: str, mails: int) -> None:
        def kill(name: str) -> None:
            if name == place:
                raise Killed(name)

        with pytest.raises(Killed), observed(kill):
            send()
        later = NOW + dt.timedelta(days=1)
        outbox.sweep(at=later)
        outbox.drain(at=later, kinds={SEND_STEP})
        assert OutboxMessage.objects.get(kind=SEND_STEP).state == OutboxState.UNKNOWN
        assert len(mail.outbox) == mails

    def test_without_a_signatory_fleet_managers_get_it(self) -> None:
        contract = make.make_contract()
        for number in (1, 2):
            Contact.objects.create(
                party=contract.party, name="F", email=f"fleet{number}@x.example", role="fleet_manager"
            )
        make.make_version(contract)
        offer_contract(contract_id=contract.pk, by=make.maker(), at=make.AT)
        assert sorted(OfferMail.objects.values_list("email", flat=True)) == ["fleet1@x.example", "fleet2@x.example"]

    def test_while_the_document_is_drawn_the_mail_waits(self, offer: Offered) -> None:
        OutboxMessage.objects.filter(kind="contracts.document.draw").update(state=OutboxState.QUEUED)
        assert send() is OutboxState.QUEUED
        assert mail.outbox == []

    def test_a_withdrawn_offer_is_not_sent(self, offer: Offered) -> None:
        withdraw_offer(contract_id=offer.contract.pk, reason="typo", by=make.maker(), at=make.AT)
        assert send() is OutboxState.FAILED
        assert mail.outbox == []

    @pytest.mark.parametrize(
        ("error", "state"),
        [
            (MaybeSent("broken off"), OutboxState.UNKNOWN),
            (NotSent("no server"), OutboxState.QUEUED),
            (NotSent("no such address", permanent=True), OutboxState.FAILED),
        ],
    )
    def test_it_is_known_whether_it_may_have_gone_out(
        self, offer: Offered, monkeypatch: pytest.MonkeyPatch, error: Exception, state: OutboxState
    ) -> None:
        def broken(message: object) -> list[str]:
            raise error

        monkeypatch.setattr("evbilling.kernel.posting.post", broken)
        assert send() is state

    def test_sent_again_it_is_a_new_intent_with_a_reason(self, offer: Offered) -> None:
        with refused(WrongState, "under way"):
            send_terms(version_id=offer.version.pk, reason="lost", by=make.maker(), at=NOW)
        outbox.drain(at=NOW, kinds={SEND_STEP})
        with refused(BadInput):
            send_terms(version_id=offer.version.pk, reason=" ", by=make.maker(), at=NOW)
        send_terms(version_id=offer.version.pk, reason="lost", by=make.maker(), at=NOW)
        outbox.drain(at=NOW, kinds={SEND_STEP})
        assert list(OfferMail.objects.values_list("intent", flat=True)) == [1, 2]
        assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 2


class TestLinkPage:
    def page(self, offer: Offered, **changes: object) -> str:
        return reverse("agreement", kwargs={"token": offer.link(**changes).token()})

    @pytest.fixture
    def good(self, offer: Offered) -> Offered:
        return offer

    def test_opened_without_sign_in_it_shows_the_facts_and_changes_nothing(self, good: Offered, client: Client) -> None:
        far = dt.date(2099, 1, 1)
        answer = client.get(self.page(good, until=far))
        text = answer.content.decode()
        assert answer.status_code == 200
        assert good.document.sha256 in text
        assert "I have read it and acknowledge it" in text
        assert answer["Referrer-Policy"] == "same-origin"
        assert not Acknowledgement.objects.exists()
        file = client.get(f"{self.page(good, until=far)}document/")
        assert file.content == bytes(good.document.content)

    def test_with_a_name_it_is_acknowledged_once(self, good: Offered, client: Client) -> None:
        page = self.page(good, until=dt.date(2099, 1, 1))
        assert client.post(page, {"name": ""}).status_code == 400
        assert not Acknowledgement.objects.exists()
        assert client.post(page, {"name": "Sam Director"}, REMOTE_ADDR="192.0.2.9").status_code == 302
        assert Acknowledgement.objects.get().address == "192.0.2.9"
        assert "Sam Director acknowledged this document" in client.get(page).content.decode()
        assert client.post(page, {"name": "Sam Again"}).status_code == 400
        assert Acknowledgement.objects.count() == 1

    def test_an_expired_link_says_so_and_gives_no_file(self, good: Offered, client: Client) -> None:
        page = self.page(good)
        text = client.get(page).content.decode()
        assert "This link was valid until" in text
        assert "I have read it" not in text
        assert client.post(page, {"name": "Sam Director"}).status_code == 400
        assert client.get(f"{page}document/").status_code == 302
        assert not Acknowledgement.objects.exists()

    def test_a_forged_link_is_not_there(self, good: Offered, client: Client) -> None:
        page = self.page(good)
        assert client.get(page.replace("/agreement/", "/agreement/x")).status_code == 404
        assert client.get(self.page(good, sha256="0" * 64)).status_code == 404

    def test_a_form_of_another_site_is_refused(self, good: Offered) -> None:
        page = self.page(good, until=dt.date(2099, 1, 1))
        assert Client(enforce_csrf_checks=True).post(page, {"name": "Sam Director"}).status_code == 403
        assert not Acknowledgement.objects.exists()


class TestPortal:
    def addresses(self, offer: Offered) -> tuple[str, str, str]:
        number, version = offer.contract.number, offer.version.number
        return (
            reverse("portal:contract", args=[number]),
            reverse("portal:contract_document", args=[number, version]),
            reverse("portal:contract_acknowledge", args=[number, version]),
        )

    def visit(self, client: Client, user: User, settings: Any) -> Client:
        return sign_in(client, user, settings)

    def test_a_manager_reads_and_acknowledges(self, offer: Offered, client: Client, settings: Any) -> None:
        page, file, acknowledge = self.addresses(offer)
        manager = make.make_member(offer.party)
        self.visit(client, manager, settings)
        text = client.get(page).content.decode()
        assert "not acknowledged yet" in text
        assert acknowledge in text
        assert client.get(file).content == bytes(offer.document.content)
        assert client.get(acknowledge).status_code == 405
        assert client.post(acknowledge, {"sha256": "0" * 64}).status_code == 302
        assert not Acknowledgement.objects.exists()
        client.post(acknowledge, {"sha256": offer.document.sha256}, REMOTE_ADDR="192.0.2.3")
        kept = Acknowledgement.objects.get()
        assert (kept.user, kept.side, kept.address) == (manager, "party", "192.0.2.3")
        assert f"acknowledged by {manager.full_name}" in client.get(page).content.decode()

    @pytest.mark.parametrize("role", ["payer", "viewer"])
    def test_a_team_mate_without_the_right_reads_only(
        self, offer: Offered, client: Client, settings: Any, role: str
    ) -> None:
        page, file, acknowledge = self.addresses(offer)
        self.visit(client, make.make_member(offer.party, role), settings)
        text = client.get(page).content.decode()
        assert "A manager or signatory of your company acknowledges it" in text
        assert acknowledge not in text
        assert client.get(file).status_code == 200
        assert client.post(acknowledge, {"sha256": offer.document.sha256}).status_code == 404
        assert not Acknowledgement.objects.exists()

    def test_strangers_and_staff_find_nothing(self, offer: Offered, client: Client, settings: Any) -> None:
        page, file, acknowledge = self.addresses(offer)
        for user in (make.make_member(make.make_party()), make.maker()):
            self.visit(client, user, settings)
            assert [client.get(url).status_code for url in (page, file)] == [404, 404]
            assert client.post(acknowledge, {"sha256": offer.document.sha256}).status_code == 404
        assert not Acknowledgement.objects.exists()

    def test_the_anonymous_are_sent_to_sign_in(self, offer: Offered, client: Client) -> None:
        page, file, acknowledge = self.addresses(offer)
        for answer in (client.get(page), client.get(file), client.post(acknowledge)):
            assert answer.status_code == 302
            assert reverse("account_login") in answer["Location"]
        assert not Acknowledgement.objects.exists()


def test_an_address_stands_once_among_those_who_sign() -> None:
    party = make.make_party()
    signatory(party)
    signatory(party, "Director@fleet.example")
    contract = make.make_contract(party=party)
    make.make_version(contract)
    offer_contract(contract_id=contract.pk, by=make.maker(), at=make.AT)
    assert OfferMail.objects.count() == 1
