"""Whoever contested a session reads the answer in a mail, once (I16): what was decided, why, by which credit note."""

import email.message
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse

from contracts.models import Contact, ContactRole, Membership
from evbilling.kernel import outbox
from evbilling.kernel.audit import AuditRecord, history_of
from evbilling.kernel.errors import BillingError
from evbilling.kernel.outbox import IN_FLIGHT_LIMIT, OutboxMessage, OutboxState
from evbilling.kernel.steps import observed
from invoicing.models import Correction, Dispute, DisputeState
from invoicing.operations.crediting import Whole, credit
from invoicing.operations.dispute_answers import ANSWER_STEP, send_answer
from invoicing.operations.disputes import decide_dispute, raise_dispute, withdraw_dispute
from invoicing.operations.reissuing import decide_correction
from tests.invoicing.corrections.conftest import World
from tests.invoicing.delivery.conftest import mail_server
from tests.invoicing.mailserver import MailServer
from tests.invoicing.month import LATER

__all__ = ["mail_server"]
NO_ADDRESS = "has no accountant address; the answer is in the portal alone."


@pytest.fixture(autouse=True)
def steps_wait() -> Iterator[None]:
    """Mails wait until a test sends them."""
    with outbox.run_here():
        yield


@pytest.fixture
def dispute(world: World) -> Dispute:
    """Of a session of 2.25 net (2.68 gross), contested by the fleet's manager."""
    return contest(world)


def contest(world: World, number: int = 1, **values: Any) -> Dispute:
    given = {
        "invoice_id": world.invoice.pk,
        "session_id": world.session(number).pk,
        "message": "Our car was in the garage.",
        "by": world.manager,
        "at": LATER,
    }
    return raise_dispute(**given | values)


def decide(world: World, dispute: Dispute, decision: DisputeState, answer: str = "See photo", **values: Any) -> Dispute:
    return decide_dispute(
        dispute_id=dispute.pk, decision=decision, answer=answer, **{"by": world.clerk, "at": LATER} | values
    )


def send_all() -> None:
    outbox.drain(at=LATER, kinds={ANSWER_STEP})


