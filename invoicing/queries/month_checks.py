"""What is missing before a month is billed: the checks, each with what mends it."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
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
from invoicing.models import ReferenceRate, TaxRate
from invoicing.queries.due import due_contracts
from invoicing.queries.exchange import contracts_without_rate
from invoicing.queries.month_close import sessions_until
from invoicing.queries.penalties import asked_waivers
from sessions.models import ChargingSession, SessionState
from sessions.queries import SessionStatus, with_status


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


def month_checks(operator: Operator, period: Period) -> list[MonthCheck]:
    """All checks of a month, those that found nothing too, in fourteen queries where all bill in one currency."""
    due, zones = _read_once(due_contracts(operator_id=operator.pk, period=period))
    sessions = with_status(sessions_until(operator, period, zones))
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
