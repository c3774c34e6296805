"""Which sessions the next document of a contract takes."""

import datetime as dt
from collections.abc import Collection

from django.db.models import Exists, OuterRef, QuerySet

from contracts.models import Contract
from sessions.models import ChargingSession, Hold, HoldState, SessionCharge, SessionState
from sessions.queries.status import current_sessions


def _completed(contract_ids: Collection[int], until: dt.datetime) -> QuerySet[ChargingSession]:
    waiting = Hold.objects.filter(session=OuterRef("pk")).exclude(state=HoldState.RELEASED)
    return current_sessions().filter(
        ~Exists(waiting), contract__in=contract_ids, state=SessionState.COMPLETED, ended_at__lt=until
    )


def billable_sessions(contract: Contract, until: dt.datetime) -> QuerySet[ChargingSession]:
    """Sessions that the contract pays for and no document has yet, ended before the instant `until`.

    Current, completed, priced, without open or rejected hold, no charge for this contract. Late ones of earlier
    periods are among them. In the order of the split: session end, then reference (DOMAIN, Sponsorship).
    """
    return billable_of([contract.pk], until).order_by("ended_at", "provider_ref")


def billable_of(contract_ids: Collection[int], until: dt.datetime) -> QuerySet[ChargingSession]:
    """Those of several contracts, in no order."""
    charged = SessionCharge.objects.filter(session=OuterRef("pk"), contract=OuterRef("contract"))
    return _completed(contract_ids, until).filter(~Exists(charged), price__isnull=False).order_by()


def unrated_sessions(contract: Contract, until: dt.datetime) -> QuerySet[ChargingSession]:
    """Sessions that would be billable, had they a price: a billing run rates them first."""
    return unrated_of([contract.pk], until).order_by("ended_at", "provider_ref")


def unrated_of(contract_ids: Collection[int], until: dt.datetime) -> QuerySet[ChargingSession]:
    """Those of several contracts, in no order."""
    return _completed(contract_ids, until).filter(price__isnull=True).order_by()
