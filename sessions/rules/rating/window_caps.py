"""Caps of a contract on one part of a price inside a window of the day: what OCPI cannot say.

The net of a dimension inside each occurrence of the window is at most the cap. An occurrence begins on a local day and
holds the moments whose local time lies in it: an hour that autumn repeats is in it twice. Volumes of a period flow
evenly, as wherever the engine cuts a period. The surplus of step_size belongs to the last use of its component. Price
limits of the tariff come first: where they lower the price, each part is lowered in proportion before it meets the
cap; what a minimum price adds belongs to no dimension, and a cap may take a price below the minimum. Where caps
overlap, the next one sees what the one before left.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from sessions.rules.rating.numbers import (
    DAY,
    ENERGY_FACTOR,
    MINUTE,
    TICK,
    TIME_FACTOR,
    Exact,
    as_decimal,
    scaled,
)
from sessions.rules.rating.plan import Component
from sessions.rules.rating.result import Clamp, RatingResult, gross_of, net_of
from sessions.rules.rating.session import Period, RatingInput
from sessions.rules.rating.splitting import length, pieces
from sessions.rules.rating.tariff import Tariff
from sessions.rules.rating.zone import regimes

_FACTORS = {"ENERGY": ENERGY_FACTOR, "TIME": TIME_FACTOR, "PARKING_TIME": TIME_FACTOR}
_DAY_MINUTES = 24 * 60
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit`, in the contract's price basis, for ENERGY, TIME or PARKING_TIME inside each window from `start`
    to `end` ("22:00"), local.

    The end lies on the next day where it is not later. `weekdays` (0 is Monday; empty: all) are those on which the
    window opens.
    """

    dimension: str
    start: str
    end: str
    limit: Decimal
    weekdays: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Use:
    """A stretch [begin, end) that costs `amount` ticks at a tax rate, in the basis of the cap; `last` marks a surplus
    at the end of its stretch.
    """

    begin: Exact
    end: Exact
    amount: Fraction
    vat: Decimal | None
    last: bool = False

    def inside(self, begin: int, end: int) -> bool:
        if self.begin < self.end:
            return begin <= self.begin and self.end <= end
        return begin < self.begin <= end if self.last else begin <= self.begin < end


def cap_windows(
    result: RatingResult, session: RatingInput, tariff: Tariff, caps: Sequence[Cap], *, with_tax: bool = False
) -> RatingResult:
    """The result with what the caps take off, as lines of their own; the same one where no cap binds.

    `result` is the price of the session under the one tariff. A result with errors, or whose net is unknown, stays.
    `with_tax`: the caps hold the gross, as all amounts of a contract whose prices include tax.
    """
    if not caps or not result.ok or not session.periods or any(net is None for net, _ in result.by_vat.values()):
        return result
    cuts: list[Clamp] = []
    uses: dict[str, list[_Use]] = {}
    for cap in caps:
        if cap.dimension not in uses:
            same = [each for each in caps if each.dimension == cap.dimension]
            uses[cap.dimension] = _divided(_uses(result, session, tariff, cap.dimension, with_tax), session, same)
        for on, stretches in _occurrences(cap, session):
            members = [use for use in uses[cap.dimension] if any(use.inside(*each) for each in stretches)]
            cuts += _cut(cap, on, members, tariff.id, with_tax)
    return replace(result, caps=tuple(cuts)) if cuts else result


def _cut(cap: Cap, on: int, members: Sequence[_Use], tariff_id: str, with_tax: bool) -> Iterator[Clamp]:
    """Lower the uses of one occurrence to the cap, in proportion; one cut a tax rate."""
    limit, before = scaled(cap.limit, TICK), sum((use.amount for use in members), Fraction(0))
    if before <= limit:
        return
    taken: dict[Decimal | None, Fraction] = {}
    for use in members:
        part = use.amount * (before - limit) / before
        use.amount -= part
        taken[use.vat] = taken.get(use.vat, Fraction(0)) + part
    for vat, cut in taken.items():
        if cut:
            yield Clamp(
                "window_cap",
                tariff_id,
                cap.limit,
                vat,
                net_of(-cut, vat, with_tax),
                gross_of(-cut, vat, with_tax),
                dimension=cap.dimension,
                window=(cap.start, cap.end, (_EPOCH + dt.timedelta(days=on)).isoformat()),
                before=as_decimal(before, TICK),
            )


