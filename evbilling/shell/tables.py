"""A small typed table: columns say how a value reads, the query string says order and page.

It renders as an accessible HTML table that becomes a list of cards on a phone (templates/portal/components/table.html).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import Promise, cached_property
from django.utils.html import conditional_escape, format_html
from django.utils.translation import gettext_lazy as _

from evbilling.shell import formats

Format = Literal[
    "text", "money", "unit_price", "kwh", "duration", "day", "instant", "percent", "number", "badge", "html"
]
Text = str | Promise
_NUMERIC = {"money", "unit_price", "kwh", "duration", "percent", "number"}
_WITH_CURRENCY: dict[str, Callable[[Any, str], str]] = {
    "money": formats.format_money,
    "unit_price": formats.format_unit_price,
}
_PLAIN: dict[str, Callable[[Any], str]] = {
    "text": str,
    "kwh": formats.format_kwh,
    "duration": formats.format_duration,
    "day": formats.format_day,
    "percent": formats.format_percent,
    "number": formats.format_number,
    "html": conditional_escape,
}
_NOTHING_YET = _("Nothing here yet.")
NO_VALUE = "\N{EN DASH}"


def follow(row: Any, path: str) -> Any:
    """The value at a dotted path of attributes or keys; None as soon as one step has none."""
    value = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name)
        if callable(value):
            value = value()
        if value is None:
            return None
    return value


@dataclass(frozen=True, slots=True)
class Column:
    """One column: where its value comes from, how it reads, what it is ordered by.

    `value` is a function of the row, or else the dotted attribute path `key`. `sort` names the order_by fields of a
    QuerySet; a column of a plain sequence is ordered by its value when `sort` is set. `currency` and `zone` are dotted
    paths of the row, or the code itself. `title` heads the card on a phone; `minor` is left out there.
    """

    key: str
    label: Text
    format: Format = "text"
    value: Callable[[Any], Any] | None = None
    sort: str | tuple[str, ...] = ()
    currency: str = "currency"
    zone: str = "UTC"
    tone: Callable[[Any], str] | None = None
    href: Callable[[Any], str | None] | None = None
    title: bool = False
    minor: bool = False

    @property
    def numeric(self) -> bool:
        """Whether figures stand right-aligned under each other."""
        return self.format in _NUMERIC

    @property
    def order_fields(self) -> tuple[str, ...]:
        """The fields a QuerySet is ordered by, ascending."""
        return (self.sort,) if isinstance(self.sort, str) else self.sort

    def raw(self, row: Any) -> Any:
        """The value before formatting."""
        return self.value(row) if self.value else follow(row, self.key)

    def text(self, row: Any) -> str:
        """The value as it reads; a dash where there is none."""
        value = self.raw(row)
        if value is None or value == "":
            return NO_VALUE
        if self.format in _WITH_CURRENCY:
            return _WITH_CURRENCY[self.format](value, self._code(row, self.currency))
        if self.format == "instant":
            return formats.format_instant(value, self._code(row, self.zone))
        if self.format == "badge":
            tone = self.tone(row) if self.tone else "neutral"
            return format_html('<span class="badge badge-{}">{}</span>', tone, value)
        return _PLAIN[self.format](value)

    @staticmethod
    def _code(row: Any, path: str) -> str:
        """A currency or zone: written out (EUR, UTC, Europe/Berlin) or a path to it."""
        return path if path.isupper() or "/" in path else str(follow(row, path))


@dataclass(frozen=True, slots=True)
class Cell:
    """One formatted cell."""

    column: Column
    text: str
    href: str | None


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's head: its order now, and the query string that orders by it."""

    column: Column
    order: Literal["ascending", "descending", "none"]
    query: str


class Table:
    """Rows of one page in the order that the query string asks for; unknown orders and pages fall back quietly."""

    def __init__(
        self,
        rows: QuerySet[Any] | Sequence[Any],
        columns: Sequence[Column],
        params: QueryDict,
        *,
        caption: Text,
        default_sort: str = "",
        page_size: int = 25,
        empty: Text = _NOTHING_YET,
        prefix: str = "",
    ) -> None:
        self.rows = rows
        self.columns = columns
        self.params = params
        self.caption = caption
        self.default_sort = default_sort
        self.page_size = page_size
        self.empty = empty
        self.sort_name = f"{prefix}sort"
        self.page_name = f"{prefix}page"

    @cached_property
    def order(self) -> tuple[Column | None, bool]:
        """The column that the rows are ordered by, and whether downwards."""
        sortable = {column.key: column for column in self.columns if column.sort}
        for wanted in (self.params.get(self.sort_name, ""), self.default_sort):
            if wanted.lstrip("-") in sortable:
                return sortable[wanted.lstrip("-")], wanted.startswith("-")
        return None, False

    @cached_property
    def ordered(self) -> QuerySet[Any] | Sequence[Any]:
        """All rows in their order; ties of a QuerySet fall to the primary key, so that pages never overlap."""
        column, descending = self.order
        if column is None:
            return self.rows
        if isinstance(self.rows, QuerySet):
            sign = "-" if descending else ""
            return self.rows.order_by(*(f"{sign}{field}" for field in column.order_fields), f"{sign}pk")
        known = [row for row in self.rows if column.raw(row) is not None]
        unknown = [row for row in self.rows if column.raw(row) is None]
        return [*sorted(known, key=column.raw, reverse=descending), *unknown]

    @cached_property
    def page(self) -> Page[Any]:
        """The page asked for; the nearest that exists otherwise."""
        return Paginator(self.ordered, self.page_size).get_page(self.params.get(self.page_name))

    def query(self, **changes: str | int | None) -> str:
        """The query string of this page with some parameters changed; None removes one."""
        params = self.params.copy()
        params.pop("poll", None)
        for name, value in changes.items():
            params.pop(name, None)
            if value is not None:
                params[name] = str(value)
        return f"?{params.urlencode()}"

    @property
    def headings(self) -> Iterator[Heading]:
        """The heads of the columns; a second click turns the order round."""
        current, descending = self.order
        for column in self.columns:
            active = column is current
            wanted = f"-{column.key}" if (active and not descending) or (not active and column.numeric) else column.key
            order: Literal["ascending", "descending", "none"] = "none"
            if active:
                order = "descending" if descending else "ascending"
            yield Heading(column, order, self.query(**{self.sort_name: wanted, self.page_name: None}))

    @property
    def body(self) -> Iterator[list[Cell]]:
        """The formatted cells, row by row."""
        for row in self.page.object_list:
            yield [Cell(column, column.text(row), column.href(row) if column.href else None) for column in self.columns]

    @property
    def previous_query(self) -> str | None:
        """Where "previous" leads."""
        return self.query(**{self.page_name: self.page.number - 1}) if self.page.has_previous() else None

    @property
    def next_query(self) -> str | None:
        """Where "next" leads."""
        return self.query(**{self.page_name: self.page.number + 1}) if self.page.has_next() else None
