"""The shape of every accounting report: sections of one currency, typed columns, rows that know what they are about.

A page, a CSV file and a workbook are drawn from the same report (files.py, the workspace), so they cannot differ.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from django.utils.functional import Promise

Kind = Literal["text", "money", "day", "number", "percent"]
Text = str | Promise
Value = str | Decimal | int | dt.date | Promise | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column; money stands in the section's currency and is added up in the totals where `adds` is set."""

    key: str
    label: Text
    kind: Kind = "text"
    adds: bool = False

    @property
    def numeric(self) -> bool:
        """Whether figures stand right-aligned under each other."""
        return self.kind in {"money", "number", "percent"}


@dataclass(frozen=True, slots=True)
class Row:
    """Cells in the order of the columns. `about` names the row behind it: ("invoice", 12); "" for none."""

    cells: tuple[Value, ...]
    about: tuple[str, int] | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One table in one currency."""

    title: Text
    currency: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    note: Text = ""
    totals: tuple[Value, ...] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it is shown and downloaded. `findings` are differences that a person has to look at."""

    name: str
    title: Text
    subtitle: str
    sections: Sequence[Section]
    findings: Sequence[Text] = field(default_factory=tuple)


def added(rows: Sequence[Row], index: int = -1) -> Decimal:
    """The sum of one column of amounts; empty cells count as nothing."""
    return sum((value for row in rows if isinstance(value := row.cells[index], Decimal)), Decimal(0))


def summed(columns: Sequence[Column], rows: Sequence[Row], label: Text) -> tuple[Value, ...]:
    """The totals of the adding columns, with a label in the first; rows that are sums themselves are left out."""
    parts = [row for row in rows if not row.strong]
    cells: list[Value] = []
    for index, column in enumerate(columns):
        if column.adds:
            cells.append(added(parts, index))
        else:
            cells.append(label if index == 0 else None)
    return tuple(cells)
