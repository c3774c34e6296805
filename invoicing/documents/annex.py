"""The annex of sessions, drawn straight as PDF text: thousands of rows would take a layout engine minutes.

A session takes two lines: what it was, and small below it its reference and why it costs what it does. Every row has a
known height, so the pages follow from one pass. Each cell is one marked piece of content in reading order (start and
reference, site and station, vehicle and driver, kWh, time, idle, amount, because) of a table with eight columns
(`evbilling.shell.paper.drawn`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.utils.translation import ngettext, pgettext

from evbilling.shell.paper.drawn import DrawnPage, TaggedRow
from evbilling.shell.paper.formats import formats_of
from evbilling.shell.paper.sheet import Colours, Faces, Sheet, fill
from invoicing.documents.view import AnnexSection, DocumentView, SessionRow

_MAIN, _SMALL, _HEAD = 7.4, 6.2, 6.6
_ASCENT, _LEADING, _TIGHT, _PADDING, _GAP = 9.2, 8.8, 7.8, 5.2, 6.0
_BAND, _TOTAL, _TABLE_HEAD, _TITLE = 25.0, 20.0, 15.5, 46.0
# Of the width: three left edges, four right edges.
_SHARES = (0, 0.197, 0.472, 0.757, 0.822, 0.887, 1)
_BARE_SHARE = 0.515  # left edge of the reference where it takes the vehicles' place
_KWH_ROOM = 38.0
_BESIDE = " · "


@dataclass(frozen=True, slots=True)
class _Block:
    """A piece of the flow. `glued` keeps it on one page with the next."""

    height: float
    draw: Callable[[], None]
    glued: bool = False
    continues: str = ""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the rows of one annex are laid out, the same for all: what stands beside the first text of a cell or below.

    Without vehicles, drivers and reasons (a host's annex) the reference takes their column and a row is one line.
    """

    station_beside: bool
    driver_beside: bool
    bare: bool

    @property
    def lines(self) -> int:
        """Lines above the because."""
        return 1 + (not self.driver_beside or (self.bare and not self.station_beside))

    @property
    def because_column(self) -> int:
        """The column below whose texts the because starts; a place below it is taken."""
        return 1 if self.station_beside or not self.driver_beside else 2


def draw_annex(view: DocumentView, sheet: Sheet, faces: Faces, start: float = 0) -> list[DrawnPage]:
    """The pages of the view's annex, none without sessions; call it with the view's language active.

    With `start` the first of them is the lower part of a page that has content down to there.
    """
    if not view.annex_rows:
        return []
    return _Annex(view, sheet, faces, start or sheet.body_top).pages