def _uses(result: RatingResult, session: RatingInput, tariff: Tariff, dimension: str, with_tax: bool) -> list[_Use]:
    """Every stretch of the session that costs something in the dimension, price limits applied."""
    lowered = _lowered(result)
    used: list[tuple[Component, Exact, Exact, Exact]] = []
    for period, volume, parts in _pieces(session, tariff, dimension):
        whole = length(period)
        for component, start, stop in parts:
            if component is not None:
                share = Fraction(volume) * (stop - start) / whole
                end = period.start + stop if period.end > period.start else period.start
                used.append((component, period.start + start, end, share))
    vats = {part.component: part.vat for part in result.parts if part.dimension == dimension}
    led = gross_of if with_tax else net_of

    def made(component: Component, begin: Exact, end: Exact, volume: Exact, last: bool = False) -> _Use:
        vat = vats.get(component, component.vat)
        stated = Fraction(volume) * component.rate * _FACTORS[dimension]
        amount = led(stated, vat, component.gross)
        return _Use(begin, end, Fraction(amount or 0) * lowered.get(vat, 1), vat, last)

    uses = [made(*each) for each in used if each[0].rate]
    for part in result.parts:
        surplus = part.billed - part.volume
        if part.dimension == dimension and surplus:
            begin, end = next(
                (begin, end) for component, begin, end, _ in reversed(used) if component is part.component
            )
            uses.append(made(part.component, end, end, Fraction(surplus, result.scale), begin < end))
    return uses


def _pieces(
    session: RatingInput, tariff: Tariff, dimension: str
) -> Iterator[tuple[Period, Exact, list[tuple[Component | None, Exact, Exact]]]]:
    """The periods with a volume of the dimension, cut where its price changes: as the engine walks them."""
    plan = {"ENERGY": tariff.plans.energy, "TIME": tariff.plans.time, "PARKING_TIME": tariff.plans.parking}[dimension]
    since = session.start
    if dimension == "PARKING_TIME" and tariff.ocpi_version == "2.2":
        since = next((period.start for period in session.periods if period.parking), session.start)
    before: Exact = 0
    for period in session.periods:
        if period.number < 0:
            continue
        volume = {"ENERGY": period.energy, "TIME": period.time, "PARKING_TIME": period.parking}[dimension]
        if volume and plan is not None:
            yield period, volume, pieces(plan, period, session.time_zone, since, before)
        before += period.energy or 0


def _lowered(result: RatingResult) -> dict[Decimal | None, Fraction]:
    """By how much price limits lower the net of each tax rate, as a factor."""
    plain: dict[Decimal | None, Exact] = {}
    for part in result.priced:
        plain[part.vat] = plain.get(part.vat, 0) + (net_of(part.stated, part.vat, part.component.gross) or 0)
    totals = {vat: net for vat, (net, _) in result.by_vat.items()}
    return {
        vat: Fraction(total) / net
        for vat, net in plain.items()
        if net and (total := totals.get(vat)) is not None and total < net
    }


def _divided(uses: list[_Use], session: RatingInput, caps: Sequence[Cap]) -> list[_Use]:
    """The uses cut at every edge of a window, so that each lies inside an occurrence or outside."""
    edges = sorted({edge for cap in caps for _, parts in _occurrences(cap, session) for part in parts for edge in part})
    found = []
    for use in uses:
        if use.begin == use.end:
            found.append(use)
            continue
        places = [edge for edge in edges[bisect_right(edges, use.begin) :] if edge < use.end]
        for begin, end in zip([use.begin, *places], [*places, use.end], strict=True):
            found.append(_Use(begin, end, use.amount * (end - begin) / (use.end - use.begin), use.vat))
    return found


def _occurrences(cap: Cap, session: RatingInput) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """The windows that touch the session: the local day on which each opens, since 1970, and its stretches in UTC."""
    first, last = session.periods[0].start, max(period.end for period in session.periods)
    opens, closes = _minutes(cap.start), _minutes(cap.end)
    if closes <= opens:
        closes += _DAY_MINUTES
    spans = regimes(session.time_zone, first - 2 * DAY, last + 2 * DAY)
    for day in range(first // DAY - 2, last // DAY + 2):
        if cap.weekdays and (day + 3) % 7 not in cap.weekdays:  # 1970-01-01 was a Thursday
            continue
        begin, end = day * DAY + opens * MINUTE, day * DAY + closes * MINUTE
        found = [
            (max(begin - offset, since), min(end - offset, until))
            for since, until, offset in spans
            if max(begin - offset, since) < min(end - offset, until)
        ]
        if found and found[0][0] <= last and found[-1][1] >= first:
            yield day, found


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:5])
