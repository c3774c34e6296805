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
    Budget,
    TooManySteps,
    boxes,
    overlaps,
    without,
)
from contracts.rules.tariff_text import conditions_in_words, dimension_name
from contracts.rules.tariff_week import WEEK, is_local, joined, week_words, windows

_SHOWN, _NAMED = 3, 5
_MOST_CROSSINGS = 20
_NAMES = {KWH: "kwh", DURATION: "duration", POWER: "power", CURRENT: "current"}


def paths(tariff: TariffRows) -> list[str]:
    """Where each row stands in the document."""
    return [f"elements[{place.element}].price_components[{place.component}]" for place in places(tariff.rows)]


def reach_findings(tariff: TariffRows) -> Iterator[TariffFinding]:
    """All of them; a tariff too rich to prove says so."""
    where = paths(tariff)
    budget = Budget()
    try:
        yield from _unreachable(tariff, where, budget)
        yield from _gaps(tariff, budget)
        yield from _crossings(tariff, where, budget)
    except TooManySteps:
        yield TariffFinding(
            Severity.WARNING,
            "too_rich",
            "elements",
            _("The conditions are too many to prove that every price can count and that no moment is without one."),
        )


def _of_kind(tariff: TariffRows, dimension: str, reservation: str | None) -> list[tuple[int, PriceRow]]:
    return [
        (index, row)
        for index, row in enumerate(tariff.rows)
        if row.dimension == dimension and row.conditions.reservation == reservation
    ]


def _unreachable(tariff: TariffRows, where: Sequence[str], budget: Budget) -> Iterator[TariffFinding]:
    found = [boxes(row.conditions) for row in tariff.rows]
    week = [_minutes(row) for row in tariff.rows]
    for index, row in enumerate(tariff.rows):
        kind = _of_kind(tariff, row.dimension, row.conditions.reservation)
        earlier = [place for place, _other in kind if place < index and week[place] & week[index]]
        own = found[index]
        if without(own, (box for place in earlier for box in found[place]), budget):
            continue
        budget.spend(sum(len(own) * len(found[place]) for place in earlier))
        winners = [
            str(place + 1)
            for place in earlier
            if any(overlaps(mine, theirs) for mine in own for theirs in found[place])
        ]
        yield TariffFinding(
            Severity.WARNING,
            "unreachable",
            where[index],
            _("Price %(row)s never counts: price %(others)s, further up, comes first. Move it up or take it out.")
            % {"row": index + 1, "others": ", ".join(winners[:_NAMED]) + (", …" if len(winners) > _NAMED else "")},
            index,
        )


def _gaps(tariff: TariffRows, budget: Budget) -> Iterator[TariffFinding]:
    energy = _of_kind(tariff, "ENERGY", None)
    if energy:
        left = without([EVERYTHING], (box for _place, row in energy for box in boxes(row.conditions)), budget)
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
            gaps = without([((0, WEEK),)], [(window,) for window in covered], budget)
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


def _crossings(tariff: TariffRows, where: Sequence[str], budget: Budget) -> Iterator[TariffFinding]:
    week = [_minutes(row) for row in tariff.rows]
    rest = [boxes(row.conditions)[0][1:] for row in tariff.rows]
    said = 0
    for index, row in enumerate(tariff.rows):
        if not is_local(row.conditions):
            continue
        for place, other in _of_kind(tariff, row.dimension, row.conditions.reservation):
            if place >= index or not is_local(other.conditions) or other.price == row.price:
                continue
            budget.spend(1)
            shared = week[index] & week[place]
            if shared in {0, week[index], week[place]} or not overlaps(rest[index], rest[place]):
                continue
            said += 1
            if said > _MOST_CROSSINGS:
                return
            yield TariffFinding(
                Severity.WARNING,
                "overlap",
                where[index],
                _("Prices %(first)s and %(second)s both hold %(when)s; price %(first)s counts then.")
                % {"first": place + 1, "second": index + 1, "when": week_words(_both(row, other))},
                index,
            )


def _minutes(row: PriceRow) -> int:
    """The minutes of the week at which a price may count, a bit each."""
    return sum(((1 << (end - start)) - 1) << start for start, end in windows(row.conditions))


def _both(one: PriceRow, other: PriceRow) -> list[tuple[int, int]]:
    here, there = windows(one.conditions), windows(other.conditions)
    return [(max(a, c), min(b, d)) for a, b in here for c, d in there if max(a, c) < min(b, d)]


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
