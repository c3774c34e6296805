"""Documents in the export folder or the portal alone, letters by mail; redirected mails of test systems."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives

from contracts.models import DeliveryChannel, EInvoiceFormat, Party
from evbilling.kernel import outbox
from evbilling.kernel.errors import WrongState
from evbilling.kernel.mailers import provider_of, provider_settings, redirected_mailers
from evbilling.kernel.outbox import OutboxState
from evbilling.kernel.posting import NotSent, post
from evbilling.kernel.steps import observed
from evbilling.workspace.navigation import environment_badge
from invoicing.checks.deliveries import drawn_documents_are_delivered, mails_are_accounted_for
from invoicing.models import Delivery, DeliveryState, Document, Invoice, LetterKind
from invoicing.operations.deliveries import request_delivery, request_letter_delivery, resend_delivery
from tests.factories import make_contract_in_force, make_party
from tests.invoicing.delivery.conftest import AT
from tests.invoicing.delivery.test_sending import Killed, kill_at, send_all
from tests.invoicing.factories import make_issued
from tests.invoicing.letters.test_letters import filed
from tests.invoicing.mailserver import MailServer

EXPORT = {"invoicing.delivery.export"}
MakeArchived = Callable[..., Invoice]
PDF = b"%PDF-1.7 archived"


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.EXPORT_DIR = tmp_path
    return tmp_path


def archived(channel: DeliveryChannel, **party: Any) -> Invoice:
    """An issued document with its bytes, and its delivery asked for by this channel."""
    contract = make_contract_in_force(party=make_party(delivery_channel=channel, **party))
    invoice = make_issued(contract)
    for kind, ending in (("pdf", "pdf"), ("xml", "xml")):
        Document.objects.create(
            invoice=invoice,
            kind=kind,
            file_name=f"{invoice.number}.{ending}",
            content_type="application/pdf",
            content=PDF,
            size=len(PDF),
            sha256="-",
            rendered_at=AT,
        )
    request_delivery(invoice_id=invoice.pk, by=None, at=AT)
    return invoice


def export_all(at: dt.datetime = AT) -> None:
    outbox.drain(at=at, kinds=EXPORT)


@pytest.mark.django_db
def test_all_files_of_a_document_land_whole_in_the_folder_of_its_party(folder: Path) -> None:
    with outbox.run_here():
        invoice = archived(DeliveryChannel.FOLDER)
        export_all()
    own = folder / invoice.party.number
    assert sorted(path.name for path in own.iterdir()) == [f"{invoice.number}.pdf", f"{invoice.number}.xml"]
    assert (own / f"{invoice.number}.pdf").read_bytes() == PDF
    delivery = Delivery.objects.get(invoice=invoice)
    assert (delivery.channel, delivery.state, delivery.recipients) == ("folder", DeliveryState.SENT, [])
    assert list(mails_are_accounted_for()) == list(drawn_documents_are_delivered()) == []


@pytest.mark.django_db
def test_a_party_that_wants_the_e_invoice_alone_finds_nothing_else_in_its_folder(folder: Path) -> None:
    with outbox.run_here():
        invoice = archived(DeliveryChannel.FOLDER)
        Party.objects.update(einvoice_format=EInvoiceFormat.XRECHNUNG, einvoice_alone=True)
        export_all()
    assert [path.name for path in (folder / invoice.party.number).iterdir()] == [f"{invoice.number}.xml"]


@pytest.mark.django_db
@pytest.mark.parametrize("number", ["../../etc", "a/b", ".."])
def test_a_customer_number_never_leads_out_of_the_folder(folder: Path, number: str) -> None:
    with outbox.run_here():
        archived(DeliveryChannel.FOLDER, number=number)
        export_all()
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) == 2
    assert {path.parent.parent for path in written} == {folder}


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["claimed", "written", "settled"])
def test_an_export_that_was_killed_anywhere_is_repeated_and_ends_the_same(folder: Path, place: str) -> None:
    with outbox.run_here():
        invoice = archived(DeliveryChannel.FOLDER)
        with pytest.raises(Killed), observed(kill_at(f"invoicing.export.{place}")):
            export_all()
        later = AT + dt.timedelta(hours=1)
        outbox.sweep(at=later)
        export_all(later)
    delivery = Delivery.objects.get(invoice=invoice)
    assert (delivery.state, delivery.step.state) == (DeliveryState.SENT, OutboxState.DONE)
    assert len(list((folder / invoice.party.number).iterdir())) == 2


@pytest.mark.django_db
def test_a_folder_that_cannot_be_written_is_tried_again(settings: Any, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    settings.EXPORT_DIR = blocked
    with outbox.run_here():
        invoice = archived(DeliveryChannel.FOLDER)
        export_all()
        delivery = Delivery.objects.get(invoice=invoice)
        assert delivery.state == DeliveryState.QUEUED
        assert "cannot be written" in delivery.error
        settings.EXPORT_DIR = tmp_path / "there"
        export_all(AT + dt.timedelta(hours=2))
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.SENT


@pytest.mark.django_db
def test_portal_only_is_there_from_the_start_without_mail_or_step() -> None:
    invoice = archived(DeliveryChannel.PORTAL, accountant="books@fleet.example")
    delivery = Delivery.objects.get(invoice=invoice)
    assert (delivery.state, delivery.sent_at, delivery.step, delivery.recipients) == ("sent", AT, None, [])
    assert list(mails_are_accounted_for()) == []


@pytest.mark.django_db
def test_a_resend_takes_the_channel_that_holds_now(mail_server: MailServer) -> None:
    invoice = archived(DeliveryChannel.PORTAL, accountant="books@fleet.example")
    Party.objects.filter(pk=invoice.party_id).update(delivery_channel=DeliveryChannel.FOLDER)
    with outbox.run_here():
        second = resend_delivery(invoice_id=invoice.pk, reason="They fetch them now", by=None, at=AT)
    assert (second.intent, second.channel) == (2, DeliveryChannel.FOLDER)


@pytest.mark.django_db
def test_check_books_finds_a_folder_delivery_that_nothing_writes() -> None:
    invoice = archived(DeliveryChannel.PORTAL)
    Delivery.objects.filter(invoice=invoice).update(channel=DeliveryChannel.FOLDER, state=DeliveryState.QUEUED)
    (finding,) = mails_are_accounted_for()
    assert finding.invariant == "I16"


@pytest.mark.django_db
def test_a_report_for_the_house_is_not_sent() -> None:
    report = filed(None, kind=LetterKind.RUN_REPORT, source="run:1")
    with pytest.raises(WrongState, match="for the house alone"):
        request_letter_delivery(letter_id=report.pk, by=None, at=AT)
    assert not Delivery.objects.exists()


def test_a_redirected_mail_reaches_one_address_and_says_whom_it_was_meant_for(
    mail_server: MailServer, make_archived: MakeArchived, settings: Any
) -> None:
    settings.MAILERS = redirected_mailers(settings.MAILERS["default"], "qa@volt.example")
    invoice = make_archived("books@fleet.example")
    send_all()
    (mail,) = mail_server.received
    assert (mail["To"], mail["X-Original-To"]) == ("qa@volt.example", "books@fleet.example")
    assert mail["Subject"].startswith(f"[books@fleet.example] Invoice {invoice.number}")
    assert Delivery.objects.get(invoice=invoice).recipients == ["books@fleet.example"]


def test_a_plain_django_mail_is_redirected_too(mail_server: MailServer, settings: Any) -> None:
    settings.MAILERS = redirected_mailers(settings.MAILERS["default"], "qa@volt.example")
    EmailMessage("Hello", "text", to=["a@b.example"], cc=["c@d.example"]).send()
    (mail,) = mail_server.received
    assert (mail["To"], mail["Cc"], mail["Subject"]) == ("qa@volt.example", None, "[a@b.example, c@d.example] Hello")


def test_the_workspace_shows_that_mails_are_redirected(settings: Any, rf: Any) -> None:
    settings.MAIL_REDIRECT_TO = "qa@volt.example"
    label, tone = environment_badge(rf.get("/"))
    assert (str(label), tone) == ("Mails go to qa@volt.example", "danger")


def test_a_mail_provider_is_named_by_its_address() -> None:
    url = "mailgun://?api_key=K&sender_domain=mail.volt.example"
    assert provider_of(url) == "mailgun"
    assert provider_of("smtp+tls://u:p@host:587") == ""
    assert provider_settings(url, "user:secret") == {
        "MAILGUN_API_KEY": "K",
        "MAILGUN_SENDER_DOMAIN": "mail.volt.example",
        "WEBHOOK_SECRET": "user:secret",
    }


@pytest.mark.parametrize(("status", "permanent"), [(422, True), (429, False)])
def test_a_refusal_by_a_providers_api_took_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch, status: int, permanent: bool
) -> None:
    settings.ANYMAIL = provider_settings("postmark://?server_token=T", "")
    settings.MAILERS = {"default": {"BACKEND": "anymail.backends.postmark.EmailBackend"}}
    answer = SimpleNamespace(status_code=status, reason="refused", text="no", json=dict)
    monkeypatch.setattr("requests.Session.request", lambda *_args, **_values: answer)
    with pytest.raises(NotSent) as refused:
        post(EmailMultiAlternatives("s", "t", "a@b.example", ["c@d.example"]))
    assert refused.value.permanent is permanent
