"""A tariff compiled for pricing: which component applies when, per dimension, ready for lookup.

OCPI searches the elements per dimension and the first whose restrictions match wins. A Plan holds that search for one
dimension: local windows become slots of the week, other limits stay on the candidates of a slot, and every limit that
can change the answer inside a period is listed as a place to cut the period.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from sessions.rules.rating.numbers import DAY, MINUTE, WEEK, Exact

RESERVATION = "RESERVATION"
RESERVATION_EXPIRES = "RESERVATION_EXPIRES"
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
MONDAY_SHIFT = 3 * DAY  # 1970-01-01 was a Thursday
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True, eq=False)
class Restrictions:
    """When an element applies (OCPI TariffRestrictions): lower limits inclusive, upper limits exclusive.

    Times are local minutes of the day, dates local days since 1970, energies uWh, durations us, power and current
    millionths of kW and A. `stated` keeps the tariff's own words for the because.
    """

    start_time: int | None = None
    end_time: int | None = None
    first_day: int | None = None
    end_day: int | None = None
    min_energy: Exact | None = None
    max_energy: Exact | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    min_power: Exact | None = None
    max_power: Exact | None = None
    min_current: Exact | None = None
    max_current: Exact | None = None
    weekdays: tuple[int, ...] = ()
    reservation: str | None = None
    stated: tuple[tuple[str, str], ...] = ()

    @property
    def local(self) -> bool:
        """Whether a time of day or a weekday restricts."""
        return self.start_time is not None or self.end_time is not None or bool(self.weekdays)

    def limits(self) -> tuple[Exact | None, ...]:
        """The limits that a slot of the week does not settle, in the order of Candidate."""
        return (
            self.first_day,
            self.end_day,
            self.min_energy,
            self.max_energy,
            self.min_duration,
            self.max_duration,
            self.min_power,
            self.max_power,
            self.min_current,
            self.max_current,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """A price component with what pricing needs of it; compared by identity.

    `price` and `vat` (percent) are as stated; `rate` is the price in millionths, `step` the step size in uWh or us,
    `gross` says that the price includes tax.
    """

    tariff_id: str
    element: int
    index: int
    dimension: str
    price: Decimal
    vat: Decimal | None
    step_size: int
    rate: Exact
    step: int
    gross: bool
    restrictions: Restrictions | None


class Candidate(NamedTuple):
    """A component and the limits left to check; `open` says there are none."""

    component: Component
    open: bool
    first_day: int | None = None
    end_day: int | None = None
    min_energy: Exact | None = None
    max_energy: Exact | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    min_power: Exact | None = None
    max_power: Exact | None = None
    min_current: Exact | None = None
    max_current: Exact | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The search for one dimension.

    `always` is set where no restriction can change the answer, `weekly` where the local slot of the week alone does.
    """

    always: Component | None
    slot_starts: tuple[int, ...]
    slots: tuple[tuple[Candidate, ...], ...]
    days: tuple[int, ...]
    durations: tuple[int, ...]
    energies: tuple[Exact, ...]
    powers: tuple[Exact, ...]
    currents: tuple[Exact, ...]
    weekly: bool = False

    def candidates(self, local: int) -> tuple[Candidate, ...]:
        """The candidates at a local instant (us since 1970 in local time)."""
        if len(self.slots) == 1:
            return self.slots[0]
        return self.slots[bisect_right(self.slot_starts, (local + MONDAY_SHIFT) % WEEK) - 1]


class State(NamedTuple):
    """What limits are checked against at a moment; power and current are None where unknown."""

    day: int
    energy: Exact
    duration: Exact
    power: Exact | None
    current: Exact | None


