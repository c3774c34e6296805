"""The drawn parts of a sheet: its measures, colours and type as PDF operators, and what runs along every page."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import pgettext

from evbilling.shell.paper.letterhead import Letterhead, Paper, PartyBlock
from evbilling.shell.paper.typeface import REGULAR, SEMIBOLD, Typeface, needs_whole, typeface

MM = 72 / 25.4
_FOOT, _FOOT_LEAST, _FOOT_LINES, _FOOT_TOP = 6.2, 4.2, 4, 15.6 * MM
_FOOTER, _FOOTER_LEADING, _FOOTER_GAP = 6.6, 8.6, 4.0
_SIZES = {Paper.A4: (210 * MM, 297 * MM), Paper.LETTER: (612.0, 792.0)}


def mix(colour: str, share: float) -> str:
    """The colour thinned with white: share 1 is the colour, 0 white."""
    return "#" + "".join(f"{round(255 - (255 - int(colour[i : i + 2], 16)) * share):02x}" for i in (1, 3, 5))


def fill(colour: str) -> str:
    """The operator that sets the colour for text and areas."""
    return " ".join(f"{int(colour[i : i + 2], 16) / 255:.3f}" for i in (1, 3, 5)) + " rg"


@dataclass(frozen=True, slots=True)
class Colours:
    """Tones of a letterhead as #rrggbb: the same ones on the laid-out and the drawn pages."""

    accent: str
    tint: str
    ink: str
    quiet: str
    hairline: str
    ghost: str

    @classmethod
    def of(cls, letterhead: Letterhead) -> "Colours":
        """The tones: quiet text keeps a contrast above 4.5 on white for any dark ink."""
        accent, ink = letterhead.accent, letterhead.ink
        return cls(accent, mix(accent, 0.06), ink, mix(ink, 0.68), mix(ink, 0.16), mix(ink, 0.05))


def foot_rise(letterhead: Letterhead) -> float:
    """How much higher the foot is, in points, because of the issuer's own sentence above it."""
    return len(_footer_lines(letterhead)) * _FOOTER_LEADING + (_FOOTER_GAP if letterhead.footer else 0)


@lru_cache(maxsize=64)
def _footer_lines(letterhead: Letterhead) -> tuple[str, ...]:
    width, _height = _SIZES[letterhead.paper]
    face = typeface(REGULAR, whole=needs_whole(letterhead.footer))
    return tuple(face.wrap(letterhead.footer, _FOOTER, width - 40 * MM))


@dataclass(frozen=True, slots=True)
class Sheet:
    """Size and edges in points, y upwards from the bottom."""

    width: float
    height: float
    left: float
    right: float
    body_top: float
    body_bottom: float

    @classmethod
    def of(cls, letterhead: Letterhead) -> "Sheet":
        """Measures of the letterhead's paper; the margins are those of the style sheets under templates/documents."""
        width, height = _SIZES[letterhead.paper]
        bottom = 23 * MM + foot_rise(letterhead)
        return cls(width, height, 20 * MM, width - 20 * MM, height - 27 * MM, bottom)

    def line(self, y: float, thickness: float, colour: str) -> str:
        """A line from edge to edge, as an artifact."""
        width = self.right - self.left
        return f"/Artifact BMC {fill(colour)} {self.left:.2f} {y:.2f} {width:.2f} {thickness:.2f} re f EMC"


@dataclass(frozen=True, slots=True)
class Running:
    """What runs along a document's pages: `heading` names it at the head from page two on, a draft is marked as one."""

    letterhead: Letterhead
    issuer: PartyBlock
    heading: str
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Faces:
    """The two weights of the drawn text; F1 and F2 are their names in the page's resources."""

    regular: Typeface
    bold: Typeface

    @classmethod
    def of(cls, running: "Running", texts: Iterable[str] = ()) -> "Faces":
        """The small cuts where they hold every character of the drawn text, else the whole files."""
        foot = (line for column in _foot_columns(running.issuer) for line in column)
        letterhead = running.letterhead
        whole = needs_whole("".join((running.heading, letterhead.name, letterhead.footer, *foot, *texts)))
        return cls(typeface(REGULAR, whole=whole), typeface(SEMIBOLD, whole=whole))

    def text(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        *,
        bold: bool = False,
        from_right: bool = False,
        room: float = 0,
    ) -> str:
        """Operators that set the text at x (its right edge if `from_right`), cut to the room if one is given."""
        if not text:
            return ""
        face = self.bold if bold else self.regular
        if room:
            text = face.fit(text, size, room)
        if from_right:
            x -= face.width(text, size)
        return f"/F{2 if bold else 1} {size} Tf 1 0 0 1 {x:.2f} {y:.2f} Tm {face.hex(text)} Tj"


