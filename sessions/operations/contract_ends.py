"""What a contract would still owe had it ended at an instant: asked by the operation that ends contracts."""

import datetime as dt

from django.db.models import Exists, Max, OuterRef, Q

from contracts.operations.ending import SessionsAfter
from sessions.models import SessionCharge
from sessions.operations.holds import documents_credited
from sessions.queries.status import SessionStatus, current_sessions, with_status


def sessions_after(contract_id: int, instant: dt.datetime) -> SessionsAfter:
    """Sessions that started at or after the instant and that the contract pays for, or paid a part of.

    Excluded ones, and billed ones whose documents are all credited, are not counted.
    """
    charged = Exists(SessionCharge.objects.filter(session=OuterRef("pk"), contract=contract_id))
    found = with_status(current_sessions().filter(Q(contract=contract_id) | charged, started_at__gte=instant))
    found = found.exclude(status=SessionStatus.EXCLUDED)
    charges = dict(
        SessionCharge.objects.filter(session__in=found.filter(status=SessionStatus.CHARGED).values("pk")).values_list(
            "pk", "session_id"
        )
    )
    billed = {session_id for charge_id, session_id in charges.items() if not documents_credited([charge_id])}
    owed = found.filter(~Q(status=SessionStatus.CHARGED) | Q(pk__in=billed))
    return SessionsAfter(owed.count(), len(billed), owed.aggregate(last=Max("started_at"))["last"])