def choose(candidates: tuple[Candidate, ...], state: State) -> Component | None:
    """The first candidate whose limits all hold. An unknown power or current satisfies no limit on it."""
    day, energy, duration, power, current = state
    for c in candidates:
        if c.open or (
            (c.first_day is None or day >= c.first_day)
            and (c.end_day is None or day < c.end_day)
            and (c.min_energy is None or energy >= c.min_energy)
            and (c.max_energy is None or energy < c.max_energy)
            and (c.min_duration is None or duration >= c.min_duration)
            and (c.max_duration is None or duration < c.max_duration)
            and (c.min_power is None or (power is not None and power >= c.min_power))
            and (c.max_power is None or (power is not None and power < c.max_power))
            and (c.min_current is None or (current is not None and current >= c.min_current))
            and (c.max_current is None or (current is not None and current < c.max_current))
        ):
            return c.component
    return None


def compile_plan(components: Iterable[Component]) -> Plan | None:
    """The Plan over components in the order in which they are tried; None where there is no component."""
    ordered = _until_unrestricted(components)
    if not ordered:
        return None
    first = ordered[0]
    if _unrestricted(first):
        return Plan(first, (0,), ((Candidate(first, True),),), (), (), (), (), ())
    limits = [c.restrictions for c in ordered if c.restrictions is not None]
    starts, slots = _week(ordered)

    def values(*names: str) -> tuple[Exact, ...]:
        found = {getattr(limit, name) for limit in limits for name in names}
        return tuple(sorted(value for value in found if value is not None))

    return Plan(
        always=None,
        slot_starts=starts,
        slots=slots,
        days=tuple(int(day) for day in values("first_day", "end_day")),
        durations=tuple(int(span) for span in values("min_duration", "max_duration")),
        energies=values("min_energy", "max_energy"),
        powers=values("min_power", "max_power"),
        currents=values("min_current", "max_current"),
        weekly=not any(limit is not None for restrictions in limits for limit in restrictions.limits()),
    )


def _unrestricted(component: Component) -> bool:
    limits = component.restrictions
    return limits is None or not (limits.local or any(limit is not None for limit in limits.limits()))


def _until_unrestricted(components: Iterable[Component]) -> list[Component]:
    ordered = []
    for component in components:
        ordered.append(component)
        if _unrestricted(component):
            break
    return ordered


def _windows(limits: Restrictions) -> list[tuple[int, int]]:
    """The minutes of the week during which weekdays and times of day hold, as half-open ranges.

    A window whose end is not after its start wraps midnight. Each moment is judged by its own local weekday, so the
    hours after midnight of a wrapped window belong to the weekday they fall on.
    """
    start = limits.start_time or 0
    end = limits.end_time or _DAY_MINUTES
    parts = [(start, end)] if start < end else [(0, end), (start, _DAY_MINUTES)]
    days = limits.weekdays or tuple(range(7))
    return [(day * _DAY_MINUTES + a, day * _DAY_MINUTES + b) for day in days for a, b in parts if a < b]


def _week(ordered: list[Component]) -> tuple[tuple[int, ...], tuple[tuple[Candidate, ...], ...]]:
    """Slots of the local week, Monday first, each with its candidates; neighbours with the same ones are joined."""
    windows = {
        component: _windows(component.restrictions)
        for component in ordered
        if component.restrictions is not None and component.restrictions.local
    }
    edges = sorted(
        {0} | {minute for parts in windows.values() for part in parts for minute in part} - {7 * _DAY_MINUTES}
    )
    filled: list[list[Candidate]] = [[] for _ in edges]
    closed = [False] * len(edges)
    place = {minute: index for index, minute in enumerate(edges)} | {7 * _DAY_MINUTES: len(edges)}
    for component in ordered:
        limits = component.restrictions.limits() if component.restrictions else ()
        candidate = Candidate(component, all(limit is None for limit in limits), *limits)  # type: ignore[arg-type]
        for a, b in windows.get(component, [(0, 7 * _DAY_MINUTES)]):
            for index in range(place[a], place[b]):
                if not closed[index]:
                    filled[index].append(candidate)
                    closed[index] = candidate.open
    starts: list[int] = []
    slots: list[tuple[Candidate, ...]] = []
    for minute, candidates in zip(edges, filled, strict=True):
        slot = tuple(candidates)
        if not slots or slots[-1] != slot:
            starts.append(minute * MINUTE)
            slots.append(slot)
    return tuple(starts), tuple(slots)
