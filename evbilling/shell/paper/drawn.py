"""Pages drawn straight, and how they become part of the tagged file that WeasyPrint made: `add_drawn`.

A layout engine takes minutes for thousands of rows; here each row has a known height, so pages follow from one pass.
Whoever draws marks each cell as one piece of content in reading order; the pieces are hung into the document's
structure as sections with heading and table, and what begins on a page becomes a bookmark.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import pydyf

from evbilling.shell.paper.file import deflated
from evbilling.shell.paper.pdf import PaperFile, chain

_MCID = re.compile(r"/MCID (\d+)")


@dataclass(slots=True)
class TaggedRow:
    """A row of a table: the kind of its cells (TH or TD), each cell's number on its page and its columns."""

    cell: str
    pieces: list[int] = field(default_factory=list)
    spans: list[int] = field(default_factory=list)
    table: int = 0


@dataclass(slots=True)
class DrawnPage:
    """One drawn page: operators, table rows, headings (tag, piece, table), (label, y, level) of what begins, count of
    pieces.

    `table` counts the tables of the document's drawn part; a table goes on over pages.
    """

    operators: list[str] = field(default_factory=list)
    rows: list[TaggedRow] = field(default_factory=list)
    headings: list[tuple[str, int, int]] = field(default_factory=list)
    bookmarks: list[tuple[str, float, int]] = field(default_factory=list)
    pieces: int = 0

    def cell(self, row: TaggedRow, operators: str, span: int = 1) -> None:
        """Draw one cell: a marked piece of text that the structure refers to by its number."""
        self.operators.append(f"/{row.cell} <</MCID {self.pieces}>> BDC BT {operators} ET EMC")
        row.pieces.append(self.pieces)
        row.spans.append(span)
        self.pieces += 1

    def heading(self, tag: str, operators: str, table: int = 0) -> None:
        """Draw a line of text above a table, as H2 or P."""
        self.headings.append((tag, self.pieces, table))
        self.operators.append(f"/{tag} <</MCID {self.pieces}>> BDC BT {operators} ET EMC")
        self.pieces += 1


@dataclass(frozen=True, slots=True)
class Drawn:
    """Drawn pages; `joined` says that the first of them is the lower part of the last page that is laid out."""

    pages: list[DrawnPage] = field(default_factory=list)
    joined: bool = False

    @property
    def more_pages(self) -> int:
        """How many pages it adds."""
        return len(self.pages) - self.joined


def add_drawn(file: PaperFile, drawn: Drawn, title: str) -> None:
    """Add the drawn pages with their structure, then bookmarks, of which the first is the document's title."""
    _Adding(file, drawn).add(title)


class _Raw(pydyf.Object):
    """An object whose bytes are known: structure elements come by the thousand."""

    def __init__(self) -> None:
        super().__init__()
        self.content = b""

    @property
    def data(self) -> bytes:
        return self.content


