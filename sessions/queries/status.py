"""Where a session stands on its way to a document, computed from its holds, price and charges, never stored."""

from typing import Any

from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from sessions.models import ChargingSession, Hold, HoldState, SessionCharge, SessionPrice, SessionState

RUNNING_STATES = (SessionState.PENDING, SessionState.ACTIVE, SessionState.RESERVATION)


class SessionStatus(models.TextChoices):
    """Each current completed session is in exactly one of HELD to CHARGED (I2)."""

    RUNNING = "running", _("charging")
    HELD = "held", _("held")
    EXCLUDED = "excluded", _("excluded")
    UNRATED = "unrated", _("not priced yet")
    PRICED = "priced", _("ready to bill")
    CHARGED = "charged", _("billed")
    REPLACED = "replaced", _("replaced")


TONES = {
    SessionStatus.RUNNING: "live",
    SessionStatus.HELD: "warning",
    SessionStatus.EXCLUDED: "danger",
    SessionStatus.UNRATED: "neutral",
    SessionStatus.PRICED: "info",
    SessionStatus.CHARGED: "success",
    SessionStatus.REPLACED: "neutral",
}
"""The badge of each status, the same on every screen."""


def held_of(state: HoldState) -> Exists:
    """Whether the session has a hold in that state."""
    return Exists(Hold.objects.filter(session=OuterRef("pk"), state=state))


def current_sessions() -> QuerySet[ChargingSession]:
    """The latest revision of each session."""
    return ChargingSession.objects.filter(superseded_at__isnull=True)


def with_status(sessions: QuerySet[ChargingSession]) -> QuerySet[Any]:
    """ChargingSessions with `status` (SessionStatus): charged beats holds, an open hold beats a rejected one."""
    return sessions.annotate(
        status=Case(
            When(superseded_at__isnull=False, then=Value(SessionStatus.REPLACED)),
            When(state__in=RUNNING_STATES, then=Value(SessionStatus.RUNNING)),
            When(state=SessionState.INVALID, then=Value(SessionStatus.EXCLUDED)),
            When(Exists(SessionCharge.objects.filter(session=OuterRef("pk"))), then=Value(SessionStatus.CHARGED)),
            When(held_of(HoldState.OPEN), then=Value(SessionStatus.HELD)),
            When(held_of(HoldState.REJECTED), then=Value(SessionStatus.EXCLUDED)),
            When(Exists(SessionPrice.objects.filter(session=OuterRef("pk"))), then=Value(SessionStatus.PRICED)),
            default=Value(SessionStatus.UNRATED),
            output_field=models.CharField(),
        )
    )


def status_of(session: ChargingSession) -> SessionStatus:
    """The same of one loaded session; load `price`, `holds` and `charges` before for many.

    A page of a list asks this way: a database that has to sort works out an annotation for every row of the table.
    """
    holds = {hold.state for hold in session.holds.all()}
    answers = (
        (session.superseded_at is not None, SessionStatus.REPLACED),
        (session.state in RUNNING_STATES, SessionStatus.RUNNING),
        (session.state == SessionState.INVALID, SessionStatus.EXCLUDED),
        (bool(session.charges.all()), SessionStatus.CHARGED),
        (HoldState.OPEN in holds, SessionStatus.HELD),
        (HoldState.REJECTED in holds, SessionStatus.EXCLUDED),
        (hasattr(session, "price"), SessionStatus.PRICED),
    )
    return next((status for applies, status in answers if applies), SessionStatus.UNRATED)


def of_status(sessions: QuerySet[ChargingSession], status: str) -> QuerySet[ChargingSession]:
    """The sessions of one status, by conditions that an index answers: the filter of the lists."""
    current = Q(superseded_at__isnull=True)
    completed = current & Q(state=SessionState.COMPLETED)
    charged = Q(Exists(SessionCharge.objects.filter(session=OuterRef("pk"))))
    held, rejected = Q(held_of(HoldState.OPEN)), Q(held_of(HoldState.REJECTED))
    free = completed & ~charged & ~held & ~rejected
    conditions = {
        SessionStatus.RUNNING: current & Q(state__in=RUNNING_STATES),
        SessionStatus.HELD: completed & held & ~charged,
        SessionStatus.EXCLUDED: (completed & rejected & ~held & ~charged) | (current & Q(state=SessionState.INVALID)),
        SessionStatus.UNRATED: free & Q(price__isnull=True),
        SessionStatus.PRICED: free & Q(price__isnull=False),
        SessionStatus.CHARGED: completed & charged,
        SessionStatus.REPLACED: Q(superseded_at__isnull=False),
    }
    return sessions.filter(conditions[SessionStatus(status)])


def charging_now(sessions: QuerySet[ChargingSession]) -> QuerySet[ChargingSession]:
    """Those that run, the latest start first."""
    return sessions.filter(Q(state=SessionState.ACTIVE), superseded_at__isnull=True).order_by("-started_at", "-pk")
