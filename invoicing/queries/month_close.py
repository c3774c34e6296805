"""What a person should know before a month is billed: what is missing, and what the run would do."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contracts.models import (
    Contact,
    ContactRole,
    Contract,
    ContractKind,
    ContractTerm,
    ContractVersion,
    Operator,
    Party,
    Site,
    TermKind,
    VersionState,
)
from evbilling.kernel.clock import Period
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import quantise
from invoicing.models import Invoice, InvoiceKind, InvoiceState, ReferenceRate, TaxRate
from invoicing.queries.due import PHASES, due_contracts
from invoicing.queries.exchange import contracts_without_rate
from invoicing.queries.penalties import asked_waivers, unbilled_penalties
from sessions.models import ChargingSession, SessionState
from sessions.queries import SessionStatus, current_sessions, with_status


class Concern(StrEnum):
    """What the checks look at; a face knows which list shows it."""

    HELD_SESSIONS = "held_sessions"
    UNRATED_SESSIONS = "unrated_sessions"
    NO_ACCOUNTANT = "no_accountant"
    NO_TAX_RATE = "no_tax_rate"
    UNAPPROVED_TERMS = "unapproved_terms"
    ASKED_WAIVERS = "asked_waivers"
    OLD_REFERENCE_RATE = "old_reference_rate"
    NO_EXCHANGE_RATE = "no_exchange_rate"


@dataclass(frozen=True, slots=True)
class MonthCheck:
    """One check: how many rows it found, the first of them by name. `blocks`: their contracts fail or go unsent."""

    concern: Concern
    title: str | Promise
    advice: str | Promise
    count: int
    names: tuple[str, ...] = ()
    blocks: bool = False


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


def month_checks(operator: Operator, period: Period) -> list[MonthCheck]:
    """All checks of a month, those that found nothing too, in fourteen queries where all bill in one currency."""
    due, zones = _read_once(due_contracts(operator_id=operator.pk, period=period))
    sessions = with_status(_sessions_until(operator, period, zones))
    by_status = dict(sessions.order_by().values_list("status").annotate(count=Count("pk")))
    accountants = Contact.objects.filter(party=OuterRef("pk"), role=ContactRole.ACCOUNTANT)
    unreachable = Party.objects.filter(~Exists(accountants), pk__in=due.values("party")).order_by("legal_name")
    drafts = ContractVersion.objects.filter(
        contract__in=due, state=VersionState.DRAFT, valid_from__lt=period.end
    ).select_related("contract")
    untaxed = _sites_without_rate(operator, period, zones)
    foreign = contracts_without_rate(operator, due, period.end)
    return [
        MonthCheck(
            Concern.HELD_SESSIONS,
            _("Sessions on hold"),
            _("Release or reject them; what stays on hold is billed with a later month."),
            by_status.get(SessionStatus.HELD, 0),
        ),
        MonthCheck(
            Concern.UNRATED_SESSIONS,
            _("Sessions without a price"),
            _("The run prices them first; those without a tariff go on hold."),
            by_status.get(SessionStatus.UNRATED, 0),
        ),
        MonthCheck(
            Concern.NO_ACCOUNTANT,
            _("Parties without an accountant's address"),
            _("Their documents are issued but cannot be mailed: add a contact with the role accountant."),
            unreachable.count(),
            tuple(str(party) for party in unreachable[:5]),
            blocks=True,
        ),
        MonthCheck(
            Concern.NO_TAX_RATE,
            _("Sites without a tax rate"),
            _("Contracts with sessions there fail: add the rate of the country or region."),
            len(untaxed),
            tuple(str(site) for site in untaxed[:5]),
            blocks=True,
        ),
        MonthCheck(
            Concern.UNAPPROVED_TERMS,
            _("Terms that nobody approved yet"),
            _("The run bills under the terms that were approved before."),
            drafts.count(),
            tuple(str(version) for version in drafts[:5]),
        ),
        MonthCheck(
            Concern.ASKED_WAIVERS,
            _("Penalties whose waiver was asked for"),
            _("They are not billed until a second person has decided."),
            asked_waivers().filter(contract__operator=operator).count(),
        ),
        MonthCheck(
            Concern.OLD_REFERENCE_RATE,
            _("Statutory interest without a reference rate of the half year"),
            _("Look the rate up at the central bank and enter it, also where it is unchanged."),
            _without_reference_rate(due, period),
        ),
        MonthCheck(
            Concern.NO_EXCHANGE_RATE,
            _("Contracts in another currency without an exchange rate"),
            _("Load the central bank's rates of the last days; without one their documents are not issued."),
            len(foreign),
            tuple(str(contract) for contract in foreign[:5]),
            blocks=True,
        ),
    ]


def _read_once(contracts: QuerySet[Contract]) -> tuple[QuerySet[Contract], set[str]]:
    """The same contracts by their keys, and their zones: who is due takes long to find out, and most checks ask."""
    zones = dict(contracts.order_by().values_list("pk", "zone"))
    return Contract.objects.filter(pk__in=list(zones)), set(zones.values())


def _without_reference_rate(due: QuerySet[Contract], period: Period) -> int:
    """Contracts with the statutory default, where no rate was entered for the half year of the period's last day: one
    on or after the first day of the half year before it.
    """
    day = period.last_day
    before = dt.date(day.year - 1, 7, 1) if day.month < 7 else dt.date(day.year, 1, 1)
    if ReferenceRate.objects.filter(valid_from__gte=before, valid_from__lte=day).exists():
        return 0
    statutory = ContractTerm.objects.filter(
        kind=TermKind.LATE_PAYMENT,
        figures__eu_default=True,
        version__contract__in=due,
        version__state=VersionState.APPROVED,
    )
    return statutory.values("version__contract").distinct().count()


def dry_run(operator: Operator, period: Period) -> DryRun:
    """What a run of the month would find now; reads only."""
    due = due_contracts(operator_id=operator.pk, period=period).order_by()
    kinds: Counter[str] = Counter()
    zones = set()
    for kind, zone, count in due.values_list("kind", "zone").annotate(count=Count("pk")):
        kinds[kind] += count
        zones.add(zone)
    sessions = with_status(_sessions_until(operator, period, zones))
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


def _sessions_until(operator: Operator, period: Period, zones: Collection[str]) -> QuerySet[ChargingSession]:
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


def _sites_without_rate(operator: Operator, period: Period, zones: Collection[str]) -> list[Site]:
    """Sites with sessions of the month whose country and region no row of the tax table covers on its last day."""
    inside = Q()
    for zone in sorted(zones) or [operator.zone]:
        start, end = period.instants(zone)
        inside |= Q(contract__zone=zone, ended_at__gte=start, ended_at__lt=end)
    used = ChargingSession.objects.filter(
        inside,
        site=OuterRef("pk"),
        contract__operator=operator,
        contract__kind=ContractKind.CHARGING,
        state=SessionState.COMPLETED,
    )
    day = period.last_day
    covered = {
        (country.upper(), region.casefold())
        for country, region in TaxRate.objects.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=day), valid_from__lte=day
        ).values_list("country", "region")
    }
    return [
        site
        for site in Site.objects.filter(Exists(used)).order_by("name")
        if not covered & {(site.country.upper(), site.region.casefold()), (site.country.upper(), "")}
    ]
