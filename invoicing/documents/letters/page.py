"""A letter as it is laid out: the common shape that notice, statement, receipt and report fill with their words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evbilling.shell.paper.listing import Listing

MOST_IN_FLOW = 20
"""Rows of a table on page one; longer ones become a list below."""


@dataclass(frozen=True, slots=True)
class BoxCell:
    """One cell of the coloured box: `style` is "due" for the amount, "fact" or "ref"."""

    label: str
    value: str
    style: str = "fact"


@dataclass(frozen=True, slots=True)
class FlowColumn:
    """A column of a table on page one; the one without a width takes what is left."""

    label: str
    width: int = 0
    figures: bool = False


@dataclass(frozen=True, slots=True)
class FlowCell:
    """A cell as it is set."""

    text: str
    figures: bool


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A row of a table on page one."""

    cells: tuple[FlowCell, ...]
    strong: bool = False


@dataclass(frozen=True, slots=True)
class FlowTable:
    """A short table on page one."""

    columns: tuple[FlowColumn, ...]
    rows: tuple[FlowRow, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class SumRow:
    """A row of the totals: `style` is "total", "due", "last" or empty, with "rule" for a line above."""

    label: str
    value: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class LetterPage:
    """Page one and the lists below it, in words of the letter's language."""

    title: str
    box: tuple[BoxCell, ...]
    number: str = ""
    subject: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    opening: tuple[str, ...] = ()
    tables: tuple[FlowTable, ...] = ()
    sums: tuple[SumRow, ...] = ()
    pay: dict[str, Any] | None = None
    closing: tuple[str, ...] = ()
    listings: tuple[Listing, ...] = field(default=())
    identity: str = ""


def flow_table(
    columns: Sequence[FlowColumn], rows: Sequence[Sequence[str]], *, title: str = "", strong: int = -1
) -> FlowTable:
    """A table from its texts; the row numbered `strong` is set in bold."""
    return FlowTable(
        tuple(columns),
        tuple(
            FlowRow(
                tuple(FlowCell(text, column.figures) for text, column in zip(row, columns, strict=True)), n == strong
            )
            for n, row in enumerate(rows)
        ),
        title,
    )
