"""Settlements: what a host earns at his sites, self-billed by us (DOMAIN, RevenueShare).

    percent, amount per kWh        charges billed on issued documents, less their credits; taken back when credited
    rent, greater of, cost         a calendar month's totals; a line settles what was not settled of the month before

The terms are those of the day a session ended; where they change within a month, each holds for its days. Months that
an earlier run looked at and could not settle are made up. A month that was settled keeps the terms it was settled
under: a late session adds the difference, and terms approved later for its days change nothing.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contracts.models import Contract, ContractVersion, Site
from contracts.rules.shares import Share, ShareTerms
from evbilling.kernel.clock import Period, local_date, month_of
from evbilling.kernel.errors import BillingError
from evbilling.kernel.money import add
from evbilling.shell.formats import format_money
from invoicing.models import ChargeUse, LineKind
from invoicing.operations.writing import NewLine
from invoicing.queries.charges import (
    ChargeRow,
    charge_rows,
    drafts_at,
    host_sites,
    share_facts,
    shareable_charges,
    touched_charges,
)
from invoicing.queries.host_months import (
    MonthKey,
    Settled,
    SettledMonths,
    figures_of,
    metered_wh,
    missed_months,
    settled_months,
    settled_rows,
    shared_under,
)
from invoicing.queries.host_terms import HostTerms, NoRevenueShare, may_self_bill
from invoicing.queries.taxes import tax_table
from invoicing.rules.share_text import month_text, session_text
from invoicing.rules.sharing import (
    Days,
    MonthTotals,
    ShareBase,
    SharedCharge,
    base_of,
    days_in,
    month_due,
    session_share,
    share_steps,
)
from invoicing.rules.tax import HostStatus, Place, TaxTable, host_tax
from sessions.models import ChargeRole

Use = tuple[ChargeRow, ChargeUse]


class NothingToSettle(BillingError):
    """A host is not settled now, for the reason given; nothing is lost: the next settlement takes it up."""

    code = "nothing_to_settle"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line before it is written: where, which month (none: of the charges as they come), and how it was reckoned."""

    site: Site
    month: dt.date | None
    terms: ShareTerms
    net: Decimal
    text: str
    base: ShareBase
    uses: Sequence[Use]
    because: Mapping[str, Any]

    def order(self) -> tuple[Any, ...]:
        """By site, then month, then terms."""
        figures = (self.terms.percent or Decimal(0), self.terms.per_kwh or Decimal(0), self.terms.rent or Decimal(0))
        return (self.site.name.casefold(), self.site.pk, self.month or dt.date.min, self.terms.kind, figures)


def settlement_lines(contract: Contract, version: ContractVersion, period: Period) -> list[NewLine]:
    """The lines of a host's settlement: per site, terms and, for shares reckoned on it, month.

    Empty where nothing is due. Raises NothingToSettle: no self-billing agreement by the period's end, the month's
    documents still drafts, or a result below zero (carried forward). Raises NoRevenueShare, MissingTaxRate.
    """
    if not version.revenue_shares.exists():
        raise NoRevenueShare(version)
    _require_agreement(contract, period)
    by_id = {site.pk: site for site in host_sites(contract).order_by("pk")}
    terms = HostTerms(contract, version, settled_months(contract))
    earning = Site.objects.filter(pk__in=[pk for pk, site in by_id.items() if terms.shares_sessions(site)])
    drafts = drafts_at(contract, earning, period).count()
    if drafts:
        raise NothingToSettle(
            _("%(count)s documents with sessions at the sites are still drafts; issue them, then settle the host.")
            % {"count": drafts}
        )
    shared = [(row, ChargeUse.SHARED) for row in charge_rows(shareable_charges(contract, earning, period))]
    changed = list(_changed_uses(contract, earning, period))
    known = {row.site_pk for row, _use in changed} - by_id.keys()
    by_id |= Site.objects.in_bulk([pk for pk in known if pk is not None])
    uses = [*shared, *changed]
    under = _under(contract, terms, by_id, uses)
    lines = [
        *_session_lines(contract, under, by_id, uses),
        *_month_lines(contract, terms, under, by_id, uses, period=period),
    ]
    table = tax_table()
    written = [_written(contract, line, period, table) for line in sorted(lines, key=_Line.order)]
    total = add(line.net for line in written)
    if total < 0:
        raise NothingToSettle(
            _("Credits outweigh the month's share by %(amount)s; it is carried forward to the next settlement.")
            % {"amount": format_money(-total, contract.currency)}
        )
    return written


