"""The document's own typeface, for the pages drawn without a layout engine: glyphs, widths and the font objects.

Two cuts of each weight exist: a small one with Latin-1 and the common signs, and the whole file (Latin, Greek,
Cyrillic); a document embeds the small one unless its text needs more. Figures are tabular in
the files themselves. Characters that the typeface does not have are drawn as a white square: PDF/A forbids the empty
glyph.
"""

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zlib import compress

import pydyf
from fontTools import subset
from fontTools.ttLib import TTFont

FOLDER = Path(__file__).parent / "fonts"
REGULAR, SEMIBOLD = "Inter-Regular", "Inter-SemiBold"
MISSING = "\N{WHITE SQUARE}"
_SMALL = "".join(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x100)))) + "€–—‘’“”„•…−→≤≥×" + MISSING
_SUBSET_TAG = {False: "EVBSML", True: "EVBALL"}


class _Glyphs(dict[str, str]):
    """Character to four hex digits of its glyph; an unknown one takes the sign for it."""

    def __missing__(self, character: str) -> str:
        self[character] = glyph = self[MISSING]
        return glyph


class _Widths(dict[str, int]):
    """Character to advance width in thousandths of the size."""

    def __missing__(self, character: str) -> int:
        self[character] = width = self[MISSING]
        return width


@dataclass(frozen=True, slots=True)
class Typeface:
    """One weight, ready to measure, set and embed. `file` and `to_unicode` are deflated once per process."""

    name: str
    file: bytes
    file_length: int
    glyphs: _Glyphs
    widths: _Widths
    glyph_widths: tuple[int, ...]
    to_unicode: bytes
    ascent: int
    descent: int
    cap_height: int
    bbox: tuple[int, int, int, int]

    def hex(self, text: str) -> str:
        """The text as a PDF hex string of glyph numbers."""
        return "<" + "".join(map(self.glyphs.__getitem__, text)) + ">"

    def width(self, text: str, size: float) -> float:
        """Width in points at the size."""
        return sum(map(self.widths.__getitem__, text)) * size / 1000

    def fit(self, text: str, size: float, room: float) -> str:
        """The text, cut with an ellipsis where it is wider than the room."""
        if self.width(text, size) <= room:
            return text
        room -= self.width("…", size)
        used = 0.0
        for index, character in enumerate(text):
            used += self.widths[character] * size / 1000
            if used > room:
                return text[:index].rstrip() + "…"
        return text

    def wrap(self, text: str, size: float, room: float) -> list[str]:
        """The text in lines no wider than the room, broken at spaces; a longer word goes on in the next line."""
        if self.width(text, size) <= room:
            return [text] if text else []
        lines: list[str] = []
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width(longer, size) <= room:
                lines[-1] = longer
            else:
                lines += self._pieces(word, size, room)
        return lines

    def _pieces(self, word: str, size: float, room: float) -> list[str]:
        """A word in as many pieces as the room asks for, mostly one."""
        pieces, used = [""], 0.0
        for character in word:
            used += self.widths[character] * size / 1000
            if used > room and pieces[-1]:
                pieces.append("")
                used = self.widths[character] * size / 1000
            pieces[-1] += character
        return pieces

    def embed(self, pdf: pydyf.PDF) -> bytes:
        """Add the font to the PDF and return the reference of its Type 0 dictionary."""
        file = pydyf.Stream([self.file], {"Length1": self.file_length, "Filter": "/FlateDecode"})
        pdf.add_object(file)
        to_unicode = pydyf.Stream([self.to_unicode], {"Filter": "/FlateDecode"})
        pdf.add_object(to_unicode)
        descriptor = pydyf.Dictionary(
            {
                "Type": "/FontDescriptor",
                "FontName": f"/{self.name}",
                "FontFamily": pydyf.String("Inter"),
                "Flags": 4,
                "FontBBox": pydyf.Array(self.bbox),
                "ItalicAngle": 0,
                "Ascent": self.ascent,
                "Descent": self.descent,
                "CapHeight": self.cap_height,
                "StemV": 80,
                "FontFile2": file.reference,
            }
        )
        pdf.add_object(descriptor)
        descendant = pydyf.Dictionary(
            {
                "Type": "/Font",
                "Subtype": "/CIDFontType2",
                "BaseFont": f"/{self.name}",
                "CIDToGIDMap": "/Identity",
                "CIDSystemInfo": pydyf.Dictionary(
                    {"Registry": pydyf.String("Adobe"), "Ordering": pydyf.String("Identity"), "Supplement": 0}
                ),
                "FontDescriptor": descriptor.reference,
                "W": pydyf.Array([0, pydyf.Array(self.glyph_widths)]),
            }
        )
        pdf.add_object(descendant)
        font = pydyf.Dictionary(
            {
                "Type": "/Font",
                "Subtype": "/Type0",
                "BaseFont": f"/{self.name}",
                "Encoding": "/Identity-H",
                "DescendantFonts": pydyf.Array([descendant.reference]),
                "ToUnicode": to_unicode.reference,
            }
        )
        pdf.add_object(font)
        return bytes(font.reference)


def needs_whole(texts: str) -> bool:
    """Whether any character lies outside the small cut."""
    return not set(texts) <= set(_SMALL)


@cache
def typeface(name: str, *, whole: bool) -> Typeface:
    """The weight's small or whole cut; read and subset once per process."""
    font: Any = TTFont(FOLDER / f"{name}.ttf")
    if not whole:
        options = subset.Options(layout_features=[], hinting=False, notdef_outline=True)
        subsetter = subset.Subsetter(options)
        subsetter.populate(text=_SMALL)
        subsetter.subset(font)
    order = {glyph: number for number, glyph in enumerate(font.getGlyphOrder())}
    cmap = {chr(code): glyph for code, glyph in (font.getBestCmap() or {}).items()}
    scale = 1000 / font["head"].unitsPerEm
    advance = {glyph: round(width * scale) for glyph, (width, _) in font["hmtx"].metrics.items()}
    for tag in ("GSUB", "GPOS", "GDEF"):
        if tag in font:
            del font[tag]
    font.recalcTimestamp = False
    raw = io.BytesIO()
    font.save(raw)
    head, vertical, os2 = font["head"], font["hhea"], font["OS/2"]
    return Typeface(
        name=f"{_SUBSET_TAG[whole]}+{name}",
        file=compress(raw.getvalue(), 9),
        file_length=len(raw.getvalue()),
        glyphs=_Glyphs({character: f"{order[glyph]:04x}" for character, glyph in cmap.items()}),
        widths=_Widths({character: advance[glyph] for character, glyph in cmap.items()}),
        glyph_widths=tuple(advance[glyph] for glyph in order),
        to_unicode=compress(_to_unicode({order[glyph]: character for character, glyph in reversed(cmap.items())}), 9),
        ascent=round(vertical.ascent * scale),
        descent=round(vertical.descent * scale),
        cap_height=round(os2.sCapHeight * scale),
        bbox=tuple(round(edge * scale) for edge in (head.xMin, head.yMin, head.xMax, head.yMax)),
    )


def _to_unicode(characters: dict[int, str]) -> bytes:
    """The CMap by which readers copy and search the text."""
    pairs = [
        f"<{glyph:04x}> <{character.encode('utf-16-be').hex()}>" for glyph, character in sorted(characters.items())
    ]
    blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        f"{body}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode()
