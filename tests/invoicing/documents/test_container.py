"""The file around every archived document: PDF/A-3 and tagged, with the e-invoice inside as Factur-X asks, or none."""

from collections.abc import Iterator
from typing import Any

from django.test import TestCase
from lxml import etree

from contracts.models import Party, TaxStatus
from invoicing.einvoice.model import Format
from invoicing.einvoice.rules import validate
from invoicing.models import Document, DocumentKind, Invoice, Letter
from invoicing.operations.documents import archive_document, preview_draft
from tests.contracts.papers import offered
from tests.invoicing.documents.archive import make_archive
from tests.invoicing.documents.reading import opened
from tests.invoicing.month import LATER, make_month

FX = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
SCHEMA = "{http://www.aiim.org/pdfa/ns/schema#}"
PROPERTY = "{http://www.aiim.org/pdfa/ns/property#}"
CODE = (
    ".//{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}ExchangedDocument"
    "/{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}TypeCode"
)
NAMED = {
    "DocumentType": "INVOICE",
    "DocumentFileName": "factur-x.xml",
    "Version": "1.0",
    "ConformanceLevel": "EN 16931",
}
INSIDE = {
    ("invoice", ""): "380",
    ("fee_note", ""): "380",
    ("settlement", ""): "389",
    ("credit_note", "invoice"): "381",
    ("credit_note", "settlement"): "261",
}
"""The kinds of documents with an e-invoice, and of what they credit, with the code of their kind in it (BT-3)."""


def metadata_of(pdf: Any) -> Any:
    """The one RDF of the file's XMP."""
    (rdf,) = etree.fromstring(pdf.Root.Metadata.read_bytes()).iter(f"{RDF}RDF")
    return rdf


def not_archivable(content: bytes) -> list[str]:
    """What is missing of a tagged PDF/A-3."""
    with opened(content) as pdf:
        with pdf.open_metadata() as metadata:
            found = {
                "PDF/A-3a": (metadata.get("pdfaid:part"), metadata.get("pdfaid:conformance")) == ("3", "A"),
                "a title": bool(metadata.get("dc:title")),
            }
        found |= {
            "marked": "/MarkInfo" in pdf.Root and bool(pdf.Root.MarkInfo.Marked),
            "a language": "/Lang" in pdf.Root,
            "tags": "/StructTreeRoot" in pdf.Root and len(pdf.Root.StructTreeRoot.K) > 0,
            "an output intent": "/OutputIntents" in pdf.Root,
        }
    return [name for name, there in found.items() if not there]


def not_bare(content: bytes) -> list[str]:
    """What of an embedded file, or of a word on one, is in a PDF that shall have none."""
    with opened(content) as pdf:
        found = {
            "/AF": "/AF" in pdf.Root or any("/AF" in page.obj for page in pdf.pages),
            "/EmbeddedFiles": bool(pdf.attachments) or "/EmbeddedFiles" in pdf.Root.get("/Names", {}),
            "fx": any(str(each.tag).startswith(FX) for each in metadata_of(pdf).iter()),
        }
    return [name for name, there in found.items() if there]


def kind_of(invoice: Invoice) -> tuple[str, str]:
    return str(invoice.kind), str(invoice.corrects.kind) if invoice.corrects else ""


