"""What is missing before a month is billed: the checks, each with what mends it."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contracts.models import (
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
from invoicing.queries.month_data import Lacking, lacking
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
    NO_TERMS = "no_terms"
    NO_TAX_ID = "no_tax_id"
    NO_EXEMPTION_GROUND = "no_exemption_ground"
    NO_SELF_BILLING = "no_self_billing"
    NO_HOST_TAX_NUMBER = "no_host_tax_number"
    INCOMPLETE_EINVOICE = "incomplete_einvoice"
    OPERATOR_DATA = "operator_data"


@dataclass(frozen=True, slots=True)
class MonthCheck:
    """One check: how many rows it found, the first of them by name. `blocks`: their contracts fail or go unsent.

    `keys` are the rows to mend, where a list can show just these; `lacks` says of the first what each of them lacks.
    """

    concern: Concern
    title: str | Promise
    advice: str | Promise
    count: int
    names: tuple[str, ...] = ()
    blocks: bool = False
    keys: tuple[int, ...] = ()
    lacks: tuple[str, ...] = ()


def month_checks(operator: Operator, period: Period) -> list[MonthCheck]:
    """All checks of a month, those that found nothing too: eleven queries where all bill in one currency.

    Two more where terms are under reverse charge.
    """
    contracts = list(
        due_contracts(operator_id=operator.pk, period=period)
        .select_related("operator", "party")
        .prefetch_related("party__contacts")
    )
    due = Contract.objects.filter(pk__in=[contract.pk for contract in contracts])
    zones = {contract.zone for contract in contracts}
    sessions = with_status(sessions_until(operator, period, zones))
    by_status = dict(sessions.order_by().values_list("status").annotate(count=Count("pk")))
    unreachable = sorted({each.party for each in contracts if not _has_accountant(each.party)}, key=str)
    drafts = list(
        ContractVersion.objects.filter(
            contract__in=due, state=VersionState.DRAFT, valid_from__lt=period.end
        ).select_related("contract")
    )
    untaxed = _sites_without_rate(operator, period, zones)
    one_currency = all(contract.currency == operator.currency for contract in contracts)
    foreign = [] if one_currency else contracts_without_rate(operator, due, period.end)
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
        _of_rows(
            Concern.NO_ACCOUNTANT,
            _("Parties without an accountant's address"),
            _("Their documents are issued but cannot be mailed: add a contact with the role accountant."),
            unreachable,
        ),
        _of_rows(
            Concern.NO_TAX_RATE,
            _("Sites without a tax rate"),
            _("Contracts with sessions there fail: add the rate of the country or region."),
            untaxed,
        ),
        _of_rows(
            Concern.UNAPPROVED_TERMS,
            _("Terms that nobody approved yet"),
            _("The run bills under the terms that were approved before."),
            drafts,
            blocks=False,
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
        _of_rows(
            Concern.NO_EXCHANGE_RATE,
            _("Contracts in another currency without an exchange rate"),
            _("Load the central bank's rates of the last days; without one their documents are not issued."),
            foreign,
        ),
        *_data_checks(operator, lacking(operator, period, contracts, _in_month(operator, period, zones))),
    ]


def _has_accountant(party: Party) -> bool:
    return any(contact.role == ContactRole.ACCOUNTANT for contact in party.contacts.all())


def _data_checks(operator: Operator, found: Lacking) -> list[MonthCheck]:
    """What documents need of the terms, the parties and the operator himself."""
    return [
        _of_rows(
            Concern.NO_TERMS,
            _("Contracts without approved terms on the month's last day"),
            _("They fail: approve terms that begin by then."),
            found.terms,
        ),
        _of_rows(
            Concern.NO_TAX_ID,
            _("Reverse charge without a VAT id that carries it"),
            _("What they are supplied fails: correct the VAT id of the party, or tax the contract."),
            list(found.tax_ids),
            lacks=[refusal.message for refusal in found.tax_ids.values()],
        ),
        _of_rows(
            Concern.NO_EXEMPTION_GROUND,
            _("Exempt parties without their ground of exemption"),
            _("Their documents name a general one: write down by which law they are exempt."),
            found.exemption_grounds,
            blocks=False,
        ),
        _of_rows(
            Concern.NO_SELF_BILLING,
            _("Property owners who have not agreed to self-billing"),
            _("They are not settled: enter the day of the agreement, or that the owner is not taxable."),
            found.agreements,
        ),
        _of_rows(
            Concern.NO_HOST_TAX_NUMBER,
            _("Property owners registered for tax without VAT id or tax number"),
            _("Enter one of them, or how the owner stands towards tax; an e-invoice without it is not issued."),
            found.hosts_without_number,
            blocks=found.hosts_block,
        ),
        _of_rows(
            Concern.INCOMPLETE_EINVOICE,
            _("Parties whose e-invoice would be refused"),
            _("Their documents stay drafts until what is missing is entered."),
            list(found.einvoices),
            lacks=[" ".join(sentences) for sentences in found.einvoices.values()],
        ),
        MonthCheck(
            Concern.OPERATOR_DATA,
            _("What the operator's own documents lack"),
            _("E-invoices are not issued without it.")
            if found.operator_blocks
            else _("Documents are printed without it."),
            len(found.operator),
            blocks=found.operator_blocks,
            keys=(operator.pk,),
            lacks=tuple(found.operator[:5]),
        ),
    ]


def _of_rows(
    concern: Concern,
    title: str | Promise,
    advice: str | Promise,
    rows: Sequence[Contract | ContractVersion | Party | Site],
    *,
    blocks: bool = True,
    lacks: Sequence[str] = (),
) -> MonthCheck:
    return MonthCheck(
        concern,
        title,
        advice,
        len(rows),
        () if lacks else tuple(str(row) for row in rows[:5]),
        blocks,
        tuple(row.pk for row in rows),
        tuple(lacks[:5]),
    )


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


def _in_month(operator: Operator, period: Period, zones: Collection[str]) -> Q:
    """Sessions that ended in the month, which each contract has in its own zone."""
    inside = Q()
    for zone in sorted(zones) or [operator.zone]:
        start, end = period.instants(zone)
        inside |= Q(contract__zone=zone, ended_at__gte=start, ended_at__lt=end)
    return inside


def _sites_without_rate(operator: Operator, period: Period, zones: Collection[str]) -> list[Site]:
    """Sites with sessions of the month whose country and region no row of the tax table covers on its last day."""
    used = ChargingSession.objects.filter(
        _in_month(operator, period, zones),
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