def text(mail: email.message.EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\N{NO-BREAK SPACE}", " ")


def test_a_refusal_goes_to_the_manager_who_contested(world: World, dispute: Dispute, mail_server: MailServer) -> None:
    decide(world, dispute, DisputeState.REFUSED)
    send_all()
    (mail,) = mail_server.received
    assert mail["To"] == world.manager.email
    assert mail["Reply-To"] == world.invoice.operator.billing_email
    assert mail["Subject"].strip() == (
        f"Your dispute about {world.invoice}, {world.invoice.operator.legal_name}, Refused"
    )
    lines = text(mail).splitlines()
    assert "Decision: Refused" in lines
    assert f"Document: {world.invoice}" in lines
    assert "Contested: €2.68" in lines
    assert "Reason: See photo" in lines
    assert "We have looked into it: the session stays as it was billed." in lines
    link = settings.PUBLIC_URL + reverse("portal:dispute", args=[dispute.pk])
    assert lines[lines.index("Read it in the portal:") + 1] == link
    assert any(line.startswith("Session: alpha-1, 6 October 2026, Car park") for line in lines)
    assert "Attached" not in text(mail)
    html = mail.get_body(("html",))
    assert html is not None
    assert f'href="{link}"' in html.get_content()


def test_an_acceptance_names_the_credit_note(world: World, dispute: Dispute, mail_server: MailServer) -> None:
    note = decide(world, dispute, DisputeState.ACCEPTED, "Sorry").credit_note
    send_all()
    lines = text(mail_server.received[0]).splitlines()
    assert "Decision: Accepted" in lines
    assert f"Credit note: {note}, €2.68" in lines
    assert f"You are right: credit note {note} corrects the document." in lines


def test_a_german_party_reads_german(world: World, dispute: Dispute, mail_server: MailServer) -> None:
    dispute.party.language = "de"
    dispute.party.save()
    note = decide(world, dispute, DisputeState.PARTLY, "Zur Hälfte", amount=Decimal("1.00")).credit_note
    send_all()
    lines = text(mail_server.received[0]).splitlines()
    assert lines[0] == "Guten Tag, über den Ladevorgang, den Sie reklamiert haben, ist entschieden."
    for line in (
        "Entscheidung: Teilweise anerkannt",
        "Reklamiert: 2,68 €",
        "Begründung: Zur Hälfte",
        f"Rechnungskorrektur: {note}, 1,19 €",
        f"Sie haben zum Teil recht: Die Rechnungskorrektur {note} berichtigt den Beleg.",
        "Im Portal lesen:",
    ):
        assert line in lines


def test_who_contested_for_the_fleet_is_staff_then_the_accountants_read_it(
    world: World, mail_server: MailServer
) -> None:
    for address in ("a@fleet.example", "b@fleet.example"):
        Contact.objects.create(party=world.contract.party, role=ContactRole.ACCOUNTANT, name="Books", email=address)
    expected = sorted(Contact.objects.filter(party=world.contract.party).values_list("email", flat=True))
    decide(world, contest(world, by=world.clerk), DisputeState.REFUSED)
    send_all()
    assert sorted(mail_server.received[0]["To"].split(", ")) == expected


def test_a_manager_who_left_is_not_written_to(world: World, dispute: Dispute) -> None:
    Membership.objects.filter(user=world.manager).update(active=False)
    Contact.objects.filter(party=dispute.party).delete()
    decide(world, dispute, DisputeState.REFUSED)
    assert not OutboxMessage.objects.filter(kind=ANSWER_STEP).exists()
    (row,) = history_of(dispute).filter(action="invoicing.dispute.mail")
    assert (row.result, row.changes) == ("no address", {"to": []})
    assert row.reason == f"{dispute.party} {NO_ADDRESS}"
    dispute.refresh_from_db()
    assert dispute.state == DisputeState.REFUSED


def test_nothing_is_mailed_of_what_was_withdrawn_or_waits(world: World, dispute: Dispute) -> None:
    withdraw_dispute(dispute_id=dispute.pk, by=world.manager, at=LATER)
    world.limit("0")
    second = contest(world, 2)
    assert decide(world, second, DisputeState.ACCEPTED).state == DisputeState.OPEN
    with pytest.raises(BillingError):
        decide(world, second, DisputeState.REFUSED)
    assert not OutboxMessage.objects.filter(kind=ANSWER_STEP).exists()
    decide_correction(correction_id=Correction.objects.get().pk, approve=True, by=world.second, at=LATER)
    assert OutboxMessage.objects.get(kind=ANSWER_STEP).payload["dispute_id"] == second.pk


def test_the_credit_of_the_whole_document_answers_each_open_dispute(
    world: World, dispute: Dispute, mail_server: MailServer
) -> None:
    contest(world, 2)
    credit(invoice_id=world.invoice.pk, what=Whole(), reason="Wrong prices", by=world.clerk, at=LATER)
    send_all()
    assert [("Reason: Wrong prices" in text(mail).splitlines()) for mail in mail_server.received] == [True, True]


def test_sent_once_with_its_trail(world: World, dispute: Dispute, mail_server: MailServer) -> None:
    decide(world, dispute, DisputeState.REFUSED)
    send_all()
    send_all()
    outbox.sweep(at=LATER + IN_FLIGHT_LIMIT * 2)
    assert [mail["Message-ID"] for mail in mail_server.received] == [f"<dispute-{dispute.pk}@evbilling.example>"]
    rows = AuditRecord.objects.filter(object_type="invoicing.Dispute").order_by("pk")
    assert list(rows.values_list("action", flat=True)) == [
        "invoicing.dispute.raise",
        "invoicing.dispute.refuse",
        "invoicing.dispute.mail",
        "invoicing.dispute.answered",
    ]


class Killed(BaseException):
    """Ends the work on the spot, as the end of its process would."""


def test_a_worker_that_ends_after_sending_leaves_it_unknown_and_nobody_repeats_it(
    world: World, dispute: Dispute, mail_server: MailServer
) -> None:
    def kill(step: str) -> None:
        if step == "invoicing.dispute.answer_sent":
            raise Killed

    decide(world, dispute, DisputeState.REFUSED)
    with pytest.raises(Killed), observed(kill):
        send_all()
    outbox.sweep(at=LATER + IN_FLIGHT_LIMIT * 2)
    send_all()
    assert len(mail_server.received) == 1
    assert OutboxMessage.objects.get(kind=ANSWER_STEP).state == OutboxState.UNKNOWN


def refuse_all(server: MailServer) -> None:
    server.data = "554 no"


def refuse_for_now(server: MailServer) -> None:
    server.data = "451 later"


def hang_up(server: MailServer) -> None:
    server.drop = True


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (refuse_all, OutboxState.FAILED),
        (refuse_for_now, OutboxState.QUEUED),
        (hang_up, OutboxState.UNKNOWN),
    ],
)
def test_what_the_mail_server_does_is_known(
    world: World,
    dispute: Dispute,
    mail_server: MailServer,
    fault: Callable[[MailServer], None],
    state: OutboxState,
) -> None:
    fault(mail_server)
    decide(world, dispute, DisputeState.REFUSED)
    send_all()
    assert mail_server.received == []
    assert OutboxMessage.objects.get(kind=ANSWER_STEP).state == state
    assert not history_of(dispute).filter(action="invoicing.dispute.answered").exists()


def test_what_cannot_be_composed_fails_and_leaves_no_mail(
    world: World, dispute: Dispute, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(world, dispute, DisputeState.REFUSED)
    world.invoice.operator.accent_colour = "no"
    world.invoice.operator.save()
    with pytest.raises(outbox.GiveUp):
        send_answer(dispute_id=dispute.pk, to=["a@fleet.example"], at=LATER)
    assert mail_server.received == []
