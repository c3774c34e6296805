"""Two accountants of one party: one intent, one mail to both, and a report of each kept with its own address."""

from typing import Any

import pytest
from django.test import Client

from contracts.models import Contact, ContactRole
from evbilling.kernel import outbox
from invoicing.models import Delivery, DeliveryEvent, DeliveryState, Invoice
from invoicing.operations.documents import archive_document
from invoicing.queries.deliveries import needing_a_person, with_fate
from tests.factories import make_contract_in_force, make_party
from tests.invoicing.delivery.conftest import AT
from tests.invoicing.delivery.test_mail_events import event, provider, report
from tests.invoicing.factories import make_issued
from tests.invoicing.mailserver import MailServer

__all__ = ["provider"]
pytestmark = pytest.mark.django_db
FIRST, SECOND = "books@fleet.example", "second@fleet.example"


@pytest.fixture
def sent(mail_server: MailServer) -> Delivery:
    """The delivery of an invoice to a party with two accountants, after it went out."""
    party = make_party(accountant=FIRST)
    Contact.objects.create(party=party, role=ContactRole.ACCOUNTANT, name="Second", email=SECOND)
    invoice: Invoice = make_issued(make_contract_in_force(party=party))
    archive_document(invoice_id=invoice.pk, at=AT)
    outbox.drain(at=AT)
    return Delivery.objects.get(invoice=invoice)


def test_given_two_accountants_when_it_is_sent_then_one_mail_goes_to_both(
    sent: Delivery, mail_server: MailServer
) -> None:
    assert (sent.intent, sent.state, sorted(sent.recipients)) == (1, DeliveryState.SENT, [FIRST, SECOND])
    (mail,) = mail_server.received
    assert sorted(address.strip() for address in mail["To"].split(",")) == [FIRST, SECOND]


@pytest.mark.parametrize("order", [1, -1], ids=["the bounce comes last", "the bounce comes first"])
def test_given_one_of_two_bounces_then_both_reports_are_kept_and_a_person_is_asked(
    sent: Delivery, client: Client, settings: Any, order: int
) -> None:
    bounce = event(sent, "Bounce") | {"Email": SECOND}
    for said in (event(sent, "Delivery"), bounce)[::order]:
        assert report(client, said) == 200
    kept = DeliveryEvent.objects.order_by("recipient").values_list("recipient", "kind")
    assert list(kept) == [(FIRST, "delivered"), (SECOND, "bounced")]
    assert with_fate(Delivery.objects.filter(pk=sent.pk)).get().fate == "returned"
    assert sent in needing_a_person()
    assert Delivery.objects.count() == 1  # nothing is sent again by itself
