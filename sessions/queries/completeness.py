"""Completeness, as far as sessions know it: every completed session of a period is in exactly one list (I2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from contracts.models import Contract, Operator
from evbilling.kernel.clock import Period
from sessions.models import SessionState
from sessions.queries.status import SessionStatus, current_sessions, with_status
from sessions.queries.whose import without_payer

IN_A_LIST = (
    SessionStatus.HELD,
    SessionStatus.EXCLUDED,
    SessionStatus.UNRATED,
    SessionStatus.PRICED,
    SessionStatus.CHARGED,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many sessions, and their energy to the Wh."""

    sessions: int = 0
    energy_wh: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.sessions + other.sessions, self.energy_wh + other.energy_wh)


@dataclass(frozen=True, slots=True)
class Completeness:
    """Completed sessions that ended in the period, by status; `late` ended before it and are not charged yet."""

    period: Period
    sessions_in: Tally
    by_status: Mapping[str, Tally]
    late: Tally

    @property
    def held(self) -> Tally:
        """They wait for a person."""
        return self.by_status.get(SessionStatus.HELD, Tally())

    @property
    def excluded(self) -> Tally:
        """A person rejected them, with the reason."""
        return self.by_status.get(SessionStatus.EXCLUDED, Tally())

    @property
    def unrated(self) -> Tally:
        """Without a price as yet."""
        return self.by_status.get(SessionStatus.UNRATED, Tally())

    @property
    def priced(self) -> Tally:
        """Ready to bill."""
        return self.by_status.get(SessionStatus.PRICED, Tally())

    @property
    def charged(self) -> Tally:
        """On a draft or an issued document."""
        return self.by_status.get(SessionStatus.CHARGED, Tally())

    @property
    def adds_up(self) -> bool:
        """Whether each session is in one of the five lists."""
        return sum((self.by_status.get(status, Tally()) for status in IN_A_LIST), Tally()) == self.sessions_in


def completeness(operator: Operator, period: Period) -> Completeness:
    """Count an operator's completed sessions of a period, in four queries.

    A session belongs to the period by its end in its contract's zone; one that no contract pays for counts by the
    operator's zone, under the operators that `without_payer` says.
    """
    zones = set(Contract.objects.filter(operator=operator).order_by().values_list("zone", flat=True).distinct())
    inside, before = Q(pk__in=[]), Q(pk__in=[])
    for zone in zones:
        start, end = period.instants(zone)
        of_zone = Q(contract__operator=operator, contract__zone=zone)
        inside |= of_zone & Q(ended_at__gte=start, ended_at__lt=end)
        before |= of_zone & Q(ended_at__lt=start)
    start, end = period.instants(operator.zone)
    inside |= without_payer(operator) & Q(ended_at__gte=start, ended_at__lt=end)
    before |= without_payer(operator) & Q(ended_at__lt=start)
    completed = current_sessions().filter(state=SessionState.COMPLETED).order_by()
    rows = (
        with_status(completed.filter(inside)).values("status").annotate(sessions=Count("pk"), energy=Sum("energy_wh"))
    )
    by_status = {row["status"]: Tally(row["sessions"], row["energy"]) for row in rows}
    late = (
        with_status(completed.filter(before))
        .filter(status__in=[SessionStatus.PRICED, SessionStatus.UNRATED, SessionStatus.HELD])
        .aggregate(sessions=Count("pk"), energy=Sum("energy_wh"))
    )
    whole = completed.filter(inside).aggregate(sessions=Count("pk"), energy=Sum("energy_wh"))
    return Completeness(
        period=period,
        sessions_in=Tally(whole["sessions"], whole["energy"] or 0),
        by_status=by_status,
        late=Tally(late["sessions"], late["energy"] or 0),
    )
