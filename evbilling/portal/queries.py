"""The figures of the home pages: what a company's month cost and brought, always its own rows alone (README.md)."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from contracts.models import Contract, Party
from evbilling.access.models import User
from evbilling.access.scope import visible
from evbilling.kernel.clock import Period, local_date
from evbilling.kernel.fields import AmountField, amount_sum
from evbilling.kernel.money import ZERO, add, quantise
from invoicing.models import CLAIMS, Invoice, InvoiceKind, InvoiceState
from invoicing.queries.documents import open_amount, with_open_amount
from sessions.models import ChargeRole, ChargingSession, Hold, HoldState, SessionCharge, SessionState
from sessions.queries.sponsored_parts import Split, SponsoredPart, sponsored_parts
from sessions.queries.sponsors import SponsorBook
from sessions.rules.sharing import CUSTOMER, share_parts


@dataclass(frozen=True, slots=True)
class Figure:
    """One session with the part of its price that is the company's; `cost` is None while there is no price."""

    day: dt.date
    energy_wh: int
    cost: Decimal | None
    estimated: bool
    vehicle: tuple[str, str]
    driver: tuple[str, str]
    cost_centre: tuple[str, str]


@dataclass(slots=True)
class Total:
    """Sums over sessions; the average price speaks of the priced ones alone."""

    sessions: int = 0
    energy_wh: int = 0
    cost: Decimal = ZERO
    priced_wh: int = 0
    estimated: int = 0
    unpriced: int = 0

    def add(self, energy_wh: int, cost: Decimal | None, *, estimated: bool = False) -> None:
        """Count one session."""
        self.sessions += 1
        self.energy_wh += energy_wh
        if cost is None:
            self.unpriced += 1
            return
        self.cost += cost
        self.priced_wh += energy_wh
        self.estimated += estimated

    @property
    def unit_price(self) -> Decimal | None:
        """The average price of a kWh with three decimals; None without priced energy."""
        if not self.priced_wh:
            return None
        return (self.cost * 1000 / self.priced_wh).quantize(Decimal("0.001"))


@dataclass(frozen=True, slots=True)
class Group:
    """The sessions of one vehicle, driver, cost centre or site; `key` is what the session list is filtered by."""

    key: str
    label: str
    total: Total


@dataclass(frozen=True, slots=True)
class Month:
    """A month of figures in one currency beside the month before."""

    period: Period
    currency: str
    total: Total
    before: Total
    per_day: Mapping[dt.date, int]
    figures: Sequence[Figure] = field(default_factory=tuple)

    def grouped(self, dimension: str) -> list[Group]:
        """The month by `vehicle`, `driver` or `cost_centre`, the dearest first."""
        totals: dict[tuple[str, str], Total] = defaultdict(Total)
        for each in self.figures:
            totals[getattr(each, dimension)].add(each.energy_wh, each.cost, estimated=each.estimated)
        groups = [Group(key, label, total) for (key, label), total in totals.items()]
        return sorted(groups, key=lambda group: (-group.total.cost, -group.total.energy_wh, group.label))


@dataclass(frozen=True, slots=True)
class Payables:
    """What is still to be paid in one currency, and the document to pay first."""

    currency: str
    amount: Decimal
    count: int
    first: Invoice | None


@dataclass(frozen=True, slots=True)
class Books:
    """The contracts behind a company's sessions: their zones, currencies, and when the last session ended."""

    zones: frozenset[str]
    currencies: tuple[str, ...]
    last_on: dt.date | None


def books_of(party: Party, user: User) -> Books:
    """What a company's contracts say about time and currency. One query."""
    last = ChargingSession.objects.filter(
        contract=OuterRef("pk"), superseded_at__isnull=True, state=SessionState.COMPLETED
    ).order_by("-ended_at")
    rows = list(
        visible(Contract.objects.filter(party=party), user)
        .annotate(last_at=Subquery(last.values("ended_at")[:1]))
        .order_by("pk")
        .values_list("zone", "currency", "last_at")
    )
    days = [local_date(at, zone) for zone, _currency, at in rows if at is not None]
    known = dict.fromkeys(currency for _zone, currency, _at in rows)
    currencies = sorted(known, key=lambda code: code != party.currency)
    return Books(frozenset(zone for zone, _currency, _at in rows), tuple(currencies), max(days, default=None))


def fleet_month(party: Party, user: User, period: Period, currency: str, zones: Iterable[str]) -> Month:
    """What a company's sessions of a month cost it, beside the month before. At most four queries.

    One row a session, added up here: SQLite would add the amounts in binary.
    """
    earlier = period.previous_month()
    total, before = Total(), Total()
    per_day: dict[dt.date, int] = defaultdict(int)
    figures: list[Figure] = []
    for each in _figures(_paid_sessions(party, user, currency, zones, Period(earlier.start, period.end))):
        if each.day in period:
            figures.append(each)
            per_day[each.day] += each.energy_wh
        (total if each.day in period else before).add(each.energy_wh, each.cost, estimated=each.estimated)
    return Month(period, currency, total, before, per_day, figures)


