"""A document goes out at most once per intent, whatever the mail server does (I16)."""

import datetime as dt
from collections.abc import Callable

import pytest

from contracts.models import Contact, ContactRole, EInvoiceFormat
from evbilling.kernel import outbox
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import WrongState
from evbilling.kernel.outbox import OutboxMessage, OutboxState
from evbilling.kernel.steps import observed
from invoicing.models import Delivery, DeliveryState, Document, Invoice, InvoiceKind
from invoicing.operations.deliveries import request_delivery, resend_delivery, settle_lost
from invoicing.operations.documents import archive_document
from invoicing.operations.issuing import issue_invoice
from tests.invoicing.delivery.conftest import AT, mailers
from tests.invoicing.einvoice.world import TAXES, make_document, make_world
from tests.invoicing.mailserver import MailServer

MAIL = {"invoicing.delivery.send"}
MakeArchived = Callable[..., Invoice]


def send_all(at: dt.datetime = AT) -> None:
    outbox.drain(at=at, kinds=MAIL)


class Killed(BaseException):
    """Ends the work on the spot, as the end of its process would."""


def kill_at(name: str) -> Callable[[str], None]:
    def observe(step: str) -> None:
        if step == name:
            raise Killed(name)

    return observe


def test_the_accountant_gets_the_archived_bytes(mail_server: MailServer, make_archived: MakeArchived) -> None:
    invoice = make_archived("books@fleet.example")
    send_all()
    (mail,) = mail_server.received
    (attached,) = mail.iter_attachments()
    assert attached.get_content() == bytes(Document.objects.get(invoice=invoice).content)
    assert attached.get_content_type() == "application/pdf"
    assert mail["To"] == "books@fleet.example"
    assert mail["Reply-To"] == invoice.operator.billing_email
    assert invoice.number in mail["Subject"]
    assert "119.00" in mail.get_body(("plain",)).get_content()
    assert mail_server.senders == ["billing@evbilling.example"]


@pytest.mark.parametrize(
    ("format", "alone", "endings"),
    [
        (EInvoiceFormat.XRECHNUNG, True, ["xml"]),
        (EInvoiceFormat.PEPPOL, True, ["xml"]),
        (EInvoiceFormat.XRECHNUNG, False, ["pdf", "xml"]),
    ],
)
@pytest.mark.django_db
def test_a_party_that_wants_the_e_invoice_alone_is_mailed_nothing_else(
    mail_server: MailServer, format: str, alone: bool, endings: list[str]
) -> None:
    contract = make_world(format, einvoice_alone=alone)
    draft = make_document(contract, TAXES["one"], InvoiceKind.INVOICE)
    invoice = issue_invoice(invoice_id=draft.pk, issued_on=dt.date(2026, 11, 1), by=None, at=AT)
    archive_document(invoice_id=invoice.pk, at=AT)
    send_all()
    (mail,) = mail_server.received
    files = {file.file_name: bytes(file.content) for file in invoice.documents.all()}
    attached = {each.get_filename(): each.get_payload(decode=True) for each in mail.iter_attachments()}
    assert [name.rpartition(".")[2] for name in attached] == endings
    assert attached.items() <= files.items()
    assert sorted(name.rpartition(".")[2] for name in files) == ["pdf", "xml"]
    assert ("as an e-invoice (XML)" in mail.get_body(("plain",)).get_content()) == alone


def test_a_delivery_tells_what_became_of_it(mail_server: MailServer, make_archived: MakeArchived) -> None:
    invoice = make_archived()
    send_all()
    delivery = Delivery.objects.get(invoice=invoice)
    assert (delivery.state, delivery.sent_at, delivery.error) == (DeliveryState.SENT, AT, "")
    assert delivery.message_ref == mail_server.received[0]["Message-ID"]
    assert delivery.step.state == OutboxState.DONE
    assert list(
        AuditRecord.objects.filter(object_type="invoicing.Delivery").order_by("pk").values_list("action", flat=True)
    ) == ["invoicing.delivery.request", "invoicing.delivery.sent"]


def test_asking_again_is_the_same_intent(mail_server: MailServer, make_archived: MakeArchived) -> None:
    invoice = make_archived()
    first = request_delivery(invoice_id=invoice.pk, by=None, at=AT)
    send_all()
    again = request_delivery(invoice_id=invoice.pk, by=None, at=AT)
    send_all()
    assert first == again
    assert len(mail_server.received) == 1