def _require_agreement(contract: Contract, period: Period) -> None:
    party = contract.party
    if not may_self_bill(party, period):
        raise NothingToSettle(
            _("%(party)s has not agreed to self-billing for %(period)s; enter the day of the agreement, then settle.")
            % {"party": party.legal_name, "period": period.code}
        )


def _changed_uses(contract: Contract, earning: QuerySet[Site], period: Period) -> Iterable[Use]:
    """What credits, and documents that were issued again, change in the shares of charges."""
    rows = list(charge_rows(touched_charges(contract, earning)))
    facts = share_facts(contract, [row.charge_id for row in rows], period)
    for row in rows:
        known = facts[row.charge_id]
        for step in share_steps(
            row.net,
            billed=known.billed,
            live=known.live,
            credited=known.credited,
            shared=known.whole > 0,
            returned=known.part,
        ):
            use = ChargeUse.TAKEN_BACK if step.taken_back else ChargeUse.SHARED
            yield row if step.part is None else replace(row, net=step.part, is_part=True), use


def _day(contract: Contract, row: ChargeRow) -> dt.date:
    return local_date(row.ended_at, contract.zone)


def _base(uses: Iterable[Use]) -> ShareBase:
    return base_of(
        SharedCharge(
            charge_id=row.charge_id,
            session_id=row.session_pk,
            energy_wh=row.energy_wh,
            net=row.net,
            taken_back=use == ChargeUse.TAKEN_BACK,
            carries_energy=row.role == ChargeRole.CUSTOMER,
            is_part=row.is_part,
        )
        for row, use in uses
    )


def _under(
    contract: Contract, terms: HostTerms, sites: Mapping[int, Site], uses: Iterable[Use]
) -> dict[tuple[int, ChargeUse], ShareTerms]:
    """The terms of each charge: those of its day; of one that is taken back, those under which it was shared."""
    uses = list(uses)
    again = {(row.charge_id, use) for row, use in uses if use == ChargeUse.TAKEN_BACK or row.is_part}
    shared = shared_under(contract, [charge_id for charge_id, _use in again])
    return {
        (row.charge_id, use): (shared.get(row.charge_id) if (row.charge_id, use) in again else None)
        or terms.at(sites[row.site_pk or 0], _day(contract, row))
        for row, use in uses
    }


def _session_lines(
    contract: Contract,
    under: Mapping[tuple[int, ChargeUse], ShareTerms],
    sites: Mapping[int, Site],
    uses: Iterable[Use],
) -> Iterable[_Line]:
    """Percent and amount per kWh: one line per site and share, of charges of whatever month."""
    groups: dict[tuple[int, ShareTerms], list[Use]] = defaultdict(list)
    for row, use in uses:
        found = under[row.charge_id, use]
        if not found.is_monthly:
            groups[row.site_pk or 0, found].append((row, use))
    for (site_pk, found), members in groups.items():
        base = _base(members)
        net = session_share(found, base, contract.currency)
        because = figures_of(found) | {
            "site": site_pk,
            "base": format(base.net, "f"),
            "energy_wh": base.paid_wh,
        }
        text = session_text(found, base, contract.currency)
        yield _Line(sites[site_pk], None, found, net, text, base, members, because)


