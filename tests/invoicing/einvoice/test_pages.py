"""The buttons of a document's page, and who may press them."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import EInvoiceFormat
from evbilling.access.roles import Role
from invoicing.models import Invoice, InvoiceKind
from invoicing.operations.documents import archive_document
from tests.contracts.world import sign_in
from tests.factories import make_member, make_user
from tests.invoicing.einvoice.test_archiving import LATER, issued
from tests.invoicing.einvoice.world import TAXES, make_document, make_world

pytestmark = pytest.mark.django_db


def press(client: Client, invoice: Invoice, button: str) -> list[str]:
    answer = client.get(reverse(f"admin:invoicing_invoice_{button}", args=[invoice.pk]), follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_a_draft_is_checked_before_it_is_issued(client: Client, settings: Any) -> None:
    sign_in(client, make_user(Role.BILLING_CLERK), settings)
    good = make_document(make_world("xrechnung"), TAXES["several"], InvoiceKind.INVOICE)
    bad = make_document(make_world("xrechnung", buyer_reference=""), TAXES["one"], InvoiceKind.INVOICE)
    none = make_document(make_world(EInvoiceFormat.NONE), TAXES["one"], InvoiceKind.INVOICE)
    (valid,) = press(client, good, "check_einvoice")
    assert valid == "The e-invoice is valid under Factur-X (EN 16931), XRechnung 3.0 (EN 16931)."
    (finding,) = press(client, bad, "check_einvoice")
    assert finding.startswith("BR-DE-15: ")
    assert press(client, none, "check_einvoice") == ["The party takes PDF files only."]
    assert press(client, none, "einvoice_xml") == ["The party takes PDF files only."]


def test_the_archived_file_is_what_is_downloaded(client: Client, settings: Any) -> None:
    invoice = issued("peppol")
    archive_document(invoice_id=invoice.pk, at=LATER)
    sign_in(client, make_user(Role.BILLING_CLERK), settings)
    answer = client.get(reverse("admin:invoicing_invoice_einvoice_xml", args=[invoice.pk]))
    assert answer.content == bytes(invoice.documents.get(kind="xml").content)
    assert answer["Content-Disposition"].startswith("attachment")


def test_the_file_of_a_draft_carries_the_placeholder(client: Client, settings: Any) -> None:
    draft = make_document(make_world(), TAXES["one"], InvoiceKind.INVOICE)
    sign_in(client, make_user(Role.BILLING_CLERK), settings)
    answer = client.get(reverse("admin:invoicing_invoice_einvoice_xml", args=[draft.pk]))
    assert b"<ram:ID>DRAFT</ram:ID>" in answer.content


def test_a_document_without_an_e_invoice_offers_no_file(client: Client, settings: Any) -> None:
    sign_in(client, make_user(Role.BILLING_CLERK), settings)
    with_file = make_document(make_world(), TAXES["one"], InvoiceKind.INVOICE)
    without = make_document(make_world(EInvoiceFormat.NONE), TAXES["one"], InvoiceKind.INVOICE)
    pages = [client.get(reverse("admin:invoicing_invoice_change", args=[each.pk])) for each in (with_file, without)]
    assert [b"E-invoice XML" in page.content for page in pages] == [True, False]
    assert [b"Check e-invoice" in page.content for page in pages] == [True, True]


@pytest.mark.parametrize("button", ["check_einvoice", "einvoice_xml"])
def test_customers_and_strangers_do_not_reach_the_buttons(client: Client, settings: Any, button: str) -> None:
    draft = make_document(make_world(), TAXES["one"], InvoiceKind.INVOICE)
    address = reverse(f"admin:invoicing_invoice_{button}", args=[draft.pk])
    assert client.get(address).status_code == 302
    sign_in(client, make_member(draft.party), settings)
    assert client.get(address).status_code in {302, 403}


def test_the_portal_offers_the_file_to_its_own_party_alone(client: Client, settings: Any) -> None:
    invoice = issued("peppol")
    archive_document(invoice_id=invoice.pk, at=LATER)
    address = reverse("portal:document", args=[invoice.number, "xml"])
    assert client.get(address).status_code == 302
    sign_in(client, make_member(invoice.party), settings)
    assert client.get(address).content == bytes(invoice.documents.get(kind="xml").content)
    client.logout()
    sign_in(client, make_member(make_world().party), settings)
    assert client.get(address).status_code == 404
