"""When prices count, as boxes in the space of all moments of all sessions: cut, what is left is exact.

The axes are the minute of the week, the day, and energy, time, power and current of the session so far. A power or
current that the station does not report stands below zero, so that it satisfies no limit (as in the rating engine).
"""

from collections.abc import Iterable
from decimal import Decimal

from contracts.rules.tariff_form import Conditions
from contracts.rules.tariff_week import WEEK, windows

INFINITY = Decimal("Infinity")
UNKNOWN = -1
MOST_STEPS = 150_000
"""Comparisons of boxes that a tariff may cost: a second or less. Tariffs of people need some hundreds."""

type Number = Decimal | int
type Box = tuple[tuple[Number, Number], ...]

MINUTE, DATE, KWH, DURATION, POWER, CURRENT = range(6)
EVERYTHING: Box = (
    (0, WEEK),
    (-INFINITY, INFINITY),
    (0, INFINITY),
    (0, INFINITY),
    (UNKNOWN, INFINITY),
    (UNKNOWN, INFINITY),
)


class TooManySteps(Exception):
    """A tariff with so many conditions that nothing is said about what they leave open."""


class Budget:
    """Counts comparisons, so that a hostile document costs no more than a rich one."""

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Raises TooManySteps when nothing is left."""
        self.left -= steps
        if self.left < 0:
            raise TooManySteps


def boxes(conditions: Conditions) -> list[Box]:
    """The moments at which a price may count."""
    dates = (
        conditions.start_date.toordinal() if conditions.start_date else -INFINITY,
        conditions.end_date.toordinal() if conditions.end_date else INFINITY,
    )
    rest = (
        dates,
        _known(conditions.min_kwh, conditions.max_kwh, 0),
        _known(conditions.min_duration, conditions.max_duration, 0),
        _known(conditions.min_power, conditions.max_power, UNKNOWN),
        _known(conditions.min_current, conditions.max_current, UNKNOWN),
    )
    return [(window, *rest) for window in windows(conditions)]


def _known(low: Number | None, high: Number | None, floor: int) -> tuple[Number, Number]:
    if low is None and high is None:
        return (floor, INFINITY)
    return (0 if low is None else low, INFINITY if high is None else high)


def overlaps(one: Box, other: Box) -> bool:
    """Whether two boxes share a moment."""
    return all(max(a, c) < min(b, d) for (a, b), (c, d) in zip(one, other, strict=True))


def without(left: Iterable[Box], cuts: Iterable[Box], budget: Budget) -> list[Box]:
    """What is left of boxes once others are cut out. Raises TooManySteps."""
    found = list(left)
    for cut in cuts:
        if not found:
            break
        budget.spend(len(found))
        found = [piece for box in found for piece in _cut(box, cut)]
    return found


def _cut(box: Box, cut: Box) -> list[Box]:
    if not overlaps(box, cut):
        return [box]
    pieces: list[Box] = []
    rest = list(box)
    for axis, (low, high) in enumerate(cut):
        start, end = rest[axis]
        for piece in ((start, low), (high, end)):
            if piece[0] < piece[1]:
                pieces.append((*rest[:axis], piece, *rest[axis + 1 :]))
        rest[axis] = (max(start, low), min(end, high))
    return pieces