def _month_lines(
    contract: Contract,
    terms: HostTerms,
    under: Mapping[tuple[int, ChargeUse], ShareTerms],
    sites: Mapping[int, Site],
    uses: Sequence[Use],
    *,
    period: Period,
) -> Iterable[_Line]:
    """Rent, greater of and cost: one line per site, month and share that is not settled to the cent."""
    settled = terms.settled
    new: dict[MonthKey, list[Use]] = defaultdict(list)
    spans = _open_months(contract, terms, sites, period, settled)
    for row, use in uses:
        site, on = sites[row.site_pk or 0], _day(contract, row)
        found = under[row.charge_id, use]
        if found.kind != Share.GREATER_OF:
            continue
        key = MonthKey(site.pk, month_of(on).start, found)
        new[key].append((row, use))
        if key not in spans:
            spans[key] = (settled.by_key.get(key) or Settled(terms.in_month(site, key.month)[found])).spans
    earlier = _settled_charges(contract, spans)
    metered = metered_wh(
        contract, [(key.site_id, days) for key, days in spans.items() if key.terms.kind == Share.COST and days]
    )
    for key, days in spans.items():
        before = settled.by_key.get(key, Settled())
        base = _base([*earlier.get(key, ()), *new[key]])
        energy = metered.get((key.site_id, days), 0) if key.terms.kind == Share.COST else base.paid_wh
        month = month_of(key.month)
        totals = MonthTotals(base.net, energy, days_in(days), (month.end - month.start).days)
        due = month_due(key.terms, totals, contract.currency)
        if due == before.net and not new[key]:
            continue
        because = figures_of(key.terms) | {
            "site": key.site_id,
            "month": key.month.isoformat(),
            "days": [[first.isoformat(), last.isoformat()] for first, last in days],
            "base": format(base.net, "f"),
            "energy_wh": energy,
            "due": format(due, "f"),
            "settled_before": format(before.net, "f"),
        }
        on_line = _base(new[key])
        if key.terms.kind == Share.COST:
            on_line = ShareBase(Decimal(0), 0, energy - before.energy_wh, 0)
        text = month_text(key.terms, key.month, totals, due=due, before=before.net, currency=contract.currency)
        yield _Line(sites[key.site_id], key.month, key.terms, due - before.net, text, on_line, new[key], because)


def _open_months(
    contract: Contract, terms: HostTerms, sites: Mapping[int, Site], period: Period, settled: SettledMonths
) -> dict[MonthKey, tuple[Days, ...]]:
    """Monthly shares to look at, with their days: those of this month and of missed ones under the terms of each day;
    of settled months those that a late session can change, as they were settled.
    """
    spans: dict[MonthKey, tuple[Days, ...]] = {}
    for month in sorted(missed_months(contract, period) | {month_of(period.start).start}):
        if month in settled.months:
            continue
        for site in sites.values():
            for found, days in terms.in_month(site, month).items():
                if found.is_monthly:
                    spans[MonthKey(site.pk, month, found)] = days
    for key, before in settled.by_key.items():
        if key.terms.kind != Share.FIXED_RENT and key.site_id in sites and key.month < period.end:
            spans.setdefault(key, before.spans)
    return spans


def _settled_charges(contract: Contract, spans: Mapping[MonthKey, tuple[Days, ...]]) -> dict[MonthKey, list[Use]]:
    """What earlier lines shared, or took back, of the months that are reckoned by the greater of. Two queries."""
    keys = {key: days for key, days in spans.items() if key.terms.kind == Share.GREATER_OF}
    found: dict[MonthKey, list[Use]] = defaultdict(list)
    if not keys:
        return found
    sites, first = {key.site_id for key in keys}, min(key.month for key in keys)
    by_place: dict[tuple[int, dt.date], list[tuple[MonthKey, tuple[Days, ...]]]] = defaultdict(list)
    for key, days in keys.items():
        by_place[key.site_id, key.month].append((key, days))
    for use in (ChargeUse.SHARED, ChargeUse.TAKEN_BACK):
        for row in settled_rows(contract, use, sites, first):
            on = _day(contract, row)
            for key, days in by_place.get((row.site_pk or 0, month_of(on).start), ()):
                if any(start <= on < end for start, end in days):
                    found[key].append((row, use))
    return found


def _written(contract: Contract, line: _Line, period: Period, table: TaxTable) -> NewLine:
    kinds = {Share.FIXED_RENT: LineKind.RENT, Share.COST: LineKind.COST}
    return NewLine(
        kind=kinds.get(line.terms.kind, LineKind.REVENUE_SHARE),
        group=line.site.name,
        text=line.text[:300],
        tax=host_tax(
            HostStatus(contract.party.tax_status), Place(line.site.country, line.site.region), period.last_day, table
        ),
        net=line.net,
        session_count=line.base.session_count,
        energy_wh=line.base.paid_wh if line.terms.kind == Share.PER_KWH else line.base.energy_wh,
        uses=tuple((row.charge_id, use) for row, use in line.uses),
        amounts={(row.charge_id, use): row.net for row, use in line.uses if row.is_part},
        because=line.because,
    )
