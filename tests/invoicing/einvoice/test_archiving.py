"""What is archived and sent with a document, and what is held."""

import datetime as dt
from hashlib import sha256
from typing import Any

import pytest
from django.db.models import prefetch_related_objects
from lxml import etree

from contracts.models import EInvoiceFormat
from evbilling.kernel.outbox import OutboxMessage, OutboxState, retry_by_hand, run
from invoicing.einvoice import check
from invoicing.einvoice.model import Finding, Format
from invoicing.einvoice.rules import RulesNotRun, validate
from invoicing.models import Delivery, Document, DocumentKind, Invoice, InvoiceKind, InvoiceState
from invoicing.operations.documents import archive_document, preview_draft
from invoicing.operations.issuing import RENDER, issue_invoice
from invoicing.queries.freezing import details_of
from tests.factories import make_user
from tests.invoicing.documents.reading import opened
from tests.invoicing.einvoice.world import AT, ISSUED_ON, TAXES, make_document, make_world

pytestmark = pytest.mark.django_db
FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
LATER = AT + dt.timedelta(hours=1)


def issued(format: str = EInvoiceFormat.FACTURX, **party: str) -> Invoice:
    draft = make_document(make_world(format, **party), TAXES["several"], InvoiceKind.INVOICE)
    return issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=AT)


def drawing_of(invoice: Invoice) -> OutboxMessage:
    return OutboxMessage.objects.get(key=f"{RENDER}:{invoice.pk}")


def test_factur_x_is_inside_the_pdf_once_and_valid() -> None:
    invoice = issued()
    archive_document(invoice_id=invoice.pk, at=LATER)
    (document,) = invoice.documents.all()
    with opened(bytes(document.content)) as pdf:
        (file,) = pdf.Root.AF
        assert str(file.AFRelationship) == "/Alternative"
        assert (str(file.F), str(file.UF)) == ("factur-x.xml", "factur-x.xml")
        assert str(file.EF.F.Subtype) == "/text/xml"
        xml = file.EF.F.read_bytes()
        xmp = etree.fromstring(pdf.Root.Metadata.read_bytes())
    assert validate(xml, Format.FACTURX) == []
    (rdf,) = xmp.iter(f"{RDF}RDF")
    named = {name: rdf.findtext(f".//{{{FX}}}{name}") for name in ("DocumentType", "DocumentFileName", "Version")}
    assert named == {"DocumentType": "INVOICE", "DocumentFileName": "factur-x.xml", "Version": "1.0"}
    assert rdf.findtext(f".//{{{FX}}}ConformanceLevel") == "EN 16931"
    assert FX in [each.text for each in rdf.iter("{http://www.aiim.org/pdfa/ns/schema#}namespaceURI")]


@pytest.mark.parametrize("format", [Format.XRECHNUNG, Format.PEPPOL])
def test_who_takes_xml_gets_it_as_a_file_beside_the_pdf(format: Format) -> None:
    invoice = issued(format)
    archive_document(invoice_id=invoice.pk, at=LATER)
    files = {file.kind: file for file in invoice.documents.all()}
    xml = bytes(files[DocumentKind.XML].content)
    assert set(files) == {DocumentKind.PDF, DocumentKind.XML}
    assert validate(xml, format) == []
    assert files[DocumentKind.XML].sha256 == sha256(xml).hexdigest()
    assert files[DocumentKind.XML].file_name.endswith(".xml")
    assert files[DocumentKind.XML].content_type == "application/xml"
    assert invoice.number is not None
    assert invoice.number.encode() in xml


def test_pdf_only_has_no_xml() -> None:
    invoice = issued(EInvoiceFormat.NONE)
    archive_document(invoice_id=invoice.pk, at=LATER)
    (document,) = invoice.documents.all()
    with opened(bytes(document.content)) as pdf:
        assert "/AF" not in pdf.Root


def test_what_breaks_an_official_rule_is_held_with_its_id() -> None:
    invoice = issued(country="ZZ")
    assert run(message_id=drawing_of(invoice).pk, at=LATER) is OutboxState.FAILED
    assert "is held" in drawing_of(invoice).last_error
    assert "BR-CL-14" in drawing_of(invoice).last_error
    assert not Document.objects.filter(invoice=invoice).exists()
    assert not Delivery.objects.filter(invoice=invoice).exists()


def test_a_held_document_goes_out_when_it_is_tried_again_after_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = issued()
    with monkeypatch.context() as broken:
        broken.setattr(check, "validate", lambda *_args, **_options: [Finding("BR-CO-15", "Totals differ.")])
        assert run(message_id=drawing_of(invoice).pk, at=LATER) is OutboxState.FAILED
    retry_by_hand(message_id=drawing_of(invoice).pk, by=make_user(), at=LATER, reason="rules renewed")
    assert run(message_id=drawing_of(invoice).pk, at=LATER) is OutboxState.DONE
    assert [file.kind for file in invoice.documents.all()] == [DocumentKind.PDF]


def test_rules_that_cannot_be_run_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise RulesNotRun("no Saxon")

    invoice = issued()
    monkeypatch.setattr(check, "validate", fail)
    assert run(message_id=drawing_of(invoice).pk, at=LATER) is OutboxState.QUEUED
    assert not Document.objects.filter(invoice=invoice).exists()


@pytest.mark.parametrize(
    ("format", "party", "rules"),
    [
        (EInvoiceFormat.XRECHNUNG, {"buyer_reference": ""}, ["BR-DE-15"]),
        (EInvoiceFormat.XRECHNUNG, {"endpoint_id": ""}, ["PEPPOL-EN16931-R010"]),
        (EInvoiceFormat.PEPPOL, {"endpoint_id": "", "buyer_reference": ""}, ["PEPPOL-EN16931-R010", "DE-R-015"]),
        (EInvoiceFormat.PEPPOL, {"endpoint_scheme": "1234"}, ["BR-CL-25"]),
        (EInvoiceFormat.FACTURX, {"vat_id": "12345678"}, ["BR-CO-09"]),
    ],
)
def test_what_could_not_be_sent_is_not_issued(format: str, party: dict[str, str], rules: list[str]) -> None:
    draft = make_document(make_world(format, **party), TAXES["several"], InvoiceKind.INVOICE)
    with pytest.raises(check.EInvoiceIncomplete) as refused:
        issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=AT)
    assert [finding.rule for finding in refused.value.findings] == rules
    assert all(rule in refused.value.message for rule in rules)
    draft.refresh_from_db()
    assert (draft.state, draft.number, draft.issuer_details) == (InvoiceState.DRAFT, None, {})


def test_preflight_asks_no_more_than_the_rows_of_tax(django_assert_num_queries: Any) -> None:
    draft = make_document(make_world("xrechnung"), TAXES["several"], InvoiceKind.INVOICE)
    draft = Invoice.objects.select_related("operator", "party", "contract", "contract_version").get(pk=draft.pk)
    draft.issuer_details, draft.recipient_details = details_of(draft)
    with django_assert_num_queries(1):
        check.require_einvoice(draft)
    prefetch_related_objects([draft], "taxes")
    with django_assert_num_queries(0):
        check.require_einvoice(draft)


def test_a_preview_needs_no_e_invoice() -> None:
    draft = make_document(make_world("xrechnung", buyer_reference=""), TAXES["one"], InvoiceKind.INVOICE)
    assert preview_draft(invoice_id=draft.pk, on=ISSUED_ON).startswith(b"%PDF")
