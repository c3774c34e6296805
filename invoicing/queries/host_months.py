"""What was settled of a host's months before, and the energy metered at his sites."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import batched
from typing import Any

from django.db.models import Exists, OuterRef, Q, Sum

from contracts.models import Contract
from contracts.rules.shares import Share, ShareTerms
from evbilling.kernel.clock import Period, month_of, start_of_day
from invoicing.models import BilledCharge, BillingRunItem, ChargeUse, Invoice, InvoiceKind, InvoiceLine, LineKind
from invoicing.queries.cancelled import released
from invoicing.queries.charges import ChargeRow, charge_rows
from invoicing.queries.due import HOSTS_STAY_DUE
from invoicing.rules.sharing import Days
from sessions.models import ChargingSession, Hold, HoldKind, HoldState, SessionCharge, SessionState

SHARE_LINES = (LineKind.REVENUE_SHARE, LineKind.RENT, LineKind.COST)
_CHUNK = 40


@dataclass(frozen=True, slots=True)
class MonthKey:
    """A site's calendar month (its first day) under one set of terms."""

    site_id: int
    month: dt.date
    terms: ShareTerms


@dataclass(slots=True)
class Settled:
    """What earlier lines settled of it; `spans` are the days on which the terms held."""

    spans: tuple[Days, ...] = ()
    net: Decimal = Decimal(0)
    energy_wh: int = 0


@dataclass(frozen=True, slots=True)
class SettledMonths:
    """`months`: those that a settlement of the contract was made for, and when; `by_key` what their monthly shares
    came to."""

    months: Mapping[dt.date, dt.datetime]
    by_key: Mapping[MonthKey, Settled] = field(default_factory=dict)


def figures_of(terms: ShareTerms) -> dict[str, Any]:
    """The figures of a share as a line keeps them."""
    figures = {"percent": terms.percent, "per_kwh": terms.per_kwh, "rent": terms.rent}
    kept = {name: format(value.normalize(), "f") for name, value in figures.items() if value is not None}
    return {"share": terms.kind.value} | kept


def terms_in(because: Mapping[str, Any]) -> ShareTerms:
    """The share that a line was reckoned from."""
    percent, per_kwh, rent = (
        Decimal(because[name]) if name in because else None for name in ("percent", "per_kwh", "rent")
    )
    return ShareTerms(Share(because["share"]), percent, per_kwh, rent)


def settled_months(contract: Contract) -> SettledMonths:
    """From the lines of the contract's settlements, drafts included: what a credited one settled is not due again by
    itself, as its sessions are not; one that was cancelled to be issued again settled nothing. Two queries.
    """
    made = Invoice.objects.filter(~released("pk"), contract=contract, kind=InvoiceKind.SETTLEMENT)
    months: dict[dt.date, dt.datetime] = {}
    for start, made_at in made.order_by("created_at", "pk").values_list("period_from", "created_at"):
        months.setdefault(month_of(start).start, made_at)
    by_key: dict[MonthKey, Settled] = defaultdict(Settled)
    lines = InvoiceLine.objects.filter(invoice__in=made, kind__in=SHARE_LINES).order_by("pk")
    for because, net, made_at in lines.values_list("because", "net_amount", "invoice__created_at"):
        if "month" not in because:
            continue
        month = dt.date.fromisoformat(because["month"])
        months[month] = min(made_at, months.get(month, made_at))
        one = by_key[MonthKey(because["site"], month, terms_in(because))]
        one.spans = tuple((dt.date.fromisoformat(a), dt.date.fromisoformat(b)) for a, b in because["days"])
        one.net += net
        one.energy_wh = because["energy_wh"]
    return SettledMonths(months, dict(by_key))


def missed_months(contract: Contract, period: Period) -> set[dt.date]:
    """Earlier months, a year back, that a billing run looked at this host for: he may not have been settled then."""
    items = BillingRunItem.objects.filter(
        contract=contract, run__period_from__lt=period.start, run__period_from__gte=period.start - HOSTS_STAY_DUE
    )
    return {month_of(start).start for start in items.values_list("run__period_from", flat=True)}


def settled_rows(contract: Contract, use: ChargeUse, sites: Collection[int], first: dt.date) -> Iterator[ChargeRow]:
    """What lines of this host's settlements used so, of sessions at these sites since a local day; two queries."""
    used = BilledCharge.objects.filter(
        use=use,
        line__invoice__contract=contract,
        charge__session__site__in=sites,
        charge__session__ended_at__gte=start_of_day(first, contract.zone),
    )
    parts = list(used.order_by("pk").values_list("charge_id", "net_amount"))
    rows = {
        row.charge_id: row
        for ids in batched(sorted({charge_id for charge_id, _net in parts}), 5000)
        for row in charge_rows(SessionCharge.objects.filter(pk__in=ids))
    }
    for charge_id, net in parts:
        row = rows[charge_id]
        yield row if net is None else replace(row, net=net, is_part=True)


def shared_under(contract: Contract, charge_ids: Collection[int]) -> dict[int, ShareTerms]:
    """The terms of the line that shared each of these charges with the host."""
    found: dict[int, ShareTerms] = {}
    for ids in batched(sorted(charge_ids), 5000):
        rows = BilledCharge.objects.filter(
            charge__in=ids, use=ChargeUse.SHARED, line__invoice__contract=contract
        ).values_list("charge_id", "line__because")
        found |= {charge_id: terms_in(because) for charge_id, because in rows.order_by("pk") if "share" in because}
    return found


def metered_wh(
    contract: Contract, wanted: Iterable[tuple[int, tuple[Days, ...]]]
) -> dict[tuple[int, tuple[Days, ...]], int]:
    """Energy metered per site and days (local to the contract's zone), in Wh.

    Counted is every completed session that ended there on those days, whoever pays and whatever it costs: free ones
    and excluded ones too. Not counted are replaced revisions, sessions that still wait for a person (they count once
    decided), and those rejected as duplicates, whose energy flowed once.
    """
    unclear = Hold.objects.filter(Q(state=HoldState.OPEN) | Q(state=HoldState.REJECTED, kind=HoldKind.DUPLICATE))
    rows = ChargingSession.objects.filter(
        ~Exists(unclear.filter(session=OuterRef("pk"))), state=SessionState.COMPLETED, superseded_at__isnull=True
    ).order_by()
    wanted = list(dict.fromkeys(wanted))
    found: dict[tuple[int, tuple[Days, ...]], int] = {}
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        sums = {
            f"wh{place}": Sum("energy_wh", filter=Q(site=site) & _on(spans, contract.zone))
            for place, (site, spans) in enumerate(chunk)
        }
        days = [day for _site, spans in chunk for span in spans for day in span]
        whole = _on(((min(days), max(days)),), contract.zone)
        totals = rows.filter(whole, site__in={site for site, _spans in chunk}).aggregate(**sums)
        found |= {each: totals[f"wh{place}"] or 0 for place, each in enumerate(chunk)}
    return found


def _on(spans: tuple[Days, ...], zone: str) -> Q:
    inside = Q(pk__in=[])
    for first, last in spans:
        inside |= Q(ended_at__gte=start_of_day(first, zone), ended_at__lt=start_of_day(last, zone))
    return inside
