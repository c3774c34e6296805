"""A month in figures: revenue, energy and sessions per day, and what the month before had."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Sum, Value, When

from contracts.models import Operator
from evbilling.kernel.clock import Period, local_date, start_of_day
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise
from sessions.models import ChargingSession, SessionState
from sessions.queries import current_sessions, without_payer


@dataclass(slots=True)
class Figures:
    """Completed sessions of some days: how many, their energy in Wh, and the net of those that have a price.

    `net` is in the operator's currency; `other_net` holds what contracts in other currencies add, by currency.
    """

    sessions: int = 0
    energy_wh: int = 0
    net: Decimal = ZERO
    other_net: dict[str, Decimal] = field(default_factory=dict)

    def take(self, other: "Figures") -> None:
        """Add the figures of other days to these."""
        self.sessions += other.sessions
        self.energy_wh += other.energy_wh
        self.net += other.net
        for currency, net in other.other_net.items():
            self.other_net[currency] = self.other_net.get(currency, ZERO) + net


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """A month by day, in the operator's zone, beside the month before.

    Of the month in which the sessions end so far (the running one, on a good day), `before` holds only the days that
    can be compared: from `before_from` to `before_to`.
    """

    period: Period
    days: dict[dt.date, Figures]
    total: Figures
    before: Figures
    before_from: dt.date
    before_to: dt.date
    partial: bool


def operator_sessions(operator: Operator, *, only_one: bool) -> QuerySet[ChargingSession]:
    """Completed current sessions of the operator, and those that no contract pays for and that may be its own.

    With `only_one` operator in the house they are all, and the join that would say so is saved.
    """
    rows = current_sessions().filter(state=SessionState.COMPLETED, ended_at__isnull=False)
    return rows if only_one else rows.filter(Q(contract__operator=operator) | without_payer(operator))


def first_and_last_end(sessions: QuerySet[ChargingSession], zone: str) -> tuple[dt.date, dt.date] | None:
    """The local days on which the first and the last session ended; two queries on the index of ends."""
    ends = sessions.order_by("ended_at", "id").values_list("ended_at", flat=True)
    first, last = ends.first(), ends.reverse().first()
    return None if first is None or last is None else (local_date(first, zone), local_date(last, zone))


def month_figures(
    sessions: QuerySet[ChargingSession], *, period: Period, zone: str, currency: str, last_day: dt.date
) -> MonthFigures:
    """The figures of a calendar month and of the one before, in one query; sessions are known until `last_day`."""
    before = period.previous_month()
    both = [*_days(before), *_days(period)]
    rows = (
        sessions.filter(ended_at__gte=before.instants(zone)[0], ended_at__lt=period.instants(zone)[1])
        .order_by()
        .annotate(day=_day_number([start_of_day(day, zone) for day in both], 0))
        .values("day", "price__currency")
        .annotate(count=Count("pk"), energy=Sum("energy_wh"), net=amount_sum("price__net_amount"))
    )
    found: dict[dt.date, Figures] = {}
    for row in rows:
        other = {}
        net = ZERO if row["net"] is None else quantise(row["net"], row["price__currency"])
        if row["price__currency"] not in {None, currency}:
            net, other = ZERO, {row["price__currency"]: net}
        found.setdefault(both[row["day"]], Figures()).take(Figures(row["count"], row["energy"], net, other))
    partial = last_day in period and last_day != period.last_day
    compared = [day for day in _days(before) if not partial or day.day <= last_day.day]
    return MonthFigures(
        period=period,
        days={day: found.get(day, Figures()) for day in _days(period)},
        total=_sum(found.get(day) for day in _days(period)),
        before=_sum(found.get(day) for day in compared),
        before_from=compared[0],
        before_to=compared[-1],
        partial=partial,
    )


def _day_number(starts: list[dt.datetime], first: int) -> Case | Value:
    """Which of the days, counted from `first`, an end lies in: halved again and again, six comparisons for two months.

    SQLite truncates to local days in Python, ten times as slow; the days' own first instants are right on every day of
    a clock change too.
    """
    if len(starts) == 1:
        return Value(first)
    half = len(starts) // 2
    earlier = When(ended_at__lt=starts[half], then=_day_number(starts[:half], first))
    return Case(earlier, default=_day_number(starts[half:], first + half), output_field=IntegerField())


def _days(period: Period) -> list[dt.date]:
    return [period.start + dt.timedelta(days=number) for number in range((period.end - period.start).days)]


def _sum(parts: Iterable[Figures | None]) -> Figures:
    total = Figures()
    for part in parts:
        if part is not None:
            total.take(part)
    return total
