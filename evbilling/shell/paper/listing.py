"""Lists of any length below a laid-out page, drawn straight: columns with repeated heads, a total, tagged cells.

Each list is a table of its own in the document's structure (`drawn`). A row's height follows from how its wrapping
cells break, so thousands of rows take one pass.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evbilling.shell.paper.drawn import DrawnPage, TaggedRow
from evbilling.shell.paper.letterhead import Letterhead
from evbilling.shell.paper.sheet import Colours, Faces, Sheet, fill

_SIZE, _HEAD, _TITLE, _LEAD = 7.4, 6.6, 11.5, 7.6
_ASCENT, _LEADING, _PADDING, _GAP = 9.2, 8.8, 5.2, 7.0
_TITLE_HEIGHT, _HEAD_LEADING, _HEAD_PADDING, _TOTAL, _BETWEEN = 34.0, 7.8, 7.7, 20.0, 22.0


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its head, its part of the width, and whether it holds figures, which stand at its right edge."""

    label: str
    share: float
    figures: bool = False


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row; `strong` for a heading or subtotal, `quiet` for what only explains."""

    cells: tuple[str, ...]
    strong: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A list with its heading, a line that says what it holds, and the total row, empty for none."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[ListRow, ...]
    lead: str = ""
    total: tuple[str, ...] = ()

    def texts(self) -> Iterable[str]:
        """Everything it prints, to choose the typeface by."""
        yield self.title
        yield self.lead
        yield from (column.label for column in self.columns)
        yield from self.total
        for row in self.rows:
            yield from row.cells


def draw_listings(
    listings: Sequence[Listing], letterhead: Letterhead, sheet: Sheet, faces: Faces, start: float = 0
) -> list[DrawnPage]:
    """The pages of the lists, none without rows.

    With `start` the first of them is the lower part of a page that has content down to there.
    """
    filled = [listing for listing in listings if listing.rows]
    if not filled:
        return []
    pen = _Pen(letterhead, sheet, faces, start or sheet.body_top)
    for number, listing in enumerate(filled):
        pen.draw(listing, number)
    return pen.pages


class _Pen:
    def __init__(self, letterhead: Letterhead, sheet: Sheet, faces: Faces, start: float) -> None:
        self.sheet, self.faces = sheet, faces
        self.colours = Colours.of(letterhead)
        self.ink, self.quiet = fill(self.colours.ink), fill(self.colours.quiet)
        self.pages = [DrawnPage()]
        self.y, self.table = start, 0
        self.edges: list[tuple[float, float]] = []

    def draw(self, listing: Listing, number: int) -> None:
        """One list: its heading stays with two rows, its total with one, and no row stands alone on a page."""
        self.table = number
        self.edges = self._edges(listing)
        rows = [self._wrapped(row) for row in listing.rows]
        heights = [_ASCENT + (max(map(len, cells)) - 1) * _LEADING + _PADDING for cells in rows]
        heads = [
            self.faces.regular.wrap(column.label, _HEAD, right - left)
            for column, (left, right) in zip(listing.columns, self.edges, strict=True)
        ]
        if number:
            self.y -= _BETWEEN
        needed = _TITLE_HEIGHT + self._head_height(heads) + sum(heights[:2]) + _TOTAL * (len(rows) <= 2)
        if self.y - needed < self.sheet.body_bottom:
            self._new_page()
        self._title(listing)
        self._heads(listing, heads, first=True)
        last = len(rows) - 1
        for index, (row, cells, height) in enumerate(zip(listing.rows, rows, heights, strict=True)):
            kept = height
            if index == last - 1:
                kept += heights[last]
            if index >= last - 1 and listing.total:
                kept += _TOTAL
            if index and self.y - kept < self.sheet.body_bottom and index != last:
                self._new_page()
                self._heads(listing, heads, first=False)
            self._row(listing, row, cells, height)
        if listing.total:
            self._total(listing)

    def _edges(self, listing: Listing) -> list[tuple[float, float]]:
        """Left and right edge of each column's text."""
        whole = sum(column.share for column in listing.columns)
        edges, x = [], self.sheet.left
        for number, column in enumerate(listing.columns):
            width = (self.sheet.right - self.sheet.left) * column.share / whole
            last = number == len(listing.columns) - 1
            before_figures = not last and listing.columns[number + 1].figures
            edges.append((x, x + width - (0 if last or (column.figures and before_figures) else _GAP)))
            x += width
        return edges

    def _wrapped(self, row: ListRow) -> list[list[str]]:
        face = self.faces.bold if row.strong else self.faces.regular
        return [
            face.wrap(text, _SIZE, right - left) or [""]
            for text, (left, right) in zip(row.cells, self.edges, strict=True)
        ]

    def _new_page(self) -> None:
        self.pages.append(DrawnPage())
        self.y = self.sheet.body_top

    def _title(self, listing: Listing) -> None:
        page, text = self.pages[-1], self.faces.text
        page.bookmarks.append((listing.title, self.y, 1))
        title = text(listing.title, self.sheet.left, self.y - 10, _TITLE, bold=True)
        page.heading("H2", f"{self.ink} {title}", self.table)
        if listing.lead:
            after = self.sheet.left + self.faces.bold.width(listing.title, _TITLE) + 8
            lead = text(listing.lead, after, self.y - 10, _LEAD, room=self.sheet.right - after)
            page.heading("P", f"{self.quiet} {lead}", self.table)
        self.y -= _TITLE_HEIGHT - _HEAD_PADDING

    @staticmethod
    def _head_height(heads: list[list[str]]) -> float:
        return max(map(len, heads)) * _HEAD_LEADING + _HEAD_PADDING

    def _heads(self, listing: Listing, heads: list[list[str]], *, first: bool) -> None:
        page, tagged = self.pages[-1], TaggedRow("TH", table=self.table)
        tall = max(map(len, heads))
        for number, lines in enumerate(heads):
            drawn = " ".join(
                self._text(listing, number, line, self.y - _HEAD - (tall - len(lines) + n) * _HEAD_LEADING, _HEAD)
                for n, line in enumerate(lines)
            )
            if first:
                page.cell(tagged, f"{self.quiet} {drawn}")
            else:
                page.operators.append(f"/Artifact BMC BT {self.quiet} {drawn} ET EMC")
        if first:
            page.rows.append(tagged)
        self.y -= self._head_height(heads)
        page.operators.append(self.sheet.line(self.y + 3.5, 1, self.colours.ink))

    def _row(self, listing: Listing, row: ListRow, cells: list[list[str]], height: float) -> None:
        page, tagged = self.pages[-1], TaggedRow("TD", table=self.table)
        page.rows.append(tagged)
        colour = self.quiet if row.quiet else self.ink
        y = self.y - _ASCENT
        for number, lines in enumerate(cells):
            drawn = " ".join(
                self._text(listing, number, line, y - n * _LEADING, _SIZE, bold=row.strong)
                for n, line in enumerate(lines)
            )
            page.cell(tagged, f"{colour} {drawn}")
        self.y -= height
        page.operators.append(self.sheet.line(self.y, 0.4, self.colours.hairline))

    def _total(self, listing: Listing) -> None:
        page, tagged = self.pages[-1], TaggedRow("TH", table=self.table)
        page.rows.append(tagged)
        page.operators.append(self.sheet.line(self.y, 1, self.colours.ink))
        for number, text in enumerate(listing.total):
            page.cell(tagged, f"{self.ink} {self._text(listing, number, text, self.y - 12, _SIZE, bold=True)}")
        self.y -= _TOTAL

    def _text(self, listing: Listing, number: int, text: str, y: float, size: float, *, bold: bool = False) -> str:
        left, right = self.edges[number]
        figures = listing.columns[number].figures
        return self.faces.text(text, right if figures else left, y, size, bold=bold, from_right=figures)