class _Adding:
    def __init__(self, file: PaperFile, drawn: Drawn) -> None:
        self.file, self.sheet, self.pdf = file, file.sheet, file.pdf
        self.pages, self.joined = drawn.pages, drawn.joined
        self._object = file.object

    def add(self, title: str) -> None:
        pdf, laid_out = self.pdf, self.file.laid_out
        resources = pydyf.Dictionary({"Font": pydyf.Dictionary(self.file.fonts)})
        pdf.add_object(resources)
        numbers = self._object(self._object(pdf.catalog["StructTreeRoot"])["ParentTree"])["Nums"]
        if self.joined:
            reference = pdf.page_references[laid_out - 1]
            self._join(self._object(reference), self.pages[0], len(self._marked(numbers, reference)))
        key = max(numbers[::2], default=-1) + 1
        for number, page in enumerate(self.pages[self.joined :], start=laid_out + 1):
            running = self.file.running_on(number)
            content = deflated(["\n".join((running, *page.operators)).encode("ascii")])
            pdf.add_object(content)
            self._add_page(resources, content, key + number - laid_out - 1)
        if self.pages:
            self._tag(laid_out, numbers, key)
        self._bookmark(laid_out, title)

    def _marked(self, numbers: list[Any], page: bytes) -> Any:
        """The structure elements of a laid-out page's marked pieces, in their order."""
        return numbers[numbers.index(self._object(page)["StructParents"]) + 1]

    def _join(self, page: pydyf.Dictionary, drawn: DrawnPage, pieces: int) -> None:
        """Set the beginning on a page that has so many marked pieces already; its own are counted on."""
        text = _MCID.sub(lambda found: f"/MCID {int(found[1]) + pieces}", "\n".join(drawn.operators))
        content = deflated([text.encode("ascii")])
        self.pdf.add_object(content)
        page["Contents"].append(content.reference)
        drawn.headings = [(tag, piece + pieces, table) for tag, piece, table in drawn.headings]
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
        """A section with heading, note and one table over all pages for each drawn table."""
        root = self._object(self._object(self.pdf.catalog["StructTreeRoot"])["K"][0])
        used = {row.table for page in self.pages for row in page.rows}
        used |= {table for page in self.pages for _tag, _piece, table in page.headings}
        sections = {table: self._element() for table in sorted(used)}
        tables = {table: self._element() for table in sections}
        root["K"].extend(section.reference for section in sections.values())
        kids: dict[int, list[bytes]] = {table: [] for table in sections}
        rows: dict[int, list[bytes]] = {table: [] for table in sections}
        references = self.pdf.page_references[laid_out - self.joined :]
        for offset, (page, reference) in enumerate(zip(self.pages, references, strict=True)):
            parents: dict[int, bytes] = {}
            for tag, piece, table in page.headings:
                parents[piece] = self._leaf(tag, sections[table].reference, reference, piece, b"")
                kids[table].append(parents[piece])
            for row in page.rows:
                rows[row.table].append(self._table_row(row, tables[row.table].reference, reference, parents))
            ordered = [parents[piece] for piece in sorted(parents)]
            if self.joined and not offset:
                self._marked(numbers, reference).extend(ordered)
            else:
                numbers.extend((key + offset - self.joined, pydyf.Array(ordered)))
        for number, section in sections.items():
            whole = tables[number]
            inside = b" ".join((*kids[number], whole.reference))
            section.content = b"<</Type/StructElem/S/Sect/P %s/K[%s]>>" % (root.reference, inside)
            inside = b" ".join(rows[number])
            whole.content = b"<</Type/StructElem/S/Table/P %s/K[%s]>>" % (section.reference, inside)

    def _table_row(self, row: TaggedRow, table: bytes, page: bytes, parents: dict[int, bytes]) -> bytes:
        element = self._element()
        scope = b"/Scope/Column" if row.cell == "TH" else b""
        cells = []
        for piece, span in zip(row.pieces, row.spans, strict=True):
            spread = b"/ColSpan %d" % span if span > 1 else b""
            attributes = b"/A<</O/Table%s%s>>" % (scope, spread) if scope or spread else b""
            parents[piece] = self._leaf(row.cell, element.reference, page, piece, attributes)
            cells.append(parents[piece])
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

    def _bookmark(self, laid_out: int, title: str) -> None:
        """Outline: the document, then what begins on the drawn pages, the second level below the first."""
        references = self.pdf.page_references
        entries = [(title, 0, self.sheet.height, 1)]
        entries += [
            (label, laid_out + index - self.joined, y + 6, level)
            for index, page in enumerate(self.pages)
            for label, y, level in page.bookmarks
        ]
        root, upper = pydyf.Dictionary({"Type": "/Outlines"}), []
        below: list[list[pydyf.Dictionary]] = []
        self.pdf.add_object(root)
        for label, page, y, level in entries:
            destination = pydyf.Array([references[page], "/XYZ", 0, round(y, 2), 0])
            item = pydyf.Dictionary({"Title": pydyf.String(label), "Dest": destination})
            self.pdf.add_object(item)
            if level == 1:
                upper.append(item)
                below.append([])
            else:
                below[-1].append(item)
        chain(root, upper)
        for item, children in zip(upper, below, strict=True):
            if children:
                chain(item, children)
        root["Count"] = len(entries)
        self.pdf.catalog["Outlines"] = root.reference
        self.pdf.catalog["PageMode"] = "/UseOutlines" if self.pages else "/UseNone"
