"""What a month close would settle with the hosts, by the rules that settle them (invoicing/rules/sharing.py).

Counted are the shares of the sessions that are ready and of those of this month and the one before that documents and
drafts bill and no settlement shared yet, and the month's rents, for all hosts at once: the number of queries grows
with the zones and with the sites whose cost is reckoned on the meter, not with the hosts.

Left out, because only settling finds it: what credits take back, months that an earlier run could not settle, and
what late sessions change in a month that is reckoned as a whole.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate

from contracts.models import Contract, ContractKind, ContractVersion, Site
from contracts.queries import Timeline, versions_of_all
from contracts.rules.shares import Share, ShareTerms
from evbilling.kernel.clock import Period, month_of
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, add
from invoicing.models import Invoice, InvoiceKind
from invoicing.queries.cancelled import cancelled
from invoicing.queries.charges import unshared_charges
from invoicing.queries.host_months import SettledMonths, metered_wh
from invoicing.queries.host_terms import HostTerms, NoRevenueShare, may_self_bill
from invoicing.rules.sharing import MonthTotals, ShareBase, days_in, month_due, session_share
from sessions.models import ChargeRole, ChargingSession

_NOTHING = ShareBase(ZERO, 0, 0, 0)
_Days = dict[tuple[int, dt.date], ShareBase]


def expected_settlements(
    due: QuerySet[Contract], period: Period, ready: QuerySet[ChargingSession]
) -> dict[str, Decimal]:
    """Net by currency of the settlements that these contracts' hosts would get, with the sessions that are `ready`.

    Hosts who cannot be settled (no agreement, no share in their terms, a share below zero) are left out.
    """
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    hosts = _hosts(due, period)
    sites = {host.pk: _sites(host) for host in hosts}
    every = {site.pk for of_host in sites.values() for site in of_host.values()}
    by_zone = {zone: _by_day(ready, every, zone, period) for zone in {host.zone for host in hosts}}
    versions = versions_of_all([host.pk for host in hosts], "revenue_shares__site")
    for host in hosts:
        try:
            net = _of_host(host, versions.get(host.pk, Timeline()), sites[host.pk], by_zone[host.zone], period)
        except NoRevenueShare:
            continue
        if net > 0:
            found[host.currency] += net
    return dict(found)


def _hosts(due: QuerySet[Contract], period: Period) -> list[Contract]:
    """Hosts to be settled for the month, with their sites."""
    settled = Invoice.objects.filter(
        ~cancelled("pk"), kind=InvoiceKind.SETTLEMENT, period_from=period.start, period_to=period.end
    )
    rows = due.filter(kind=ContractKind.HOSTING).exclude(pk__in=settled.values("contract")).order_by("pk")
    hosts = rows.select_related("party").prefetch_related("sites", "party__owned_sites")
    return [host for host in hosts if may_self_bill(host.party, period)]


def _sites(host: Contract) -> dict[int, Site]:
    named = list(host.sites.all())
    return {site.pk: site for site in named or host.party.owned_sites.all()}


def _by_day(ready: QuerySet[ChargingSession], sites: Collection[int], zone: str, period: Period) -> _Days:
    """By site and local day: what is ready to be billed there, and what is billed there and not shared yet."""
    found: _Days = defaultdict(lambda: _NOTHING)
    coming = (
        ready.filter(site__in=sites)
        .order_by()
        .annotate(day=TruncDate("ended_at", tzinfo=ZoneInfo(zone)))
        .values_list("site_id", "day")
        .annotate(net=amount_sum("price__net_amount"), count=Count("pk"), wh=Sum("energy_wh"))
    )
    for site_id, day, net, count, wh in coming:
        found[site_id, day] += ShareBase(net, count, wh, wh)
    charges = unshared_charges(sites, period.previous_month().instants(zone)[0]).annotate(
        day=TruncDate("session__ended_at", tzinfo=ZoneInfo(zone))
    )
    for site_id, day, net in (
        charges.order_by().values_list("session__site_id", "day").annotate(net=amount_sum("net_amount"))
    ):
        found[site_id, day] += ShareBase(net, 0, 0, 0)
    paid = charges.filter(role=ChargeRole.CUSTOMER).order_by()
    energy = paid.values_list("session__site_id", "day", "session_id", "session__energy_wh").distinct()
    for site_id, day, _session_id, wh in energy:
        found[site_id, day] += ShareBase(ZERO, 1, wh, wh)
    return found


def _of_host(
    host: Contract,
    versions: Timeline[dt.date, ContractVersion],
    sites: Mapping[int, Site],
    by_day: _Days,
    period: Period,
) -> Decimal:
    """What the host's settlement comes to. Raises NoRevenueShare."""
    last = versions.at(period.last_day)
    if last is None or not last.revenue_shares.all():
        return ZERO
    terms = HostTerms(host, last, SettledMonths({}), versions)
    first, end = host.starts_on, min(period.end, host.ends_on or period.end)
    own: dict[tuple[int, ShareTerms], ShareBase] = defaultdict(lambda: _NOTHING)
    running: dict[tuple[int, ShareTerms], ShareBase] = defaultdict(lambda: _NOTHING)
    for (site_id, day), base in by_day.items():
        if site_id in sites and first <= day < end:
            share = terms.at(sites[site_id], day)
            if not share.is_monthly:
                running[site_id, share] += base
            elif day >= period.start:
                own[site_id, share] += base
    net = add(session_share(share, base, host.currency) for (_site, share), base in running.items())
    return net + add(_month_dues(host, sites, terms, own, month_of(period.start)))


def _month_dues(
    host: Contract,
    sites: Mapping[int, Site],
    terms: HostTerms,
    own: Mapping[tuple[int, ShareTerms], ShareBase],
    month: Period,
) -> Iterator[Decimal]:
    """What the shares that are reckoned on the month as a whole come to."""
    days = (month.end - month.start).days
    for site in sites.values():
        for share, spans in terms.in_month(site, month.start).items():
            if share.is_monthly:
                base = own.get((site.pk, share), _NOTHING)
                metered = share.kind == Share.COST
                energy = metered_wh(host, [(site.pk, spans)])[site.pk, spans] if metered else base.paid_wh
                yield month_due(share, MonthTotals(base.net, energy, days_in(spans), days), host.currency)
