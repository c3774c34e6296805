"""What every sheet of rows shares: its columns, one transaction for the whole file, what becomes of each row.

A preview is the import itself, rolled back: what it shows is what happens. One refused row refuses the file.
"""

import datetime as dt
import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from contracts.operations.guards import require_permission, require_person
from contracts.rules.exchange_files import Table
from evbilling.access.models import User
from evbilling.kernel.errors import BadInput, BillingError, require

FIRST_ROW = 2
"""Row 1 of a file names the columns."""


class Fate(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Applied:
    """What a row did: the object it speaks of, and column -> (before, after) of what changed in it."""

    fate: Fate
    obj: Model
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cells:
    """One row by its columns. A column that the file does not have leaves what is there as it is."""

    values: Mapping[str, str]

    def __contains__(self, column: str) -> bool:
        return column in self.values

    def get(self, column: str) -> str:
        """The cell; empty where the file has no such column."""
        return self.values.get(column, "")


class Apply(Protocol):
    """Write one row by the operations. Raises BillingError for a row that cannot be."""

    def __call__(self, cells: Cells, *, by: User, at: dt.datetime) -> Applied: ...


@dataclass(frozen=True, slots=True)
class Sheet:
    """One kind of file. `key` columns tell which object a row speaks of; `needed` ones are in every file.

    `shown` columns are written for people and passed over on the way in. `permission` may import, `view` may export.
    `rows` writes those of a queryset of `model`, whose admin page offers the sheet.
    """

    name: str
    title: str | Promise
    columns: tuple[str, ...]
    key: tuple[str, ...]
    needed: tuple[str, ...]
    permission: str
    view: str
    apply: Apply
    rows: Callable[[QuerySet[Any]], Iterator[dict[str, str]]]
    shown: tuple[str, ...] = ()

    @property
    def headings(self) -> tuple[str, ...]:
        """All columns of an export."""
        return (*self.columns, *self.shown)


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """A row of the file by its number there, and what becomes of it; refused: column, value and a sentence."""

    number: int
    values: Mapping[str, str]
    fate: Fate
    obj: Model | None = None
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    column: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole file: rows = new + changed + unchanged + refused; `done` says that it was written."""

    rows: tuple[RowOutcome, ...]
    done: bool

    @property
    def counts(self) -> Counter[Fate]:
        """How many rows of each fate."""
        return Counter(row.fate for row in self.rows)

    @property
    def refused(self) -> tuple[RowOutcome, ...]:
        """The rows that keep the file from being imported."""
        return tuple(row for row in self.rows if row.fate == Fate.REFUSED)


def import_rows(*, sheet: Sheet, table: Table, by: User | None, at: dt.datetime, dry_run: bool = False) -> Outcome:
    """Write all rows of a file in one transaction, or none: a refused row or `dry_run` leaves everything as it was.

    Raises BadInput for headings that cannot be used, NotAllowed without the right. The same file again changes nothing.
    """
    person = require_person(by)
    require_permission(by, sheet.permission)
    _require_headings(sheet, table.headings)
    seen: dict[tuple[str, ...], int] = {}
    with transaction.atomic():
        rows = tuple(
            _outcome(sheet, number, dict(zip(table.headings, cells, strict=True)), seen=seen, by=person, at=at)
            for number, cells in enumerate(table.rows, FIRST_ROW)
            if any(cells)
        )
        require(rows, BadInput("file", "", _("It has no rows below its headings.")))
        done = not dry_run and all(row.fate != Fate.REFUSED for row in rows)
        if not done:
            transaction.set_rollback(True)
    return Outcome(rows, done)


def export_rows(*, sheet: Sheet, queryset: QuerySet[Any], by: User) -> list[list[str]]:
    """The rows of a queryset, in the order of the sheet's headings. Raises NotAllowed without the right."""
    require_permission(by, sheet.view)
    return [[row.get(column, "") for column in sheet.headings] for row in sheet.rows(queryset)]


def _require_headings(sheet: Sheet, headings: Sequence[str]) -> None:
    known = set(sheet.headings)
    for heading in headings:
        if heading in known:
            continue
        close = difflib.get_close_matches(heading, sheet.headings, 1)
        advice = (
            _("There is no such column; did you mean %s?") % close[0]
            if close
            else _("There is no such column; the columns are %s.") % ", ".join(sheet.columns)
        )
        raise BadInput("column", heading, advice)
    missing = [column for column in sheet.needed if column not in headings]
    require(not missing, BadInput("column", ", ".join(missing), _("The file lacks this column; add it.")))


def _outcome(
    sheet: Sheet,
    number: int,
    values: dict[str, str],
    *,
    seen: dict[tuple[str, ...], int],
    by: User,
    at: dt.datetime,
) -> RowOutcome:
    try:
        key = tuple(values.get(column, "").strip() for column in sheet.key)
        first = seen.setdefault(key, number)
        require(
            first == number,
            BadInput(sheet.key[0], key[0], _("Row %s speaks of it already; keep one of them.") % first),
        )
        with transaction.atomic():
            applied = sheet.apply(Cells({name: values[name] for name in values if name in sheet.columns}), by=by, at=at)
    except BillingError as refusal:
        column = refusal.field if isinstance(refusal, BadInput) else ""
        return RowOutcome(number, values, Fate.REFUSED, column=column, message=refusal.message)
    return RowOutcome(number, values, applied.fate, applied.obj, applied.changes)


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Columns whose text differs."""
    return {name: (before.get(name, ""), text) for name, text in after.items() if before.get(name, "") != text}


def fate_of(changes: Mapping[str, Any] | Iterable[Any], created: bool) -> Fate:
    """New, changed or unchanged."""
    if created:
        return Fate.NEW
    return Fate.CHANGED if changes else Fate.UNCHANGED
