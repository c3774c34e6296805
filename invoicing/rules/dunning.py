"""Dunning: which level an overdue document has reached, which comes next, and when. Pure.

A level is due so many days after the due date. Levels only rise: what was reached, sent or skipped, never comes again.
Where several are due at once (dunning was stopped, or began late) the highest counts; nobody gets two notices at once.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from evbilling.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a plan; `escalate` hands over to a person instead of a notice."""

    level: int
    days_overdue: int
    escalate: bool = False
    fee_amount: Decimal = ZERO

    def due_on(self, due_on: dt.date) -> dt.date:
        """The first day on which a document with this due date has reached the level."""
        return due_on + dt.timedelta(days=self.days_overdue)


def next_level(levels: Iterable[Level], reached: int) -> Level | None:
    """The level after the highest one reached (0: none yet); None after the last."""
    return min((each for each in levels if each.level > reached), key=lambda each: each.level, default=None)


def is_last_notice(levels: Iterable[Level], level: int) -> bool:
    """Whether no notice follows that of a level: it is the plan's last one, or only a person takes over after it."""
    return all(each.escalate for each in levels if each.level > level)


def due_levels(levels: Iterable[Level], *, due_on: dt.date, on: dt.date, reached: int) -> list[Level]:
    """The levels newly reached on a day, rising: the last one is taken, those before it are skipped."""
    new = [each for each in levels if each.level > reached and each.due_on(due_on) <= on]
    return sorted(new, key=lambda each: each.level)