def _paid_sessions(
    party: Party, user: User, currency: str, zones: Iterable[str], period: Period
) -> QuerySet[ChargingSession]:
    """The company's completed sessions; one that a person rejected costs nothing unless it was billed before."""
    rejected = Hold.objects.filter(session=OuterRef("pk"), state=HoldState.REJECTED)
    charged = SessionCharge.objects.filter(session=OuterRef("pk"), contract=OuterRef("contract"))
    return visible(ChargingSession.objects.all(), user).filter(
        _ended_in(period, zones, "contract__zone"),
        Exists(charged) | ~Exists(rejected),
        contract__party=party,
        contract__currency=currency,
        superseded_at__isnull=True,
        state=SessionState.COMPLETED,
    )


def _ended_in(period: Period, zones: Iterable[str], path: str, end: str = "ended_at") -> Q:
    """Sessions that ended in the period by the calendar of their zone."""
    wanted = Q(pk__in=[])
    for zone in sorted(set(zones)):
        first, last = period.instants(zone)
        wanted |= Q(**{path: zone, f"{end}__gte": first, f"{end}__lt": last})
    return wanted


_COLUMNS = (
    "pk",
    "contract_id",
    "provider_ref",
    "ended_at",
    "started_at",
    "energy_wh",
    "contract__zone",
    "contract__currency",
    "own_charge",
    "price_amount",
    "site_id",
    "vehicle_id",
    "vehicle__label",
    "token__driver_name",
    "token_ref",
    "cost_centre_id",
    "cost_centre__code",
    "cost_centre__name",
)


def _figures(sessions: QuerySet[ChargingSession]) -> Iterator[Figure]:
    charges = (
        SessionCharge.objects.filter(session=OuterRef("pk"), contract=OuterRef("contract"))
        .order_by()
        .values("session")
        .annotate(total=amount_sum(Coalesce("gross_amount", "net_amount")))
        .values("total")
    )
    named = sessions.annotate(
        own_charge=Subquery(charges, output_field=AmountField()),
        price_amount=Coalesce("price__gross_amount", "price__net_amount"),
    )
    rows = [dict(zip(_COLUMNS, values, strict=True)) for values in named.order_by().values_list(*_COLUMNS)]
    waiting = [
        row
        for row in rows
        if row["own_charge"] is None and row["price_amount"] is not None and row["vehicle_id"] is not None
    ]
    sponsors = SponsorBook({row["vehicle_id"] for row in waiting}) if waiting else None
    parts = sponsored_parts([_split(row) for row in waiting], sponsors) if sponsors else {}
    for row in rows:
        cost, estimated = _cost(row, parts.get(row["pk"]))
        yield Figure(
            day=local_date(row["ended_at"], row["contract__zone"]),
            energy_wh=row["energy_wh"],
            cost=cost,
            estimated=estimated,
            vehicle=(str(row["vehicle_id"] or ""), row["vehicle__label"] or ""),
            driver=(row["token__driver_name"] or "", row["token__driver_name"] or ""),
            cost_centre=(
                str(row["cost_centre_id"] or ""),
                f"{row['cost_centre__code'] or ''} {row['cost_centre__name'] or ''}".strip(),
            ),
        )


