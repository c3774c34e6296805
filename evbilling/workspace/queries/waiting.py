"""Counts of what waits for a person."""

import datetime as dt

from django.db.models import CharField, Count, QuerySet, Value

from contracts.models import (
    Contract,
    ContractState,
    ContractVersion,
    SponsorKind,
    Sponsorship,
    TariffState,
    TariffVersion,
    VersionState,
)
from contracts.queries.agreements import unacknowledged
from evbilling.kernel.models import OutboxMessage, OutboxState
from invoicing.models import Correction, CorrectionState, Invoice, InvoiceState
from invoicing.queries.deliveries import needing_a_person
from invoicing.queries.disputes import open_disputes
from invoicing.queries.penalties import asked_waivers
from payments.models import Payment, PaymentState
from sessions.models import ChargingSession, Hold, HoldState
from sessions.queries import SessionStatus, of_status
from sessions.queries.sponsored_parts import budgets_in_use

ROWS: dict[str, QuerySet] = {
    "holds": Hold.objects.filter(state=HoldState.OPEN),
    "drafts": Invoice.objects.filter(state=InvoiceState.DRAFT),
    "mails": needing_a_person(),
    "steps": OutboxMessage.objects.filter(state__in=[OutboxState.FAILED, OutboxState.UNKNOWN]),
    "waivers": asked_waivers(),
    "disputes": open_disputes(),
    "corrections": Correction.objects.filter(state=CorrectionState.ASKED),
    "payments": Payment.objects.filter(state=PaymentState.UNKNOWN),
    "activation": Contract.objects.filter(state=ContractState.OFFERED),
    "budgets": Sponsorship.objects.filter(kind=SponsorKind.BUDGET, version__state=VersionState.APPROVED),
    "terms": ContractVersion.objects.filter(state=VersionState.DRAFT),
    "unknown_terms": unacknowledged(),
    "tariffs": TariffVersion.objects.filter(state=TariffState.DRAFT),
}
"""What each count counts."""


def counts() -> dict[str, int]:
    """How many rows of each kind wait, and on how many sessions the holds are, in one query on indexed columns."""
    tallies = {"held_sessions": (ROWS["holds"], Count("session", distinct=True))}
    tallies |= {name: (rows, Count("pk")) for name, rows in ROWS.items()}
    parts = [
        rows.order_by()
        .annotate(counted=Value(name, output_field=CharField()))
        .values("counted")
        .annotate(count=tally)
        .values_list("counted", "count")
        for name, (rows, tally) in tallies.items()
    ]
    found = dict(parts[0].union(*parts[1:], all=True).order_by())
    return {name: found.get(name, 0) for name in tallies}


def unrated_sessions() -> QuerySet[ChargingSession]:
    """Completed sessions without a price that nothing holds back."""
    return of_status(ChargingSession.objects.all(), SessionStatus.UNRATED)


def full_budgets(at: dt.datetime) -> list[int]:
    """The sponsors' contracts whose budgets are used as far as they want to be told about."""
    return [use.contract.pk for use in budgets_in_use(Contract.objects.all(), at) if use.is_alert]