def test_a_party_without_an_accountant_fails_with_what_to_do(make_archived: MakeArchived) -> None:
    invoice = make_archived(None)
    delivery = Delivery.objects.get(invoice=invoice)
    assert delivery.state == DeliveryState.FAILED
    assert delivery.error == (
        f"{invoice.party} has no accountant address: add a contact with the role accountant, then send again."
    )
    assert not OutboxMessage.objects.filter(kind__in=MAIL).exists()


def test_after_the_address_was_added_it_goes_out_as_a_new_intent(
    mail_server: MailServer, make_archived: MakeArchived
) -> None:
    invoice = make_archived(None)
    Contact.objects.create(party=invoice.party, name="A", email="new@fleet.example", role=ContactRole.ACCOUNTANT)
    resend_delivery(invoice_id=invoice.pk, reason="address added", by=None, at=AT)
    send_all()
    assert [mail["To"] for mail in mail_server.received] == ["new@fleet.example"]
    assert list(Delivery.objects.order_by("intent").values_list("intent", "state")) == [(1, "failed"), (2, "sent")]


def test_recipients_refused_for_good_fail_at_once(mail_server: MailServer, make_archived: MakeArchived) -> None:
    mail_server.rcpt["books@fleet.example"] = "550 no such mailbox"
    invoice = make_archived()
    send_all()
    delivery = Delivery.objects.get(invoice=invoice)
    assert (delivery.state, delivery.step.state) == (DeliveryState.FAILED, OutboxState.FAILED)
    assert delivery.error == "books@fleet.example: 550 no such mailbox"
    assert mail_server.received == []


def test_one_of_two_refused_is_sent_and_says_so(mail_server: MailServer, make_archived: MakeArchived) -> None:
    mail_server.rcpt["gone@fleet.example"] = "550 no such mailbox"
    invoice = make_archived()
    Delivery.objects.filter(invoice=invoice).update(recipients=["books@fleet.example", "gone@fleet.example"])
    send_all()
    delivery = Delivery.objects.get(invoice=invoice)
    assert (delivery.state, delivery.error) == (DeliveryState.SENT, "gone@fleet.example: 550 no such mailbox")
    assert len(mail_server.received) == 1


def test_a_busy_server_is_tried_again_later(mail_server: MailServer, make_archived: MakeArchived) -> None:
    mail_server.data = "451 try later"
    invoice = make_archived()
    send_all()
    delivery = Delivery.objects.get(invoice=invoice)
    assert (delivery.state, delivery.error) == (DeliveryState.QUEUED, "451 try later")
    mail_server.data = "250 OK"
    send_all(AT + dt.timedelta(hours=1))
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.SENT
    assert len(mail_server.received) == 1


def test_content_refused_for_good_fails(mail_server: MailServer, make_archived: MakeArchived) -> None:
    mail_server.data = "552 too large"
    invoice = make_archived()
    send_all()
    assert Delivery.objects.get(invoice=invoice).error == "552 too large"
    assert Delivery.objects.get(invoice=invoice).state == DeliveryState.FAILED


def test_a_server_that_is_away_is_tried_until_the_attempts_are_used_up(
    make_archived: MakeArchived, settings: object
) -> None:
    settings.MAILERS = mailers(port=9)
    invoice = make_archived()
    attempts = OutboxMessage.objects.get(kind__in=MAIL).max_attempts
    for attempt in range(attempts):
        delivery = Delivery.objects.get(invoice=invoice)
        assert delivery.state == DeliveryState.QUEUED, attempt
        send_all(AT + dt.timedelta(hours=2 * attempt))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.step.state) == (DeliveryState.FAILED, OutboxState.FAILED)
    assert "cannot be reached" in delivery.error


def test_what_certainly_failed_may_be_sent_again_by_hand_under_the_same_intent(
    mail_server: MailServer, make_archived: MakeArchived
) -> None:
    mail_server.data = "552 too large"
    invoice = make_archived()
    send_all()
    mail_server.data = "250 OK"
    delivery = Delivery.objects.get(invoice=invoice)
    outbox.retry_by_hand(message_id=delivery.step_id, by=None, at=AT, reason="the limit was raised")
    send_all()
    delivery.refresh_from_db()
    assert (delivery.intent, delivery.state) == (1, DeliveryState.SENT)
    assert len(mail_server.received) == 1


