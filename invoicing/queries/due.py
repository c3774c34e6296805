"""Which contracts a month close has to bill."""

import datetime as dt

from django.db.models import Exists, OuterRef, Q, QuerySet

from contracts.models import Contract, ContractKind, TermKind
from contracts.queries import IN_FORCE
from evbilling.kernel.clock import Period, start_of_day
from evbilling.kernel.money import ZERO
from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceKind, InvoiceState
from invoicing.queries.cancelled import unreleased
from invoicing.queries.documents import with_open_amount
from invoicing.queries.penalties import unbilled_penalties
from sessions.models import ChargingSession, HoldState, SessionCharge, SessionState

BY_INVOICE = (ContractKind.CHARGING, ContractKind.SPONSORSHIP)
"""The kinds of contract that are billed by invoice."""
PHASES = (*BY_INVOICE, ContractKind.HOSTING)
"""The order inside a run: sponsors pay parts of the customers' sessions, hosts share in what was issued."""
HOSTS_STAY_DUE = dt.timedelta(days=366)
"""So long after his contract ended a host is settled for what comes late: sessions of his days, and credits of them."""
LAST_ZONE = "Etc/GMT+12"
"""Where a day ends last: rather one contract too many, with nothing to bill, than one forgotten."""


def due_contracts(*, operator_id: int, period: Period) -> QuerySet[Contract]:
    """Contracts that were in force on some day of the period, and those that ended before it with something unbilled.

    Unbilled is a completed session that nobody excluded (charging), a sponsor's part that no document bills yet, a
    penalty, or interest on an invoice that stays late.
    Hosts stay due for a year: what is late to them is known only once the customers are billed. A contract that begins
    after the period is not due, though its first night may still be the period's last day in another zone.
    """
    billed = unreleased(BilledCharge.objects.filter(charge_id=OuterRef("pk"), use=ChargeUse.BILLED))
    parts = SessionCharge.objects.filter(~Exists(billed), contract_id=OuterRef("pk"))
    own_billed = unreleased(
        BilledCharge.objects.filter(
            charge__session_id=OuterRef("pk"), charge__contract_id=OuterRef("contract_id"), use=ChargeUse.BILLED
        )
    )
    sessions = ChargingSession.objects.filter(
        ~Exists(own_billed),
        contract_id=OuterRef("pk"),
        state=SessionState.COMPLETED,
        superseded_at__isnull=True,
        ended_at__lt=start_of_day(period.end, LAST_ZONE),
    ).exclude(holds__state=HoldState.REJECTED)
    late = with_open_amount(
        Invoice.objects.filter(
            contract_id=OuterRef("pk"),
            kind=InvoiceKind.INVOICE,
            state=InvoiceState.ISSUED,
            due_on__lt=period.last_day,
            contract_version__terms__kind=TermKind.LATE_PAYMENT,
        )
    ).filter(is_credited=False, open_amount__gt=ZERO)
    penalties = unbilled_penalties().filter(contract_id=OuterRef("pk"), occurred_on__lt=period.end)
    in_force = Q(ends_on__isnull=True) | Q(ends_on__gt=period.start)
    return (
        Contract.objects.filter(operator_id=operator_id, kind__in=PHASES, state__in=IN_FORCE, starts_on__lt=period.end)
        .filter(
            in_force
            | Exists(penalties)
            | Exists(late)
            | (Q(kind=ContractKind.CHARGING) & Exists(sessions))
            | (Q(kind=ContractKind.SPONSORSHIP) & Exists(parts))
            | Q(kind=ContractKind.HOSTING, ends_on__gt=period.start - HOSTS_STAY_DUE)
        )
        .order_by("number")
    )