def _foot_columns(issuer: PartyBlock) -> list[list[str]]:
    """What stands at the foot of every page: who we are, how we are reached, where we are registered."""
    columns = (
        [issuer.legal_name, *issuer.address_lines],
        [issuer.email, issuer.phone, issuer.website],
        [issuer.registration, *(f"{label} {value}" for label, value in issuer.tax_ids)],
    )
    return [lines for column in columns if (lines := [line for line in column if line])]


def _foot(issuer: PartyBlock, sheet: Sheet, faces: Faces, number_width: float) -> list[str]:
    """The columns of the foot, as wide as their text; where they do not fit, lines wrap and then the type shrinks."""
    columns, size, gap = _foot_columns(issuer), _FOOT, 26.0
    room = sheet.right - sheet.left - number_width
    while True:
        widths = [max(faces.regular.width(line, size) for line in column) for column in columns]
        free = room - gap * len(columns)
        if sum(widths) > free:
            widths = [width * free / sum(widths) for width in widths]
        wrapped = [
            [part for line in column for part in faces.regular.wrap(line, size, width + 0.01)]
            for column, width in zip(columns, widths, strict=True)
        ]
        if size <= _FOOT_LEAST or max(map(len, wrapped), default=0) <= _FOOT_LINES:
            break
        size = round(size - 0.2, 1)
    parts, x = [], sheet.left
    for lines, width in zip(wrapped, widths, strict=True):
        parts += [faces.text(line, x, _FOOT_TOP - n * size * 1.25, size) for n, line in enumerate(lines)]
        x += width + gap
    return parts


def running_matter(running: Running, sheet: Sheet, faces: Faces, page: int, pages: int) -> str:
    """Head (from page two), foot and page number of one page, as artifacts; call it with the language active."""
    colours = Colours.of(running.letterhead)
    left, right = sheet.left, sheet.right
    parts = [fill(colours.quiet)]
    label = pgettext("document", "Page %(page)s of %(pages)s") % {"page": page, "pages": pages}
    parts += _foot(running.issuer, sheet, faces, faces.regular.width(label, 6.6))
    parts.append(faces.text(label, right, _FOOT_TOP, 6.6, from_right=True))
    if page > 1:
        y = sheet.height - 16 * MM
        parts += [
            faces.text(running.letterhead.name, left, y, 7.4, bold=True, room=(right - left) / 2),
            faces.text(running.heading, right, y, 7.4, from_right=True),
        ]
    head = sheet.line(sheet.height - 18.5 * MM, 0.5, colours.hairline) if page > 1 else ""
    ghost = _ghost(sheet, faces, colours) if running.draft else ""
    rise = foot_rise(running.letterhead)
    parts += [
        faces.text(line, left, _FOOT_TOP + rise - number * _FOOTER_LEADING, _FOOTER)
        for number, line in enumerate(_footer_lines(running.letterhead))
    ]
    foot = sheet.line(19 * MM + rise, 0.5, colours.hairline)
    return f"{ghost}\n{head}\n{foot}\n/Artifact BMC BT {' '.join(parts)} ET EMC"


def _ghost(sheet: Sheet, faces: Faces, colours: Colours) -> str:
    """The word DRAFT across the sheet, under everything else."""
    word, size = pgettext("document", "DRAFT"), 130
    half = faces.bold.width(word, size) / 2 * 0.7071
    x, y = sheet.width / 2 - half + 32, sheet.height / 2 - half - 32
    tilt = f"0.7071 0.7071 -0.7071 0.7071 {x:.2f} {y:.2f} Tm"
    return f"/Artifact BMC BT {fill(colours.ghost)} /F2 {size} Tf {tilt} {faces.bold.hex(word)} Tj ET EMC"
