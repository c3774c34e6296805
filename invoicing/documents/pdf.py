"""A document as PDF/A-3a bytes: `render_pdf`.

Page one is laid out by WeasyPrint (`first_page`), the session annex is drawn (`annex`), and here they become one tagged
file with running heads, page numbers, bookmarks and, where given, the e-invoice inside (Factur-X). The same view and
the same XML always give the same bytes: nothing is read from the clock.

    from invoicing.documents.pdf import FacturX, render_pdf
    content = render_pdf(view)                                # preview of a draft, or a document without XML
    content = render_pdf(view, facturx=FacturX(xml=xml))      # the issued document

A worker keeps one font configuration and its compiled style sheets; the first document of a process costs a second or
two more. Rendering is serialised within a process (Pango's fonts are shared): use processes, not threads, for speed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import partial

from weasyprint import Attachment, Document

from evbilling.shell.paper.drawn import Drawn, add_drawn
from evbilling.shell.paper.page import free_below
from evbilling.shell.paper.pdf import drawing, write_pdf
from evbilling.shell.paper.sheet import Faces, Sheet
from invoicing.documents.annex import draw_annex
from invoicing.documents.first_page import lay_out
from invoicing.documents.running import faces_of, running_of
from invoicing.documents.view import DocumentView, check_view
from invoicing.documents.words import kind_words, language_code

_ANNEX_GAP, _ANNEX_ROOM, _ANNEX_LEAST, _FEW_SESSIONS = 34.0, 230.0, 90.0, 16


@dataclass(frozen=True, slots=True)
class FacturX:
    """The structured invoice to embed: CII XML and the Factur-X profile that it follows."""

    xml: bytes
    profile: str = "EN 16931"


def render_pdf(view: DocumentView, *, facturx: FacturX | None = None) -> bytes:
    """The view as PDF/A-3a.

    Raises DocumentTooLarge, DocumentDoesNotAddUp, MoneyError or BadInput (colour) before anything is drawn.
    """
    check_view(view)
    with drawing(language_code(view)):
        running = running_of(view)
        sheet, faces = Sheet.of(view.letterhead), faces_of(view, running)
        document = lay_out(view)
        annex = _annex(view, sheet, faces, document)
        title = f"{kind_words(view).title} {view.number}".strip()
        if facturx:
            _attach(document, view, facturx)

        return write_pdf(
            document,
            running=running,
            faces=faces,
            more_pages=annex.more_pages,
            identity=f"{view.issuer.legal_name}\n{view.kind}\n{view.number}",
            finish=partial(add_drawn, drawn=annex, title=title),
        )


def _annex(view: DocumentView, sheet: Sheet, faces: Faces, document: Document) -> Drawn:
    """The annex: joined on a following page with enough room and on page one where all of it fits, else on its own."""
    if not view.annex_rows:
        return Drawn()
    start = free_below(document, sheet) - _ANNEX_GAP
    if len(document.pages) > 1 and start - sheet.body_bottom > _ANNEX_ROOM:
        return Drawn(draw_annex(view, sheet, faces, start), joined=True)
    if len(document.pages) == 1 and view.annex_rows <= _FEW_SESSIONS and start > sheet.body_bottom + _ANNEX_LEAST:
        pages = draw_annex(view, sheet, faces, start)
        if len(pages) == 1:
            return Drawn(pages, joined=True)
    return Drawn(draw_annex(view, sheet, faces))


_FACTURX = """<rdf:Description rdf:about="" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#">
<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>
<fx:Version>1.0</fx:Version><fx:ConformanceLevel>%s</fx:ConformanceLevel></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>fx</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>%s</rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"""
_PROPERTY = """<rdf:li rdf:parseType="Resource"><pdfaProperty:name>%s</pdfaProperty:name>
<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>
<pdfaProperty:description>%s</pdfaProperty:description></rdf:li>"""
_PROPERTIES = (
    ("DocumentFileName", "name of the embedded XML invoice file"),
    ("DocumentType", "INVOICE"),
    ("Version", "version of the Factur-X data schema"),
    ("ConformanceLevel", "conformance level of the embedded Factur-X data"),
)


def _attach(document: Document, view: DocumentView, facturx: FacturX) -> None:
    """Embed the XML and name it in the one RDF of the metadata, where readers of Factur-X look for it."""
    stamp = datetime.combine(view.issued_on, time(), UTC)
    metadata = document.metadata
    metadata.attachments = [
        Attachment(
            string=facturx.xml,
            name="factur-x.xml",
            description="Factur-X/ZUGFeRD invoice",
            relationship="Alternative",
            created=stamp,
            modified=stamp,
        )
    ]
    described = _FACTURX % (facturx.profile, "".join(_PROPERTY % pair for pair in _PROPERTIES))
    plain = metadata.generate_rdf_metadata

    def with_facturx(variant: str, version: int, conformance: str) -> bytes:
        rdf: bytes = plain(variant, version, conformance)
        return rdf.replace(b"</rdf:RDF>", described.encode() + b"</rdf:RDF>")

    metadata.generate_rdf_metadata = with_facturx
