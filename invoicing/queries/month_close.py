"""What a run of the month would do: the dry run, and the sessions it looks at."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from contracts.models import Contract, Operator
from evbilling.kernel.clock import Period
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, add, quantise
from invoicing.models import Invoice, InvoiceKind, InvoiceState
from invoicing.queries.due import PHASES, due_contracts
from invoicing.queries.expected_settlements import expected_settlements
from invoicing.queries.expected_terms import expected_terms
from invoicing.queries.penalties import billable_net, unbilled_penalties
from sessions.models import ChargingSession, SessionState
from sessions.queries import SessionStatus, current_sessions, with_status, without_payer


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a run would take and bill now; amounts are net by currency.

    Of prices that include tax the net is rounded per session and fee here, per document there: it may differ by cents.

    `contracts` are those that are due, per kind. `priced` are the prices of the `sessions` ready to bill; `fees` base
    fees and minimum commitments; `allowances` what included energy and discounts take off (positive); `penalty_net`
    the penalties that were assessed already, less credits for missed uptime: the run assesses the month's own first.
    `drafted` are the month's `drafts` of claims that stand already and are issued next, `settlements` what hosts get.
    """

    contracts: dict[str, int]
    sessions: int
    energy_wh: int
    priced: dict[str, Decimal]
    fees: dict[str, Decimal]
    allowances: dict[str, Decimal]
    penalty_net: dict[str, Decimal]
    drafts: int
    drafted: dict[str, Decimal]
    settlements: dict[str, Decimal]
    unrated: int
    held: int
    penalties: int

    @property
    def net(self) -> dict[str, Decimal]:
        """What customers and sponsors would be billed, drafts included."""
        added = (self.priced, self.fees, self.penalty_net, self.drafted)
        currencies = {currency for sums in (*added, self.allowances) for currency in sums}
        return {
            each: add(sums.get(each, ZERO) for sums in added) - self.allowances.get(each, ZERO) for each in currencies
        }


def dry_run(operator: Operator, period: Period) -> DryRun:
    """What a run of the month would find now; reads only."""
    due = due_contracts(operator_id=operator.pk, period=period).order_by()
    rows = list(due.values_list("pk", "kind", "zone"))
    kinds = Counter(kind for _pk, kind, _zone in rows)
    contracts = Contract.objects.filter(pk__in=[pk for pk, _kind, _zone in rows])
    sessions = with_status(sessions_until(operator, period, {zone for _pk, _kind, zone in rows}))
    ready = sessions.filter(status=SessionStatus.PRICED)
    sums = list(
        ready.order_by()
        .values("price__currency")
        .annotate(count=Count("pk"), energy=Sum("energy_wh"), net=amount_sum("price__net_amount"))
    )
    counts = dict(sessions.order_by().values_list("status").annotate(count=Count("pk")))
    drafts = list(_drafts_of(operator, period))
    terms = expected_terms(contracts, period, ready)
    return DryRun(
        contracts={kind.value: kinds[kind.value] for kind in PHASES},
        sessions=sum(row["count"] for row in sums),
        energy_wh=sum(row["energy"] for row in sums),
        priced=_rounded({row["price__currency"]: row["net"] for row in sums}),
        fees=_rounded(terms.fees),
        allowances=_rounded(terms.allowances),
        penalty_net=_rounded(billable_net(contracts, period.end)),
        drafts=sum(count for _currency, count, _net in drafts),
        drafted=_rounded({currency: net for currency, _count, net in drafts}),
        settlements=_rounded(expected_settlements(contracts, period, ready)),
        unrated=counts.get(SessionStatus.UNRATED, 0),
        held=counts.get(SessionStatus.HELD, 0),
        penalties=unbilled_penalties().filter(contract__operator=operator, occurred_on__lt=period.end).count(),
    )


def _rounded(sums: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {currency: quantise(amount, currency) for currency, amount in sums.items()}


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
        Q(contract__operator=operator) | without_payer(operator), ended, state=SessionState.COMPLETED
    )
