"""Which rows a portal user sees (I20): the own contracts' sessions, those at own sites, those one sponsors."""

from django.db.models import Q

from contracts.queries import parties_of
from evbilling.access.models import User
from evbilling.access.scope import register_scope
from sessions.models import ChargeRole, ChargingSession, SessionCharge, SessionPrice


def sessions_of(user: User) -> Q:
    """Sessions that the user's parties pay for, host or sponsor."""
    parties = parties_of(user)
    sponsored = SessionCharge.objects.filter(role=ChargeRole.SPONSOR, contract__party__in=parties)
    return Q(contract__party__in=parties) | Q(site__owner__in=parties) | Q(pk__in=sponsored.values("session"))


def charges_of(user: User) -> Q:
    """Charges of the own contracts alone: what another payer pays is not shown."""
    return Q(contract__party__in=parties_of(user))


def prices_of(user: User) -> Q:
    """Prices of the sessions that the user sees."""
    return Q(session__in=ChargingSession.objects.filter(sessions_of(user)).values("pk"))


def register() -> None:
    """Called once from AppConfig.ready()."""
    register_scope(ChargingSession, sessions_of)
    register_scope(SessionCharge, charges_of)
    register_scope(SessionPrice, prices_of)