def test_a_connection_that_breaks_after_the_content_leaves_it_unknown(
    mail_server: MailServer, make_archived: MakeArchived
) -> None:
    mail_server.drop = True
    invoice = make_archived()
    send_all()
    delivery = Delivery.objects.get(invoice=invoice)
    assert (delivery.state, delivery.step.state) == (DeliveryState.UNKNOWN, OutboxState.UNKNOWN)
    mail_server.drop = False
    send_all(AT + dt.timedelta(days=2))
    outbox.sweep(at=AT + dt.timedelta(days=2))
    assert mail_server.received == []


def test_an_unknown_one_is_not_sent_by_retrying_its_step(mail_server: MailServer, make_archived: MakeArchived) -> None:
    mail_server.drop = True
    invoice = make_archived()
    send_all()
    mail_server.drop = False
    delivery = Delivery.objects.get(invoice=invoice)
    outbox.retry_by_hand(message_id=delivery.step_id, by=None, at=AT, reason="looked at the server's log")
    send_all()
    delivery.refresh_from_db()
    assert (delivery.state, mail_server.received) == (DeliveryState.UNKNOWN, [])
    assert "as a new delivery" in OutboxMessage.objects.get(pk=delivery.step_id).last_error


@pytest.mark.parametrize(("step", "mails"), [("invoicing.delivery.claimed", 0), ("invoicing.delivery.sent", 1)])
def test_a_sender_that_dies_leaves_it_unknown_and_nothing_resends_it(
    mail_server: MailServer, make_archived: MakeArchived, step: str, mails: int
) -> None:
    invoice = make_archived()
    with pytest.raises(Killed), observed(kill_at(step)):
        send_all()
    later = AT + dt.timedelta(hours=1)
    outbox.sweep(at=later)
    lost = settle_lost(at=later)
    send_all(later + dt.timedelta(days=1))
    delivery = Delivery.objects.get(invoice=invoice)
    assert (delivery.state, lost) == (DeliveryState.UNKNOWN, [delivery.pk])
    assert len(mail_server.received) == mails


def test_a_sender_that_died_stays_unknown_when_its_step_is_retried_before_anybody_looked(
    mail_server: MailServer, make_archived: MakeArchived
) -> None:
    invoice = make_archived()
    with observed(kill_at("invoicing.delivery.sent")), pytest.raises(Killed):
        send_all()
    later = AT + dt.timedelta(hours=1)
    with outbox.run_here():
        outbox.sweep(at=later)
    step = OutboxMessage.objects.get(kind="invoicing.delivery.send")
    for hour in (2, 3):  # nothing has settled the delivery in between
        outbox.retry_by_hand(message_id=step.pk, by=None, at=later, reason="The accountant has nothing")
        send_all(AT + dt.timedelta(hours=hour))
        settle_lost(at=AT + dt.timedelta(hours=hour))
    delivery = Delivery.objects.get(invoice=invoice)
    assert delivery.state == DeliveryState.UNKNOWN
    assert len(mail_server.received) == 1


def test_a_person_resends_an_unknown_one_with_the_reason(mail_server: MailServer, make_archived: MakeArchived) -> None:
    mail_server.drop = True
    invoice = make_archived()
    send_all()
    mail_server.drop = False
    second = resend_delivery(invoice_id=invoice.pk, reason="the accountant has nothing", by=None, at=AT)
    send_all()
    second.refresh_from_db()
    assert (second.intent, second.state) == (2, DeliveryState.SENT)
    first = Delivery.objects.get(invoice=invoice, intent=1)
    assert (first.state, first.message_ref != second.message_ref) == (DeliveryState.UNKNOWN, True)
    assert AuditRecord.objects.filter(object_id=str(second.pk), reason="the accountant has nothing").count() == 1


def test_resending_needs_a_reason(mail_server: MailServer, make_archived: MakeArchived) -> None:
    invoice = make_archived()
    send_all()
    with pytest.raises(WrongState, match=f"Say why {invoice.number} is sent again"):
        resend_delivery(invoice_id=invoice.pk, reason=" ", by=None, at=AT)
    assert Delivery.objects.count() == 1


def test_resending_waits_for_the_mail_under_way(make_archived: MakeArchived) -> None:
    invoice = make_archived()
    with pytest.raises(WrongState, match="under way"):
        resend_delivery(invoice_id=invoice.pk, reason="lost", by=None, at=AT)
    assert OutboxMessage.objects.filter(kind__in=MAIL).count() == 1
