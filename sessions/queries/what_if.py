"""What a month of real sessions would have cost under another tariff version, released or still a draft. Reads only.

Both prices come from the one engine: the frozen one as it stands, the other by Pricer.quote_under with the session's
own terms, so that under the tariff version that priced a session the difference is exactly nothing (I4).
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Max, Q, QuerySet
from django.utils.translation import gettext as _

from contracts import queries as contract_queries
from contracts.models import Contract, ContractVersion, Site, TariffVersion, Vehicle
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import BadInput, require
from evbilling.kernel.money import ZERO
from sessions.models import ChargingSession, SessionPrice, SessionState
from sessions.queries.pricing import Pricer

MOST_SESSIONS = 250_000
"""One question asks about so many sessions at most; they are priced while a person waits."""
CHUNK = 2000
_READ = (
    "pk",
    "provider_ref",
    "contract_id",
    "vehicle_id",
    "site_id",
    "started_at",
    "ended_at",
    "energy_wh",
    "periods",
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which sessions are priced again: those that ended in the period, in their contract's zone.

    Without `contract_id` those of all contracts; `of_tariff` leaves those that a version of this tariff prices today.
    """

    period: Period
    contract_id: int | None = None
    of_tariff: int | None = None

    def sessions(self) -> QuerySet[ChargingSession]:
        """Current completed sessions of the scope, with or without a price."""
        contracts = Contract.objects.all()
        if self.contract_id is not None:
            contracts = contracts.filter(pk=self.contract_id)
        inside = Q(pk__in=[])
        for zone in set(contracts.order_by().values_list("zone", flat=True).distinct()):
            start, end = self.period.instants(zone)
            inside |= Q(contract__zone=zone, ended_at__gte=start, ended_at__lt=end)
        found = ChargingSession.objects.filter(inside, superseded_at__isnull=True, state=SessionState.COMPLETED)
        return found if self.contract_id is None else found.filter(contract=self.contract_id)

    def prices(self) -> QuerySet[SessionPrice]:
        """The frozen prices of the scope."""
        prices = SessionPrice.objects.filter(session__in=self.sessions().order_by().values("pk"))
        return prices if self.of_tariff is None else prices.filter(tariff_version__tariff=self.of_tariff)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One session: its price now and then, net in the contract's currency; or the problem, a sentence, and no price."""

    session_id: int
    provider_ref: str
    contract_id: int
    vehicle_id: int | None
    energy_wh: int
    ended_at: dt.datetime
    now_amount: Decimal
    then_amount: Decimal | None
    problem: str = ""


@dataclass(slots=True)
class Figures:
    """Sums of sessions that have both prices: how many, their Wh, net now and then. Exact: nothing is rounded here."""

    sessions: int = 0
    energy_wh: int = 0
    now_amount: Decimal = ZERO
    then_amount: Decimal = ZERO

    @property
    def difference_amount(self) -> Decimal:
        """What would be charged more; negative where it would be less."""
        return self.then_amount - self.now_amount

    @property
    def share(self) -> Decimal | None:
        """The difference as a share of the price now (0.05 for 5 %); None where nothing was charged."""
        return self.difference_amount / self.now_amount if self.now_amount else None

    def take(self, energy_wh: int, now_amount: Decimal, then_amount: Decimal) -> None:
        """Add one session."""
        self.sessions += 1
        self.energy_wh += energy_wh
        self.now_amount += now_amount
        self.then_amount += then_amount


