"""Prices that can never count, moments without a price, and windows of the week that cross."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal

from django.utils.translation import gettext as _

from contracts.rules.tariff_form import DIMENSIONS, PriceRow, TariffRows, number_text, places
from contracts.rules.tariff_lint.findings import Severity, TariffFinding
from contracts.rules.tariff_lint.space import (
    CURRENT,
    DATE,
    DURATION,
    EVERYTHING,
    INFINITY,
    KWH,
    MINUTE,
    POWER,
    Box,
    TooManyBoxes,
    boxes,
    overlaps,
    without,
)
from contracts.rules.tariff_text import conditions_in_words, dimension_name
from contracts.rules.tariff_week import WEEK, is_local, joined, week_words, windows

_SHOWN = 3
_NAMES = {KWH: "kwh", DURATION: "duration", POWER: "power", CURRENT: "current"}


def paths(tariff: TariffRows) -> list[str]:
    """Where each row stands in the document."""
    return [f"elements[{place.element}].price_components[{place.component}]" for place in places(tariff.rows)]


def reach_findings(tariff: TariffRows) -> Iterator[TariffFinding]:
    """All of them; a tariff too rich to prove says so."""
    where = paths(tariff)
    try:
        yield from _unreachable(tariff, where)
        yield from _gaps(tariff)
    except TooManyBoxes:
        yield TariffFinding(
            Severity.NOTE,
            "too_rich",
            "elements",
            _("The conditions are too many to prove that every price can count and that no moment is without one."),
        )
    yield from _crossings(tariff, where)


def _of_kind(tariff: TariffRows, dimension: str, reservation: str | None) -> list[tuple[int, PriceRow]]:
    return [
        (index, row)
        for index, row in enumerate(tariff.rows)
        if row.dimension == dimension and row.conditions.reservation == reservation
    ]


def _unreachable(tariff: TariffRows, where: Sequence[str]) -> Iterator[TariffFinding]:
    for index, row in enumerate(tariff.rows):
        kind = _of_kind(tariff, row.dimension, row.conditions.reservation)
        earlier = [(place, other) for place, other in kind if place < index]
        own = boxes(row.conditions)
        if without(own, (box for _place, other in earlier for box in boxes(other.conditions))):
            continue
        winners = [
            str(place + 1)
            for place, other in earlier
            if any(overlaps(mine, theirs) for mine in own for theirs in boxes(other.conditions))
        ]
        yield TariffFinding(
            Severity.WARNING,
            "unreachable",
            where[index],
            _("Price %(row)s never counts: price %(others)s, further up, comes first. Move it up or take it out.")
            % {"row": index + 1, "others": ", ".join(winners)},
            index,
        )


def _gaps(tariff: TariffRows) -> Iterator[TariffFinding]:
    energy = _of_kind(tariff, "ENERGY", None)
    if energy:
        left = without([EVERYTHING], (box for _place, row in energy for box in boxes(row.conditions)))
        unknown = [box for box in left if box[POWER][1] <= 0 or box[CURRENT][1] <= 0]
        open_moments = [box for box in left if box not in unknown]
        if open_moments:
            yield TariffFinding(
                Severity.WARNING,
                "gap",
                "elements",
                _("No price per kWh counts %(when)s: energy is free then. Add a price without conditions at the end.")
                % {"when": _moments(open_moments)},
                energy[-1][0],
            )
        elif unknown:
            yield TariffFinding(
                Severity.WARNING,
                "gap_unknown_power",
                "elements",
                _("No price per kWh counts where the station reports no power or current: energy is free then."),
                energy[-1][0],
            )
    for dimension in DIMENSIONS[1:]:
        rows = _of_kind(tariff, dimension, None)
        covered = joined(window for _place, row in rows for window in windows(row.conditions))
        if rows and covered != [(0, WEEK)]:
            gaps = without([((0, WEEK),)], [(window,) for window in covered])
            yield TariffFinding(
                Severity.NOTE,
                "gap",
                "elements",
                _("%(kind)s: nothing is charged %(when)s.")
                % {
                    "kind": dimension_name(dimension),
                    "when": week_words([(int(box[0][0]), int(box[0][1])) for box in gaps]),
                },
                rows[-1][0],
            )


def _crossings(tariff: TariffRows, where: Sequence[str]) -> Iterator[TariffFinding]:
    for index, row in enumerate(tariff.rows):
        if not is_local(row.conditions):
            continue
        for place, other in _of_kind(tariff, row.dimension, row.conditions.reservation):
            if place >= index or not is_local(other.conditions) or other.price == row.price:
                continue
            mine, theirs = boxes(row.conditions), boxes(other.conditions)
            if not any(overlaps(a, b) for a in mine for b in theirs):
                continue
            here, there = windows(row.conditions), windows(other.conditions)
            if _inside(here, there) or _inside(there, here):
                continue
            shared = [(max(a, c), min(b, d)) for a, b in here for c, d in there if max(a, c) < min(b, d)]
            yield TariffFinding(
                Severity.WARNING,
                "overlap",
                where[index],
                _("Prices %(first)s and %(second)s both hold %(when)s; price %(first)s counts then.")
                % {"first": place + 1, "second": index + 1, "when": week_words(shared)},
                index,
            )


def _inside(inner: Sequence[tuple[int, int]], outer: Sequence[tuple[int, int]]) -> bool:
    return all(any(a <= start and end <= b for a, b in outer) for start, end in inner)


def _moments(left: Sequence[Box]) -> str:
    """The open moments in words: boxes that differ in the week alone are said together."""
    grouped: dict[Box, list[tuple[int, int]]] = {}
    for box in left:
        grouped.setdefault(box[1:], []).append((int(box[MINUTE][0]), int(box[MINUTE][1])))
    said = [_one_moment(rest, week) for rest, week in list(grouped.items())[:_SHOWN]]
    if len(grouped) > _SHOWN:
        said.append("…")
    return _(" or ").join(said)


def _one_moment(rest: Box, week: Sequence[tuple[int, int]]) -> str:
    box: Box = ((0, WEEK), *rest)
    restrictions: dict[str, str] = {}
    for axis, name in _NAMES.items():
        low, high = box[axis]
        if low > 0:
            restrictions[f"min_{name}"] = _plain(low)
        if high != INFINITY:
            restrictions[f"max_{name}"] = _plain(high)
    first, last = box[DATE]
    if first != -INFINITY:
        restrictions["start_date"] = dt.date.fromordinal(int(first)).isoformat()
    if last != INFINITY:
        restrictions["end_date"] = dt.date.fromordinal(int(last)).isoformat()
    return ", ".join(filter(None, [week_words(week), *conditions_in_words(restrictions)])) or _("ever")


def _plain(number: Decimal | int) -> str:
    return number_text(Decimal(number))