def _split(row: Mapping[str, Any]) -> Split:
    currency = row["contract__currency"]
    return Split(
        session_id=row["pk"],
        vehicle_id=row["vehicle_id"],
        contract_id=row["contract_id"],
        site_id=row["site_id"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        ref=row["provider_ref"],
        energy_wh=row["energy_wh"],
        parts=[(None, quantise(row["price_amount"], currency))],
        currency=currency,
    )


def _cost(row: Mapping[str, Any], part: SponsoredPart | None) -> tuple[Decimal | None, bool]:
    """The own charge; not yet split, the price less what the sponsor will pay (estimated); None without a price."""
    if row["own_charge"] is not None:
        return quantise(row["own_charge"], row["contract__currency"]), False
    if row["price_amount"] is None:
        return None, False
    price = quantise(row["price_amount"], row["contract__currency"])
    shares = share_parts(
        [(None, price)],
        sponsor_percent=part.percent if part else None,
        sponsor_most=part.most if part else None,
        currency=row["contract__currency"],
    )
    return add(share.amount for share in shares if share.role == CUSTOMER), True


def sponsored_month(party: Party, user: User, period: Period, currency: str, zones: Iterable[str]) -> Month:
    """What a manufacturer pays of its sponsored vehicles' sessions, as far as it was split. One query."""
    earlier = period.previous_month()
    total, before = Total(), Total()
    per_day: dict[dt.date, int] = defaultdict(int)
    figures: list[Figure] = []
    whole = Period(earlier.start, period.end)
    charges = visible(SessionCharge.objects.all(), user).filter(
        _ended_in(whole, zones, "contract__zone", "session__ended_at"),
        role=ChargeRole.SPONSOR,
        contract__party=party,
        currency=currency,
    )
    rows = charges.order_by().values_list(
        "session_id",
        "session__ended_at",
        "session__energy_wh",
        "contract__zone",
        "net_amount",
        "session__vehicle_id",
        "session__vehicle__label",
    )
    amounts: dict[int, Decimal] = defaultdict(Decimal)
    facts: dict[int, tuple[Any, ...]] = {}
    for session_id, ended_at, energy_wh, zone, net, vehicle_id, label in rows:
        amounts[session_id] += net
        facts[session_id] = (ended_at, energy_wh, zone, vehicle_id, label)
    for session_id, (ended_at, energy_wh, zone, vehicle_id, label) in facts.items():
        day, cost = local_date(ended_at, zone), quantise(amounts[session_id], currency)
        (total if day in period else before).add(energy_wh, cost)
        if day in period:
            per_day[day] += energy_wh
            vehicle = (str(vehicle_id or ""), label or "")
            figures.append(Figure(day, energy_wh, cost, False, vehicle, ("", ""), ("", "")))
    return Month(period, currency, total, before, per_day, figures)


def last_sponsored_on(party: Party, user: User, zone: str) -> dt.date | None:
    """The day of the last session that a manufacturer paid for."""
    charges = visible(SessionCharge.objects.all(), user).filter(role=ChargeRole.SPONSOR, contract__party=party)
    last = charges.aggregate(last=Max("session__ended_at"))["last"]
    return local_date(last, zone) if last else None


def own_site_zones(party: Party) -> list[tuple[str, dt.date | None]]:
    """The zones of a property owner's sites with the day of the last session in each. One query."""
    rows = (
        party.owned_sites.order_by()
        .values("zone")
        .annotate(last=Max("sessions__ended_at", filter=Q(sessions__state=SessionState.COMPLETED)))
        .values_list("zone", "last")
    )
    return [(zone, local_date(last, zone) if last else None) for zone, last in rows]


def hosted_month(party: Party, user: User, period: Period, zones: Iterable[str]) -> tuple[Month, list[Group]]:
    """Sessions and energy at a property owner's sites, and the same by site. What they cost others is not read."""
    earlier = period.previous_month()
    whole = Period(earlier.start, period.end)
    sessions = visible(ChargingSession.objects.all(), user).filter(
        _ended_in(whole, zones, "site__zone"),
        site__owner=party,
        superseded_at__isnull=True,
        state=SessionState.COMPLETED,
    )
    total, before = Total(), Total()
    per_day: dict[dt.date, int] = defaultdict(int)
    sites: dict[tuple[str, str], Total] = defaultdict(Total)
    rows = sessions.order_by().values_list("ended_at", "energy_wh", "site_id", "site__name", "site__zone")
    for ended_at, energy_wh, site_id, name, zone in rows:
        assert ended_at is not None  # noqa: S101 - the filter asks for an end
        day = local_date(ended_at, zone)
        (total if day in period else before).add(energy_wh, None)
        if day in period:
            per_day[day] += energy_wh
            sites[str(site_id), name].add(energy_wh, None)
    groups = [Group(key, label, each) for (key, label), each in sites.items()]
    groups.sort(key=lambda group: (-group.total.energy_wh, group.label))
    return Month(period, party.currency, total, before, per_day), groups


def payables(documents: QuerySet[Invoice], currency: str) -> Payables:
    """What is open on a company's invoices in one currency; the first is the one that is due soonest. One query."""
    issued = documents.filter(kind__in=CLAIMS, state=InvoiceState.ISSUED, currency=currency)
    left = with_open_amount(issued).filter(is_credited=False, open_amount__gt=ZERO)
    unpaid = list(left.select_related("operator").order_by("due_on", "pk"))
    return Payables(currency, add(open_amount(each) for each in unpaid), len(unpaid), unpaid[0] if unpaid else None)


def settled_in(documents: QuerySet[Invoice], period: Period, currency: str) -> Decimal:
    """The net of a property owner's settlements for a month, without those that were credited. One query."""
    rows = with_open_amount(
        documents.filter(
            kind=InvoiceKind.SETTLEMENT, period_from__gte=period.start, period_from__lt=period.end, currency=currency
        )
    ).filter(is_credited=False)
    return quantise(add(rows.values_list("net_amount", flat=True)), currency)
