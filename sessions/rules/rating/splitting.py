"""Where a tariff changes inside a period: the period is cut there and its volume apportioned, exactly.

Inside a period energy is taken to flow evenly, because a charging period states totals and no curve.
"""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction

from sessions.rules.rating.numbers import DAY, POWER_SCALE, WEEK, Exact, share
from sessions.rules.rating.plan import MONDAY_SHIFT, Component, Plan, State, choose
from sessions.rules.rating.session import Period
from sessions.rules.rating.zone import regimes, steady_offset, utc_offset

type Piece = tuple[Component | None, Exact, Exact]
"""A component and the stretch of the period it prices, as (from, to) out of `length(period)`."""


def length(period: Period) -> int:
    """The scale on which pieces are measured: the period's microseconds, 1 for an instant."""
    return period.end - period.start or 1


def pieces(plan: Plan, period: Period, zone: str, since: int, energy_before: Exact) -> list[Piece]:
    """The period cut where the plan's answer changes; neighbours with the same answer are one piece.

    `since` is the instant from which durations count, `energy_before` the energy of the session before the period.
    """
    if plan.always is not None:
        return [(plan.always, 0, length(period))]
    if plan.weekly:
        found = _weekly(plan, period.start, period.end, zone)
        if found is not None:
            return found
    start, whole, energy = period.start, length(period), period.energy or 0
    at_times, at_energies = _cuts(plan, period, zone, since, energy_before)
    power = mean_power(period) if plan.powers else None
    current = mean_current(period) if plan.currents else None
    local = plan.slot_starts != (0,) or bool(plan.days)
    if not at_times and not at_energies:
        here = start + utc_offset(zone, start) if local else 0
        state = State(here // DAY, energy_before, start - since, power, current)
        return [(choose(plan.candidates(here), state), 0, whole)]
    edges: list[tuple[Exact, Exact | None]] = [(0, energy_before)]
    marks: dict[Exact, Exact | None] = dict.fromkeys(at_times)
    marks.update(at_energies)
    edges += sorted(marks.items(), key=lambda mark: mark[0])
    result: list[Piece] = []
    for index, (place, reached) in enumerate(edges):
        upto = edges[index + 1][0] if index + 1 < len(edges) else whole
        at = start + int(place) if period.end > start else start
        here = at + utc_offset(zone, at) if local else 0
        used = energy_before + share(energy, place, whole) if reached is None else reached
        component = choose(plan.candidates(here), State(here // DAY, used, start + place - since, power, current))
        if result and result[-1][0] is component:
            result[-1] = (component, result[-1][1], upto)
        else:
            result.append((component, place, upto))
    return result


def _weekly(plan: Plan, start: int, end: int, zone: str) -> list[Piece] | None:
    """The pieces where the slot of the week alone decides; None where the zone's offset may change inside."""
    offset = steady_offset(zone, start, end)
    if offset is None:
        return None
    starts, slots = plan.slot_starts, plan.slots
    position, whole = (start + offset + MONDAY_SHIFT) % WEEK, end - start or 1
    index = bisect_right(starts, position)
    slot = slots[index - 1]
    component = slot[0].component if slot else None
    found: list[Piece] = []
    since = 0
    while True:
        if index == len(starts):
            position, index = position - WEEK, 0
        upto = starts[index] - position
        if upto >= whole:
            found.append((component, since, whole))
            return found
        slot = slots[index]
        following = slot[0].component if slot else None
        if following is not component:
            found.append((component, since, upto))
            component, since = following, upto
        index += 1


def _cuts(
    plan: Plan, period: Period, zone: str, since: int, energy_before: Exact
) -> tuple[set[int], dict[Exact, Exact]]:
    """Places in the period where a limit falls: by the clock, and by energy (place -> energy reached there)."""
    start, end, whole = period.start, period.end, length(period)
    times: set[int] = set()
    for duration in plan.durations:
        if start < since + duration < end:
            times.add(since + duration - start)
    if end > start and (len(plan.slots) > 1 or plan.days):
        times.update(at - start for at in _local_cuts(plan, start, end, zone))
    energies: dict[Exact, Exact] = {}
    if period.energy:
        for limit in plan.energies:
            if energy_before < limit < energy_before + period.energy:
                energies[share(limit - energy_before, whole, period.energy)] = limit
    return times, energies


def _local_cuts(plan: Plan, start: int, end: int, zone: str) -> set[int]:
    """Instants inside (start, end) where the local slot of the week, a date limit or the zone's offset changes."""
    starts, cuts = plan.slot_starts, set()
    for since, upto, offset in regimes(zone, start, end):
        if since > start:
            cuts.add(since)
        here, last = since + offset, upto + offset
        if len(starts) > 1:
            position = (here + MONDAY_SHIFT) % WEEK
            monday, index = here - position, bisect_right(starts, position)
            while True:
                if index == len(starts):
                    monday, index = monday + WEEK, 0
                at = monday + starts[index]
                if at >= last:
                    break
                cuts.add(at - offset)
                index += 1
        cuts.update(day * DAY - offset for day in plan.days if here < day * DAY < last)
    return cuts


def mean_power(period: Period) -> Exact | None:
    """The power by which a period's band is judged, in millionths of a kW.

    The stated average; else the energy over the time, held within the stated minimum and maximum; else what is stated.
    An idle period (parking, no energy) has power 0.
    """
    if period.power is not None:
        return period.power
    low, high = period.min_power, period.max_power
    if low is not None and low == high:
        return low
    measured: Exact | None = None
    if period.energy and period.end > period.start:
        # uWh / us = 3.6 kW; in millionths of a kW: * 3.6 * POWER_SCALE
        measured = Fraction(period.energy) * (36 * POWER_SCALE // 10) / (period.end - period.start)
    elif not period.energy and period.parking and not period.time:
        measured = 0
    return _within(measured, low, high)


def mean_current(period: Period) -> Exact | None:
    """The current by which a period's band is judged, in millionths of an A: the average, else within min and max."""
    if period.current is not None:
        return period.current
    idle = not period.energy and period.parking and not period.time
    return _within(0 if idle else None, period.min_current, period.max_current)


def _within(value: Exact | None, low: Exact | None, high: Exact | None) -> Exact | None:
    if value is None:
        if low is not None and high is not None:
            return Fraction(low + high) / 2
        return low if low is not None else high
    if low is not None and value < low:
        return low
    return high if high is not None and value > high else value
