"""A two-dimensional code on a laid-out page: `Code`."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from evbilling.shell.paper.sheet import fill


class Code:
    """The modules of a code, drawn as one area: sharp at any size, and many times cheaper than a raster image.

    WeasyPrint sets it like the images that it has read itself (`set_page(pictures=...)`).
    """

    def __init__(self, rows: Sequence[bytes | bytearray], ink: str) -> None:
        self.rows, self.ink = rows, ink

    def get_intrinsic_size(self, _resolution: float, _font_size: float) -> tuple[float, float, float]:
        """Width, height and their ratio: a pixel for each module."""
        return len(self.rows), len(self.rows), 1

    def draw(self, stream: Any, width: float, height: float, _style: object) -> None:
        """One path over all dark modules, so that no viewer shows seams between them; y goes down."""
        module = f"{width / len(self.rows):.5f} 0 0 {height / len(self.rows):.5f} 0 0 cm"
        path = [f"{x} {y} {length} 1 re" for y, row in enumerate(self.rows) for x, length in _runs(row)]
        stream.stream.append("\n".join((fill(self.ink), module, *path, "f")))


def _runs(row: bytes | bytearray) -> list[tuple[int, int]]:
    """Where dark modules stand side by side: the first and their count."""
    found, x = [], 0
    for dark, modules in groupby(row):
        length = len(list(modules))
        if dark:
            found.append((x, length))
        x += length
    return found
