"""Settlements: what a host earns at his sites, self-billed by us (DOMAIN, RevenueShare)."""

from collections import defaultdict
from decimal import Decimal

from django.utils.translation import gettext as _

from contracts.models import Contract, ContractVersion, TaxStatus
from contracts.queries import versions_of
from evbilling.kernel.clock import Period, local_date
from evbilling.kernel.errors import BillingError
from evbilling.kernel.money import add
from evbilling.shell.formats import format_money, format_percent
from invoicing.models import ChargeUse, LineKind
from invoicing.operations.writing import NewLine, tax_table
from invoicing.queries.charges import (
    ChargeRow,
    charge_rows,
    drafts_at,
    host_sites,
    returnable_charges,
    shareable_charges,
)
from invoicing.rules.sharing import SharedCharge, ShareLine, share_of
from invoicing.rules.tax import HostStatus, Place, host_tax


class NothingToSettle(BillingError):
    """A host is not settled now, for the reason given; nothing is lost: the next settlement takes it up."""

    code = "nothing_to_settle"


class NoRevenueShare(BillingError):
    """A hosting contract whose terms name no revenue share."""

    code = "no_revenue_share"

    def __init__(self, version: ContractVersion) -> None:
        super().__init__(
            _("Terms %(version)s name no revenue share. Approve a version that does, then settle again.")
            % {"version": version}
        )


def settlement_lines(contract: Contract, version: ContractVersion, period: Period) -> list[NewLine]:
    """One line per site and percentage, which is that of the terms in force on the day a session ended: the host's
    part of its net session charges, those credited since taken back.

    Empty where there is nothing to share. Raises NothingToSettle: no self-billing agreement by the period's end, the
    month's documents still drafts, or a result below zero (carried forward). Raises NoRevenueShare, MissingTaxRate.
    """
    if not version.revenue_shares.exists():
        raise NoRevenueShare(version)
    _require_agreement(contract, period)
    sites = host_sites(contract)
    drafts = drafts_at(contract, sites, period).count()
    if drafts:
        raise NothingToSettle(
            _("%(count)s documents with sessions at the sites are still drafts; issue them, then settle the host.")
            % {"count": drafts}
        )
    shared = list(charge_rows(shareable_charges(contract, sites, period)))
    returned = list(charge_rows(returnable_charges(contract)))
    lines = _lines(contract, version, period, shared, returned)
    total = add(line.net for line in lines)
    if total < 0:
        raise NothingToSettle(
            _("Credits outweigh the month's share by %(amount)s; it is carried forward to the next settlement.")
            % {"amount": format_money(-total, contract.currency)}
        )
    return lines


def _require_agreement(contract: Contract, period: Period) -> None:
    """Self-billing needs the host's agreement; one who is no taxable person gets a plain statement without it."""
    party = contract.party
    if party.tax_status == TaxStatus.NOT_TAXABLE:
        return
    if party.self_billing_agreed_on is None or party.self_billing_agreed_on >= period.end:
        raise NothingToSettle(
            _("%(party)s has not agreed to self-billing for %(period)s; enter the day of the agreement, then settle.")
            % {"party": party.legal_name, "period": period.code}
        )


def _lines(
    contract: Contract, version: ContractVersion, period: Period, shared: list[ChargeRow], returned: list[ChargeRow]
) -> list[NewLine]:
    terms = versions_of(contract)
    groups: dict[tuple[str, int, Decimal], list[tuple[ChargeRow, ChargeUse]]] = defaultdict(list)
    for use, rows in ((ChargeUse.SHARED, shared), (ChargeUse.TAKEN_BACK, returned)):
        for row in rows:
            share = (terms.at(local_date(row.ended_at, contract.zone)) or version).revenue_shares.get()
            percent = share.percent_of_net or Decimal(0)
            groups[row.site.casefold(), row.site_pk or 0, percent].append((row, use))
    table = tax_table()
    lines = []
    for (_site, _site_pk, percent), members in sorted(groups.items()):
        place = members[0][0]
        line = share_of(
            (
                SharedCharge(row.charge_id, row.session_pk, row.energy_wh, row.net, use == ChargeUse.TAKEN_BACK)
                for row, use in members
            ),
            percent,
            contract.currency,
        )
        lines.append(
            NewLine(
                kind=LineKind.REVENUE_SHARE,
                group=place.site,
                text=_text(percent, line, contract.currency),
                tax=host_tax(
                    HostStatus(contract.party.tax_status), Place(place.country, place.region), period.last_day, table
                ),
                net=line.net,
                session_count=line.session_count,
                energy_wh=line.energy_wh,
                uses=tuple((row.charge_id, use) for row, use in members),
            )
        )
    return lines


def _text(percent: Decimal, line: ShareLine, currency: str) -> str:
    return _("%(percent)s of %(base)s net charging revenue") % {
        "percent": format_percent(percent / 100),
        "base": format_money(line.base, currency),
    }
