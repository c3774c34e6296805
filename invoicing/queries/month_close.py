"""What a run of the month would do: the dry run, and the sessions it looks at."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from contracts.models import (
    Operator,
)
from evbilling.kernel.clock import Period
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import quantise
from invoicing.models import Invoice, InvoiceKind, InvoiceState
from invoicing.queries.due import PHASES, due_contracts
from invoicing.queries.penalties import unbilled_penalties
from sessions.models import ChargingSession, SessionState
from sessions.queries import SessionStatus, current_sessions, with_status


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a run would take: due contracts per kind, sessions ready to bill with their net per currency, the rest.

    `drafts` are the month's claims that stand already and are issued next, with their net per currency in `drafted`.
    `penalties` are those that were assessed already; the run assesses the month's own first.
    """

    contracts: dict[str, int]
    sessions: int
    energy_wh: int
    net: dict[str, Decimal]
    drafts: int
    drafted: dict[str, Decimal]
    unrated: int
    held: int
    penalties: int


def dry_run(operator: Operator, period: Period) -> DryRun:
    """What a run of the month would find now; reads only."""
    due = due_contracts(operator_id=operator.pk, period=period).order_by()
    kinds: Counter[str] = Counter()
    zones = set()
    for kind, zone, count in due.values_list("kind", "zone").annotate(count=Count("pk")):
        kinds[kind] += count
        zones.add(zone)
    sessions = with_status(sessions_until(operator, period, zones))
    ready = sessions.filter(status=SessionStatus.PRICED)
    sums = (
        ready.order_by()
        .values("price__currency")
        .annotate(count=Count("pk"), energy=Sum("energy_wh"), net=amount_sum("price__net_amount"))
    )
    rows = list(sums)
    drafts = list(_drafts_of(operator, period))
    return DryRun(
        contracts={kind.value: kinds[kind.value] for kind in PHASES},
        sessions=sum(row["count"] for row in rows),
        energy_wh=sum(row["energy"] for row in rows),
        net={row["price__currency"]: quantise(row["net"], row["price__currency"]) for row in rows},
        drafts=sum(count for _currency, count, _net in drafts),
        drafted={currency: quantise(net, currency) for currency, _count, net in drafts},
        unrated=sessions.filter(status=SessionStatus.UNRATED).count(),
        held=sessions.filter(status=SessionStatus.HELD).count(),
        penalties=unbilled_penalties().filter(contract__operator=operator, occurred_on__lt=period.end).count(),
    )


def _drafts_of(operator: Operator, period: Period) -> Iterable[tuple[str, int, Decimal]]:
    """The month's drafts of invoices and fee notes: (currency, count, net). Hosts have none: they are settled last."""
    drafts = Invoice.objects.filter(
        operator=operator,
        state=InvoiceState.DRAFT,
        kind__in=(InvoiceKind.INVOICE, InvoiceKind.FEE_NOTE),
        period_from=period.start,
        period_to=period.end,
    )
    return drafts.order_by().values_list("currency").annotate(count=Count("pk"), net=amount_sum("net_amount"))


def sessions_until(operator: Operator, period: Period, zones: Collection[str]) -> QuerySet[ChargingSession]:
    """Completed sessions that ended before the end of the month, late ones of before included.

    The month ends in the contract's zone, of which `zones` are those of the contracts that are due; what nobody pays
    for is counted by the operator's.
    """
    abroad = set(zones) - {operator.zone}
    ended = Q(ended_at__lt=period.instants(operator.zone)[1])
    if abroad:
        ended &= Q(contract__isnull=True) | ~Q(contract__zone__in=abroad)
    for zone in sorted(abroad):
        ended |= Q(contract__zone=zone, ended_at__lt=period.instants(zone)[1])
    return current_sessions().filter(
        Q(contract__operator=operator) | Q(contract__isnull=True), ended, state=SessionState.COMPLETED
    )
