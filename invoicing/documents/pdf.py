"""A document as PDF/A-3b bytes: `render_pdf`.

Page one is laid out by WeasyPrint (`first_page`), the session annex is drawn (`annex`), and here they become one tagged
file with running heads, page numbers, bookmarks and, where given, the e-invoice inside (Factur-X). The same view and
the same XML always give the same bytes: nothing is read from the clock.

    from invoicing.documents.pdf import FacturX, render_pdf
    content = render_pdf(view)                                # preview of a draft, or a document without XML
    content = render_pdf(view, facturx=FacturX(xml=xml))      # the issued document

A worker keeps one font configuration and its compiled style sheets; the first document of a process costs a second or
two more. Rendering is serialised within a process (Pango's fonts are shared): use processes, not threads, for speed.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, NamedTuple

import pydyf
from weasyprint import Attachment, Document

from evbilling.shell.paper.file import deflated
from evbilling.shell.paper.page import free_below
from evbilling.shell.paper.pdf import PaperFile, chain, drawing, write_pdf
from evbilling.shell.paper.sheet import Faces, Sheet
from invoicing.documents.annex import AnnexPage, TaggedRow, draw_annex
from invoicing.documents.first_page import lay_out
from invoicing.documents.running import faces_of, running_of
from invoicing.documents.view import DocumentView, check_view
from invoicing.documents.words import kind_words, language_code

_MCID = re.compile(r"/MCID (\d+)")
_ANNEX_GAP, _ANNEX_ROOM, _ANNEX_LEAST, _FEW_SESSIONS = 34.0, 230.0, 90.0, 16


@dataclass(frozen=True, slots=True)
class FacturX:
    """The structured invoice to embed: CII XML and the Factur-X profile that it follows."""

    xml: bytes
    profile: str = "EN 16931"


def render_pdf(view: DocumentView, *, facturx: FacturX | None = None) -> bytes:
    """The view as PDF/A-3b.

    Raises DocumentTooLarge, DocumentDoesNotAddUp, MoneyError or BadInput (colour) before anything is drawn.
    """
    check_view(view)
    with drawing(language_code(view)):
        running = running_of(view)
        sheet, faces = Sheet.of(view.letterhead.paper), faces_of(view, running)
        document = lay_out(view)
        annex = _annex(view, sheet, faces, document)
        if facturx:
            _attach(document, view, facturx)

        def finish(file: PaperFile) -> None:
            _Finisher(view, annex, file).finish()

        return write_pdf(
            document,
            running=running,
            faces=faces,
            more_pages=len(annex.pages) - annex.joined,
            identity=f"{view.issuer.legal_name}\n{view.kind}\n{view.number}",
            finish=finish,
        )


class _Annex(NamedTuple):
    """Drawn pages; `joined` says that the first of them is the lower part of the last page that is laid out."""

    pages: list[AnnexPage]
    joined: bool


def _annex(view: DocumentView, sheet: Sheet, faces: Faces, document: Document) -> _Annex:
    """The annex: joined on a following page with enough room and on page one where all of it fits, else on its own."""
    if not view.annex_rows:
        return _Annex([], False)
    start = free_below(document, sheet) - _ANNEX_GAP
    if len(document.pages) > 1 and start - sheet.body_bottom > _ANNEX_ROOM:
        return _Annex(draw_annex(view, sheet, faces, start), True)
    if len(document.pages) == 1 and view.annex_rows <= _FEW_SESSIONS and start > sheet.body_bottom + _ANNEX_LEAST:
        pages = draw_annex(view, sheet, faces, start)
        if len(pages) == 1:
            return _Annex(pages, True)
    return _Annex(draw_annex(view, sheet, faces), False)


class _Raw(pydyf.Object):
    """An object whose bytes are known: structure elements come by the thousand."""

    def __init__(self) -> None:
        super().__init__()
        self.content = b""

    @property
    def data(self) -> bytes:
        return self.content


class _Finisher:
    """Adds the drawn parts to the file that WeasyPrint made of page one."""

    def __init__(self, view: DocumentView, annex: _Annex, file: PaperFile) -> None:
        self.view, self.file, self.sheet, self.pdf = view, file, file.sheet, file.pdf
        self.annex, self.joined = annex
        self._object = file.object

    def finish(self) -> None:
        """The annex with its structure, then bookmarks."""
        pdf, laid_out = self.pdf, self.file.laid_out
        resources = pydyf.Dictionary({"Font": pydyf.Dictionary(self.file.fonts)})
        pdf.add_object(resources)
        numbers = self._object(self._object(pdf.catalog["StructTreeRoot"])["ParentTree"])["Nums"]
        if self.joined:
            reference = pdf.page_references[laid_out - 1]
            self._join(self._object(reference), self.annex[0], len(self._marked(numbers, reference)))
        key = max(numbers[::2], default=-1) + 1
        for number, page in enumerate(self.annex[self.joined :], start=laid_out + 1):
            running = self.file.running_on(number)
            content = deflated(["\n".join((running, *page.operators)).encode("ascii")])
            pdf.add_object(content)
            self._add_page(resources, content, key + number - laid_out - 1)
        self._tag(laid_out, numbers, key)
        self._bookmark(laid_out)

    def _marked(self, numbers: list[Any], page: bytes) -> Any:
        """The structure elements of a laid-out page's marked pieces, in their order."""
        return numbers[numbers.index(self._object(page)["StructParents"]) + 1]

    def _join(self, page: pydyf.Dictionary, drawn: AnnexPage, pieces: int) -> None:
        """Set the annex's beginning on a page that has so many marked pieces already; its own are counted on."""
        text = _MCID.sub(lambda found: f"/MCID {int(found[1]) + pieces}", "\n".join(drawn.operators))
        content = deflated([text.encode("ascii")])
        self.pdf.add_object(content)
        page["Contents"].append(content.reference)
        drawn.headings = [(tag, piece + pieces) for tag, piece in drawn.headings]
        for row in drawn.rows:
            row.pieces = [piece + pieces for piece in row.pieces]

    def _add_page(self, resources: pydyf.Dictionary, content: pydyf.Stream, key: int) -> None:
        box = pydyf.Array([0, 0, self.sheet.width, self.sheet.height])
        page = {
            "Type": "/Page",
            "Parent": self.pdf.pages.reference,
            "MediaBox": box,
            "TrimBox": box,
            "Tabs": "/S",
            "Contents": content.reference,
            "Resources": resources.reference,
            "StructParents": key,
        }
        self.pdf.add_page(pydyf.Dictionary(page))

    def _tag(self, laid_out: int, numbers: list[Any], key: int) -> None:
        """Section with heading, note and one table over all annex pages."""
        if not self.annex:
            return
        root = self._object(self._object(self.pdf.catalog["StructTreeRoot"])["K"][0])
        section, table = self._element(), self._element()
        root["K"].append(section.reference)
        references = self.pdf.page_references[laid_out - self.joined :]
        kids: list[bytes] = []
        rows: list[bytes] = []
        for offset, (page, reference) in enumerate(zip(self.annex, references, strict=True)):
            parents: list[bytes] = []
            for tag, piece in page.headings:
                kids.append(self._leaf(tag, section.reference, reference, piece, b""))
                parents.append(kids[-1])
            for row in page.rows:
                rows.append(self._table_row(row, table.reference, reference, parents))
            if self.joined and not offset:
                self._marked(numbers, reference).extend(parents)
            else:
                numbers.extend((key + offset - self.joined, pydyf.Array(parents)))
        kids.append(table.reference)
        section.content = b"<</Type/StructElem/S/Sect/P %s/K[%s]>>" % (root.reference, b" ".join(kids))
        table.content = b"<</Type/StructElem/S/Table/P %s/K[%s]>>" % (section.reference, b" ".join(rows))

    def _table_row(self, row: TaggedRow, table: bytes, page: bytes, parents: list[bytes]) -> bytes:
        element = self._element()
        scope = b"/Scope/Column" if row.cell == "TH" else b""
        cells = []
        for piece, span in zip(row.pieces, row.spans, strict=True):
            spread = b"/ColSpan %d" % span if span > 1 else b""
            attributes = b"/A<</O/Table%s%s>>" % (scope, spread) if scope or spread else b""
            cells.append(self._leaf(row.cell, element.reference, page, piece, attributes))
        parents += cells
        element.content = b"<</Type/StructElem/S/TR/P %s/K[%s]>>" % (table, b" ".join(cells))
        return bytes(element.reference)

    def _leaf(self, tag: str, parent: bytes, page: bytes, piece: int, more: bytes) -> bytes:
        element = self._element()
        element.content = b"<</Type/StructElem/S/%s/P %s/Pg %s/K %d%s>>" % (tag.encode(), parent, page, piece, more)
        return bytes(element.reference)

    def _element(self) -> _Raw:
        element = _Raw()
        self.pdf.add_object(element)
        return element

    def _bookmark(self, laid_out: int) -> None:
        """Outline: the document, and below it the annex with its sections."""
        references = self.pdf.page_references
        entries = [(f"{kind_words(self.view).title} {self.view.number}".strip(), 0, self.sheet.height)]
        entries += [
            (label, laid_out + index - self.joined, y + 6)
            for index, page in enumerate(self.annex)
            for label, y in page.bookmarks
        ]
        root, items = pydyf.Dictionary({"Type": "/Outlines"}), []
        self.pdf.add_object(root)
        for label, page, y in entries:
            destination = pydyf.Array([references[page], "/XYZ", 0, round(y, 2), 0])
            items.append(pydyf.Dictionary({"Title": pydyf.String(label), "Dest": destination}))
            self.pdf.add_object(items[-1])
        chain(root, items[:2])
        if len(items) > 2:
            chain(items[1], items[2:])
        self.pdf.catalog["Outlines"] = root.reference
        self.pdf.catalog["PageMode"] = "/UseOutlines" if self.annex else "/UseNone"


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
