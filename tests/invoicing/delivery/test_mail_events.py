"""Reports of the mail provider: authenticated, kept once, and read the same in any order (I13)."""

import base64
import itertools
import json
from typing import Any

import pytest
from django.test import Client

from evbilling.kernel import outbox
from evbilling.kernel.audit import AuditRecord
from invoicing.models import Delivery, DeliveryEvent, DeliveryState, Document, Invoice
from invoicing.operations.deliveries import request_delivery, resend_delivery
from invoicing.queries.deliveries import needing_a_person, with_fate
from tests.factories import make_contract_in_force, make_party
from tests.invoicing.delivery.conftest import AT
from tests.invoicing.factories import make_issued

pytestmark = pytest.mark.django_db
TO = "books@fleet.example"
SECRET = "post:secret"
PAGE = "/webhooks/mail/postmark/"


@pytest.fixture(autouse=True)
def provider(settings: Any) -> None:
    settings.MAIL_PROVIDER = "postmark"
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}


@pytest.fixture
def sent() -> Delivery:
    """A delivery that went out."""
    invoice: Invoice = make_issued(make_contract_in_force(party=make_party(accountant="books@fleet.example")))
    with outbox.run_here():
        delivery = request_delivery(invoice_id=invoice.pk, by=None, at=AT)
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.SENT, sent_at=AT)
    return delivery


def report(client: Client, said: Any, secret: str = SECRET) -> int:
    headers = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"} if secret else {}
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return client.post(PAGE, body, content_type="application/json", headers=headers).status_code


def event(delivery: Delivery, kind: str, number: int = 1) -> dict[str, Any]:
    """What Postmark says."""
    own = {
        "Delivery": {"RecordType": "Delivery", "DeliveredAt": "2026-11-01T10:05:00Z", "Recipient": TO},
        "Open": {"RecordType": "Open", "ReceivedAt": "2026-11-01T10:09:00Z", "Recipient": TO},
        "Bounce": {
            "RecordType": "Bounce",
            "Type": "HardBounce",
            "ID": number,
            "Email": "books@fleet.example",
            "BouncedAt": "2026-11-01T10:06:00Z",
            "Description": "The mailbox is not there.",
        },
    }[kind]
    return own | {"MessageID": "pm-1", "Metadata": {"delivery": delivery.message_ref}}


def fate(delivery: Delivery) -> str:
    return with_fate(Delivery.objects.filter(pk=delivery.pk)).get().fate


def test_a_report_is_kept_with_its_delivery(client: Client, sent: Delivery) -> None:
    assert report(client, event(sent, "Delivery")) == 200
    kept = DeliveryEvent.objects.get()
    assert (kept.delivery, kept.kind, kept.provider, kept.recipient) == (
        sent,
        "delivered",
        "postmark",
        "books@fleet.example",
    )
    assert fate(sent) == "delivered"


@pytest.mark.parametrize("secret", ["", "post:wrong", "secret"])
def test_a_report_without_the_secret_is_refused(client: Client, sent: Delivery, secret: str) -> None:
    assert report(client, event(sent, "Bounce"), secret) == 403
    assert not DeliveryEvent.objects.exists()


def test_without_a_secret_of_ours_or_for_another_provider_there_is_no_such_page(
    client: Client, sent: Delivery, settings: Any
) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": ""}
    assert report(client, event(sent, "Bounce")) == 404
    settings.ANYMAIL, settings.MAIL_PROVIDER = {"WEBHOOK_SECRET": SECRET}, ""
    assert report(client, event(sent, "Bounce")) == 404
    assert not DeliveryEvent.objects.exists()


@pytest.mark.parametrize("said", [b"no json", b"[]", b"{", b"null"])
def test_what_cannot_be_read_is_refused_and_not_logged(
    client: Client, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert report(client, said) == 400
    assert not DeliveryEvent.objects.exists()
    assert "no json" not in caplog.text


def test_a_replay_changes_nothing(client: Client, sent: Delivery) -> None:
    for kind in ("Delivery", "Bounce", "Delivery", "Bounce"):
        assert report(client, event(sent, kind)) == 200
    assert DeliveryEvent.objects.count() == 2
    assert AuditRecord.objects.filter(action="invoicing.delivery.returned").count() == 1


@pytest.mark.parametrize("order", list(itertools.permutations(("Delivery", "Open", "Bounce"))))
def test_any_order_of_reports_tells_the_same(client: Client, sent: Delivery, order: tuple[str, ...]) -> None:
    for kind in order:
        report(client, event(sent, kind))
    assert fate(sent) == "returned"
    assert list(needing_a_person()) == [sent]


def test_a_report_on_a_mail_that_is_not_ours_is_kept(client: Client, sent: Delivery) -> None:
    foreign = event(sent, "Bounce") | {"MessageID": "pm-9", "Metadata": {}}
    assert report(client, foreign) == 200
    assert DeliveryEvent.objects.get().delivery is None
    assert not needing_a_person().exists()


def test_a_card_number_that_a_report_quotes_is_kept_masked(client: Client, sent: Delivery) -> None:
    said = event(sent, "Bounce") | {"Description": "He wrote: my card is 4111 1111 1111 1111."}
    assert report(client, said) == 200
    assert DeliveryEvent.objects.get().detail == "He wrote: my card is [card ending 1111]."


def test_a_mail_that_came_back_waits_until_it_is_sent_again(client: Client, sent: Delivery, settings: Any) -> None:
    report(client, event(sent, "Bounce"))
    assert [each.pk for each in needing_a_person()] == [sent.pk]
    Document.objects.create(
        invoice=sent.invoice, kind="pdf", file_name="x.pdf", content_type="application/pdf", content=b"%PDF",
        size=4, sha256="-", rendered_at=AT,
    )  # fmt: skip
    with outbox.run_here():
        resend_delivery(invoice_id=sent.invoice_id, reason="new address", by=None, at=AT)
    assert not needing_a_person().exists()