class _Annex:
    def __init__(self, view: DocumentView, sheet: Sheet, faces: Faces, start: float) -> None:
        self.view, self.sheet, self.faces = view, sheet, faces
        colours = Colours.of(view.letterhead)
        self.colours = colours
        self.ink, self.quiet = fill(colours.ink), fill(colours.quiet)
        self.formats = formats_of(view.language, view.currency)
        width = sheet.right - sheet.left
        bare = not any(row.vehicle or row.driver or row.because for section in view.annex for row in section.rows)
        shares = (*_SHARES[:2], _BARE_SHARE, *_SHARES[3:]) if bare else _SHARES
        self.x = tuple(sheet.left + share * width for share in shares)
        self.plan = self._plan(bare)
        self.continued = pgettext("annex", "%s (continued)")
        self.pages: list[DrawnPage] = []
        self.y = 0.0
        self._new_page(start)
        self._flow([block for section in view.annex for block in self._blocks(section)])

    def _plan(self, bare: bool) -> _Plan:
        rows = [row for section in self.view.annex for row in section.rows]
        site, vehicle = self.x[2] - self.x[1] - _GAP, self.x[3] - _KWH_ROOM - self.x[2] - _GAP

        def fit(pairs: set[tuple[str, str]], room: float) -> bool:
            width = self.faces.regular.width
            return all(width(_BESIDE.join(pair), _MAIN) <= room for pair in pairs if all(pair))

        return _Plan(
            station_beside=fit({(row.site, row.station) for row in rows}, site),
            driver_beside=fit({(row.vehicle, row.driver) for row in rows}, vehicle),
            bare=bare,
        )

    def _flow(self, blocks: list[_Block]) -> None:
        if len(self.view.annex) > 1 or not self.view.annex[0].label:
            blocks[-1] = _Block(blocks[-1].height, blocks[-1].draw, glued=True, continues=blocks[-1].continues)
            blocks.append(_Block(_TOTAL, self._total))
        runs = [0.0] * (len(blocks) + 1)
        for index in range(len(blocks) - 1, -1, -1):
            runs[index] = blocks[index].height + (runs[index + 1] if blocks[index].glued else 0)
        for index, block in enumerate(blocks):
            free = index == 0 or not blocks[index - 1].glued
            if free and self.y - runs[index] < self.sheet.body_bottom:
                self._new_page()
                if block.continues:
                    self._band(block.continues)
            block.draw()

    def _blocks(self, section: AnnexSection) -> list[_Block]:
        """A section's flow: its band stays with two rows, and its last row is never alone on a page."""
        if not section.rows:
            return []
        blocks = [_Block(_BAND, partial(self._band, section.label, section), glued=True)] if section.label else []
        last = len(section.rows) - 1
        for number, row in enumerate(section.rows):
            said = self.faces.regular.wrap(row.because, _SMALL, self.x[6] - self.x[self.plan.because_column])
            lines = 1 if self.plan.bare and self.plan.station_beside else max(2, self.plan.lines + bool(said))
            height = _ASCENT + (lines - 1) * _LEADING + max(0, len(said) - 1) * _TIGHT + _PADDING
            glued = number < last and number in {0, last - 1}
            blocks.append(_Block(height, partial(self._row, row, said, height), glued, section.label if number else ""))
        return blocks

    def _new_page(self, start: float = 0) -> None:
        first = not self.pages
        page = DrawnPage()
        self.pages.append(page)
        self.y = start or self.sheet.body_top
        if first:
            self._title(page)
        heads = TaggedRow("TH")
        labels = (
            pgettext("annex", "Start") if self.plan.bare else pgettext("annex", "Start, reference"),
            pgettext("annex", "Site, station"),
            pgettext("annex", "Reference") if self.plan.bare else pgettext("annex", "Vehicle, driver"),
            "kWh",
            pgettext("annex", "Time"),
            pgettext("annex", "Idle"),
            self.view.annex_amount_label or pgettext("document", "Net %s") % self.view.currency,
        )
        for number, (label, x) in enumerate(zip(labels, self.x, strict=True)):
            text = self.faces.text(label, x, self.y - _HEAD, _HEAD, bold=True, from_right=number > 2)
            if first:
                page.cell(heads, f"{self.quiet} {text}", 2 if number == len(labels) - 1 else 1)
            else:
                page.operators.append(f"/Artifact BMC BT {self.quiet} {text} ET EMC")
        if first:
            page.rows.append(heads)
        self.y -= _TABLE_HEAD
        page.operators.append(self.sheet.line(self.y + 3.5, 1, self.colours.ink))

    def _title(self, page: DrawnPage) -> None:
        view, formats = self.view, self.formats
        title = pgettext("annex", "Session annex")
        lead = [ngettext("%s session", "%s sessions", view.annex_rows) % formats.whole(view.annex_rows)]
        if view.supply_from and view.supply_to:
            lead.append(formats.period(view.supply_from, view.supply_to))
        lead.append(pgettext("annex", "start times are local to the site, durations in hours and minutes"))
        page.bookmarks.append((title, self.y, 1))
        heading = self.faces.text(title, self.sheet.left, self.y - 13, 15, bold=True)
        said = self.faces.text(" · ".join(lead), self.sheet.left, self.y - 27, 7.6)
        for tag, colour, text in (("H2", self.ink, heading), ("P", self.quiet, said)):
            page.heading(tag, f"{colour} {text}")
        self.y -= _TITLE

    def _band(self, label: str, section: AnnexSection | None = None) -> None:
        """Heading of a section with its sums; without a section the reminder on a following page."""
        page, y = self.pages[-1], self.y - 16
        label = self.faces.bold.fit(label, 8, self.x[3] - self.x[0] - (70 if section else 140))
        if section is None:
            label = self.continued % label
        name = f"{self.ink} {self.faces.text(label, self.x[0], y, 8, bold=True)}"
        if section:
            row = TaggedRow("TH")
            page.cell(row, name, 3)
            self._sums(page, row, y, sum(r.energy_wh for r in section.rows), self.formats.amount(section.amount))
            page.rows.append(row)
            page.bookmarks.append((section.label, self.y, 2))
        else:
            page.operators.append(f"/Artifact BMC BT {name} ET EMC")
        self.y -= _BAND
        page.operators.append(self.sheet.line(self.y + 2.6, 0.5, self.colours.hairline))

    def _total(self) -> None:
        page, y = self.pages[-1], self.y - 12
        page.operators.append(self.sheet.line(self.y, 1, self.colours.ink))
        row = TaggedRow("TH")
        page.cell(row, f"{self.ink} {self.faces.text(pgettext('document', 'Total'), self.x[0], y, 8, bold=True)}", 3)
        energy = sum(r.energy_wh for section in self.view.annex for r in section.rows)
        amount = sum((section.amount for section in self.view.annex[1:]), self.view.annex[0].amount)
        self._sums(page, row, y, energy, self.formats.amount(amount))
        page.rows.append(row)
        self.y -= _TOTAL

    def _sums(self, page: DrawnPage, row: TaggedRow, y: float, energy_wh: int, amount: str) -> None:
        for text, x, span in ((self.formats.kwh(energy_wh), self.x[3], 1), (amount, self.x[6], 4)):
            page.cell(row, f"{self.ink} {self.faces.text(text, x, y, 7.6, bold=True, from_right=True)}", span)

    def _row(self, row: SessionRow, said: list[str], height: float) -> None:
        page, x, text, formats, plan = self.pages[-1], self.x, self.faces.text, self.formats, self.plan
        tagged = TaggedRow("TD")
        page.rows.append(tagged)
        ink, quiet = self.ink, self.quiet
        y1 = self.y - _ASCENT
        y2 = y1 - _LEADING
        date = formats.short_date(row.started_at.date())
        clock = text(formats.clock(row.started_at), x[1] - 9, y1, _MAIN, from_right=True)
        start = f"{text(date, x[0], y1, _MAIN)} {clock}"
        site = self._pair(row.site, row.station, x[1], x[2] - _GAP, y1, beside=plan.station_beside)
        if plan.bare:
            reference = f"{quiet} {text(row.session_ref, x[2], y1, _MAIN, room=x[3] - _KWH_ROOM - x[2] - _GAP)}"
            cells = [start, site, reference]
        else:
            reference = text(row.session_ref, x[0], y2, _SMALL, room=x[1] - x[0] - 9)
            edge = x[3] - _KWH_ROOM - _GAP
            vehicle = self._pair(row.vehicle, row.driver, x[2], edge, y1, beside=plan.driver_beside)
            cells = [f"{start} {quiet} {reference}", site, vehicle]
        figures = (formats.kwh(row.energy_wh), formats.duration(row.duration_s), formats.duration(row.idle_s))
        cells += [
            text(figure, right, y1, _MAIN, from_right=True) for figure, right in zip(figures, x[3:6], strict=True)
        ]
        cells.append(text(formats.amount(row.amount), x[6], y1, _MAIN, bold=True, from_right=True))
        for cell in cells:
            page.cell(tagged, f"{ink} {cell}")
        first = y1 - plan.lines * _LEADING
        left = x[plan.because_column]
        lines = (text(line, left, first - _TIGHT * number, _SMALL) for number, line in enumerate(said))
        page.cell(tagged, f"{quiet} {' '.join(lines)}")
        self.y -= height
        page.operators.append(self.sheet.line(self.y, 0.4, self.colours.hairline))

    def _pair(self, upper: str, lower: str, left: float, edge: float, y: float, *, beside: bool) -> str:
        """A cell of two texts, the second one quiet, beside the first or below it."""
        text = self.faces.text
        if not beside:
            below = text(lower, left, y - _LEADING, _SMALL, room=edge - left)
            return f"{text(upper, left, y, _MAIN, room=edge - left)} {self.quiet} {below}"
        if not (upper and lower):
            return text(upper or lower, left, y, _MAIN, room=edge - left)
        after = left + self.faces.regular.width(upper, _MAIN)
        return f"{text(upper, left, y, _MAIN)} {self.quiet} {text(_BESIDE + lower, after, y, _MAIN)}"