@dataclass(frozen=True, slots=True)
class VehicleRow:
    """A vehicle's sessions under one contract; `vehicle_id` is None for sessions of no known vehicle."""

    contract_id: int
    contract_number: str
    vehicle_id: int | None
    vehicle: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class ContractRow:
    """A contract's sessions."""

    contract_id: int
    number: str
    party: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer: sessions of the scope = compared + refused + without a price today.

    `currency` is the tariff's; a contract in another one cannot be priced under it, so all amounts share it.
    """

    scope: Scope
    currency: str
    total: Figures
    contracts: tuple[ContractRow, ...]
    vehicles: tuple[VehicleRow, ...]
    refused: tuple[Comparison, ...]
    without_price: int
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def changes(self) -> bool:
        """Whether any amount would be another."""
        return any(row.figures.difference_amount for row in self.vehicles)


@dataclass(slots=True)
class _Sums:
    total: Figures = field(default_factory=Figures)
    contracts: dict[int, Figures] = field(default_factory=dict)
    vehicles: dict[tuple[int, int | None], Figures] = field(default_factory=dict)
    refused: list[Comparison] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, row: Comparison) -> None:
        if row.then_amount is None:
            self.refused.append(row)
            self.reasons[row.problem] += 1
            return
        contract = self.contracts.setdefault(row.contract_id, Figures())
        vehicle = self.vehicles.setdefault((row.contract_id, row.vehicle_id), Figures())
        for figures in (self.total, contract, vehicle):
            figures.take(row.energy_wh, row.now_amount, row.then_amount)


def count_prices(scope: Scope) -> tuple[int, int]:
    """How many frozen prices the scope has, and the key of the newest: both change when a session is priced again.

    Raises BadInput for more than one question may ask about.
    """
    found = scope.prices().aggregate(count=Count("pk"), newest=Max("pk"))
    require(
        found["count"] <= MOST_SESSIONS,
        BadInput("period", scope.period.code, _("It holds too many sessions for one question; choose one contract.")),
    )
    return found["count"], found["newest"] or 0


def compare(scope: Scope, tariff_version: TariffVersion) -> Iterator[Comparison]:
    """Each priced session of the scope in the order of its key, now and under the tariff version; constant queries."""
    pricer = Pricer(contract_queries)
    sites = Site.objects.only("pk", "zone").in_bulk()
    contracts = Contract.objects.select_related("party").in_bulk()
    versions: dict[int, ContractVersion] = {}
    prices = scope.prices().order_by("session_id").values_list("session_id", "contract_version_id", "net_amount")
    for rows in _batches(prices):
        known = {session_id: (version_id, net) for session_id, version_id, net in rows}
        missing = {version_id for version_id, _net in known.values()} - versions.keys()
        versions |= ContractVersion.objects.prefetch_related("terms").in_bulk(missing) if missing else {}
        for session in ChargingSession.objects.filter(pk__in=known).only(*_READ).order_by("pk"):
            version_id, net = known[session.pk]
            version = versions[version_id]
            session.contract = version.contract = contracts[version.contract_id]
            session.site = sites[session.site_id] if session.site_id is not None else None
            quote = pricer.quote_under(session, version, tariff_version)
            yield Comparison(
                session.pk,
                session.provider_ref,
                version.contract_id,
                session.vehicle_id,
                session.energy_wh,
                session.ended_at or session.started_at,
                net,
                quote.priced.net if quote.priced else None,
                quote.problem,
            )


def what_if(scope: Scope, tariff_version: TariffVersion) -> WhatIf:
    """The sums per contract and vehicle, the largest changes first, and the sessions that cannot be priced.

    Raises BadInput for a scope that is too large.
    """
    priced, _newest = count_prices(scope)
    sums = _Sums()
    for row in compare(scope, tariff_version):
        sums.add(row)
    without = 0 if scope.of_tariff is not None else scope.sessions().count() - priced
    contracts = Contract.objects.select_related("party").in_bulk(sums.contracts.keys())
    labels = _labels({vehicle for _contract, vehicle in sums.vehicles if vehicle is not None})
    return WhatIf(
        scope=scope,
        currency=tariff_version.tariff.currency,
        total=sums.total,
        contracts=tuple(
            ContractRow(pk, contracts[pk].number, str(contracts[pk].party), figures)
            for pk, figures in _largest_first(sums.contracts.items())
        ),
        vehicles=tuple(
            VehicleRow(key[0], contracts[key[0]].number, key[1], labels.get(key[1], ""), figures)
            for key, figures in _largest_first(sums.vehicles.items())
        ),
        refused=tuple(sums.refused),
        without_price=without,
        reasons=tuple(sums.reasons.most_common()),
    )


def _largest_first[K](items: Iterable[tuple[K, Figures]]) -> list[tuple[K, Figures]]:
    """By the size of the difference, then of the price now; equal ones stay in the order of their keys' first use."""
    return sorted(items, key=lambda item: (-abs(item[1].difference_amount), -item[1].now_amount))


def _labels(vehicle_ids: set[int]) -> dict[int | None, str]:
    found: dict[int | None, str] = {}
    wanted = sorted(vehicle_ids)
    for start in range(0, len(wanted), CHUNK):
        rows = Vehicle.objects.filter(pk__in=wanted[start : start + CHUNK])
        found |= dict(rows.values_list("pk", "label"))
    return found


def _batches[R](rows: QuerySet[SessionPrice, R]) -> Iterator[list[R]]:
    batch: list[R] = []
    for row in rows.iterator(chunk_size=CHUNK):
        batch.append(row)
        if len(batch) == CHUNK:
            yield batch
            batch = []
    if batch:
        yield batch