class Containers(TestCase):
    """Every archived file, as its operations made it."""

    @classmethod
    def setUpTestData(cls) -> None:
        make_archive()

    def files(self) -> Iterator[tuple[Invoice, bytes]]:
        for file in Document.objects.filter(kind=DocumentKind.PDF).select_related("invoice__corrects"):
            yield file.invoice, bytes(file.content)

    def with_einvoice(self) -> list[tuple[Invoice, bytes]]:
        return [each for each in self.files() if each[0].recipient_details["einvoice_format"] != "none"]

    def test_given_any_document_or_letter_then_its_pdf_is_archivable_and_tagged(self) -> None:
        letters = Letter.objects.filter(content_type="application/pdf")
        contents = {str(invoice): content for invoice, content in self.files()}
        contents |= {letter.source: bytes(letter.content) for letter in letters}
        contents["contract"] = bytes(offered().document.content)
        assert {str(letter.kind) for letter in letters} == {"dunning", "statement", "receipt", "run"}
        assert {name: not_archivable(content) for name, content in contents.items()} == {name: [] for name in contents}

    def test_given_a_document_with_an_e_invoice_then_it_is_inside_once_and_is_its_own(self) -> None:
        assert {kind_of(invoice) for invoice, _content in self.with_einvoice()} == set(INSIDE)
        for invoice, content in self.with_einvoice():
            with opened(content) as pdf:
                (file,) = pdf.Root.AF
                assert (str(file.AFRelationship), str(file.F), str(file.UF)) == (
                    "/Alternative", "factur-x.xml", "factur-x.xml",
                )  # fmt: skip
                assert (str(file.EF.F.Subtype), list(pdf.attachments)) == ("/text/xml", ["factur-x.xml"])
                xml = file.EF.F.read_bytes()
                assert pdf.attachments["factur-x.xml"].get_file().read_bytes() == xml
            root = etree.fromstring(xml)
            assert (root.findtext(CODE), validate(xml, Format.FACTURX)) == (INSIDE[kind_of(invoice)], [])
            assert root.findtext(CODE.replace("TypeCode", "ID")) == invoice.number

    def test_given_a_document_with_an_e_invoice_then_its_metadata_name_it_with_their_schema(self) -> None:
        for invoice, content in self.with_einvoice():
            with opened(content) as pdf:
                rdf = metadata_of(pdf)
            assert {name: rdf.findtext(f".//{FX}{name}") for name in NAMED} == NAMED, invoice
            assert [each.text for each in rdf.iter(f"{SCHEMA}namespaceURI")] == [FX.strip("{}")]
            assert [each.text for each in rdf.iter(f"{SCHEMA}prefix")] == ["fx"]
            assert {each.text for each in rdf.iter(f"{PROPERTY}name")} == set(NAMED)

    def test_given_who_takes_xml_then_the_file_beside_names_the_same_document_as_the_one_inside(self) -> None:
        beside = Document.objects.filter(kind=DocumentKind.XML).select_related("invoice")
        assert sorted(str(file.invoice.kind) for file in beside) == ["credit_note"] * 2 + ["invoice"] * 2
        for file in beside:
            assert validate(bytes(file.content), Format(file.invoice.recipient_details["einvoice_format"])) == []
            assert f">{file.invoice.number}<".encode() in bytes(file.content)

    def test_given_what_has_no_e_invoice_then_nothing_is_inside_and_nothing_says_so(self) -> None:
        bare = {str(invoice): content for invoice, content in self.files()}
        for invoice, _content in self.with_einvoice():
            del bare[str(invoice)]
        assert sorted(name.split("-")[0] for name in bare) == ["CN", "INV"]
        bare |= {file.source: bytes(file.content) for file in Letter.objects.filter(content_type="application/pdf")}
        bare["contract"] = bytes(offered().document.content)
        assert {name: not_bare(content) for name, content in bare.items()} == {name: [] for name in bare}


def test_given_a_host_who_is_not_taxable_then_his_statement_has_nothing_inside_and_no_draft_has(db: None) -> None:
    month = make_month(1, ("alpha",))
    Party.objects.filter(pk=month.contracts["host"].party_id).update(tax_status=TaxStatus.NOT_TAXABLE, vat_id="")
    month.close(issue=False)
    drafts = [preview_draft(invoice_id=draft.pk, on=LATER.date()) for draft in Invoice.objects.all()]
    month.close()
    statement = Invoice.objects.get(contract=month.contracts["host"])
    content = bytes(archive_document(invoice_id=statement.pk, at=LATER).content)
    assert (statement.kind, statement.recipient_details["einvoice_format"], len(drafts)) == ("settlement", "facturx", 2)
    assert [found for each in (content, *drafts) for found in not_archivable(each) + not_bare(each)] == []
