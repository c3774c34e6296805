"""What sponsors pay of sessions, promises with a limit included.

A percentage stands for itself. The first kWh of a vehicle's month, and a budget, are used up in the order of session
end, then reference: so all sessions that share the limit are looked at together, those of other customers too, and
what one gets does not depend on whose document is drafted first (sessions.rules.sharing.allot).

    the limit of          is shared by the sponsor contract's sessions that ended in
    first_kwh             the same calendar month of its zone, of the same vehicle
    budget of a month     the same calendar month of its zone
    budget of a contract  its whole life

A session with a charge is settled: it keeps what it was given. One that waits for a person, or has no price yet, is
not in the queue; later it takes what is left of its month, as one that was reported late.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from contracts.models import Contract, ContractKind, ContractVersion, SponsoredVehicle
from contracts.queries import IN_FORCE, version_on
from contracts.rules.shares import BudgetSpan, Sponsor, SponsorTerms
from evbilling.kernel.clock import local_date, month_of
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import add, from_minor, quantise, to_minor
from sessions.models import ChargeRole, ChargingSession, Hold, HoldState, SessionCharge, SessionPrice, SessionState
from sessions.queries.sponsors import SponsorBook, Sponsored
from sessions.rules.sharing import SPONSOR, Claim, allot, covered_percent, share_parts

Parts = Sequence[tuple[Decimal | None, Decimal]]
CHUNK = 2000
_COLUMNS = (
    "vehicle_id",
    "contract_id",
    "site_id",
    "started_at",
    "ended_at",
    "provider_ref",
    "energy_wh",
    "price__parts",
    "price__currency",
)


@dataclass(frozen=True, slots=True)
class Split:
    """A priced session whose parts are asked for; `parts` are (VAT rate, amount) of its price, in its own basis."""

    session_id: int
    vehicle_id: int | None
    contract_id: int | None
    site_id: int | None
    started_at: dt.datetime
    ended_at: dt.datetime
    ref: str
    energy_wh: int
    parts: Parts
    currency: str


@dataclass(frozen=True, slots=True)
class SponsoredPart:
    """What a sponsor pays of one session: `percent` of the price at each VAT rate, at most `most` in all.

    `covered_wh`: the energy of the session that counts against the kWh of its vehicle and month.
    """

    sponsored: Sponsored
    percent: Decimal | Fraction
    most: Decimal | None = None
    covered_wh: int | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether the limit was used up before this session."""
        return self.covered_wh == 0 or self.most == 0


@dataclass(frozen=True, slots=True)
class Pool:
    """Whose sessions share one limit. `first` and `last` are the half-open instants; none: the contract's life."""

    contract_id: int
    kind: Sponsor
    vehicle_id: int | None = None
    first: dt.datetime | None = None
    last: dt.datetime | None = None


def parts_of_price(data: Iterable[Mapping[str, Any]]) -> list[tuple[Decimal | None, Decimal]]:
    """(VAT rate, amount) from the `parts` of a SessionPrice: the gross where the price includes tax, else the net."""
    return [
        (None if each["vat_rate"] is None else Decimal(each["vat_rate"]), Decimal(each.get("gross", each["net"])))
        for each in data
    ]


def split_of(price: SessionPrice) -> Split:
    """A price with its session loaded, as the question who sponsors it."""
    session = price.session
    assert session.ended_at is not None  # noqa: S101 - what has a price is completed
    return Split(
        session_id=session.pk,
        vehicle_id=session.vehicle_id,
        contract_id=session.contract_id,
        site_id=session.site_id,
        started_at=session.started_at,
        ended_at=session.ended_at,
        ref=session.provider_ref,
        energy_wh=session.energy_wh,
        parts=parts_of_price(price.parts),
        currency=price.currency,
    )


def pool_of(contract_id: int, zone: str, terms: SponsorTerms, vehicle_id: int | None, ended_at: dt.datetime) -> Pool:
    """The pool whose limit a session draws on."""
    if terms.kind == Sponsor.BUDGET and terms.span == BudgetSpan.CONTRACT:
        return Pool(contract_id, terms.kind)
    first, last = month_of(local_date(ended_at, zone)).instants(zone)
    return Pool(contract_id, terms.kind, vehicle_id if terms.kind == Sponsor.FIRST_KWH else None, first, last)


def limit_of(terms: SponsorTerms, currency: str) -> int:
    """The limit in Wh, or in minor units of the budget's currency."""
    return to_minor(terms.budget or Decimal(0), currency) if terms.kind == Sponsor.BUDGET else terms.limit_wh or 0


def sponsor_for(split: Split, sponsors: SponsorBook) -> Sponsored | None:
    """Who sponsors a session; nobody where the sponsor's is the contract that pays for it anyway."""
    found = sponsors.sponsor_of(split.vehicle_id, split.started_at, site_id=split.site_id)
    return None if found is None or found.contract.pk == split.contract_id else found


def sponsored_parts(splits: Sequence[Split], sponsors: SponsorBook) -> dict[int, SponsoredPart]:
    """What sponsors pay of these sessions, by session id; of every session in the queue of a limit that they touch.

    At most eight queries however many sessions there are. An operation that writes holds the locks of the limited
    sponsors' contracts (`limited_contracts`) before it asks.
    """
    found: dict[int, SponsoredPart] = {}
    queue: dict[Pool, dict[int, tuple[Split, Sponsored]]] = defaultdict(dict)
    for split in splits:
        sponsored = sponsor_for(split, sponsors)
        if sponsored is None:
            continue
        if sponsored.terms.is_limited:
            queue[_pool(split, sponsored)][split.session_id] = (split, sponsored)
        else:
            found[split.session_id] = SponsoredPart(sponsored, sponsored.percent)
    if not queue:
        return found
    _join(queue, {split.session_id for split in splits})
    standing = _standing(queue)
    for pool, members in queue.items():
        found |= _grants(pool, members, standing[pool])
    return found


def _join(queue: dict[Pool, dict[int, tuple[Split, Sponsored]]], known: Collection[int]) -> None:
    """Put every other session that waits into the queue of its pool, where that is asked about."""
    others = [each for each in _waiting(queue) if each.session_id not in known]
    book = SponsorBook({each.vehicle_id for each in others if each.vehicle_id is not None})
    for other in others:
        sponsored = sponsor_for(other, book)
        if sponsored is not None and sponsored.terms.is_limited and sponsored.contract.currency == other.currency:
            pool = _pool(other, sponsored)
            if pool in queue:
                queue[pool][other.session_id] = (other, sponsored)


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """How much of a sponsor's budget is used, sessions that no document has yet included; major units.

    `used_up_at`: the end of the session that took the last of it; from then on the customers pay all.
    """

    contract: Contract
    terms: SponsorTerms
    budget: Decimal
    used: Decimal
    used_up_at: dt.datetime | None = None

    @property
    def used_up_day(self) -> dt.date | None:
        """The same as a local day of the contract."""
        return local_date(self.used_up_at, self.contract.zone) if self.used_up_at else None

    @property
    def percent(self) -> int:
        """Whole percent used, rounded down: 100 only when nothing is left."""
        return int(self.used * 100 / self.budget)

    @property
    def is_alert(self) -> bool:
        """Whether as much is used as the contract wants to be told about, or all of it."""
        alert = self.terms.alert_percent
        return self.used_up_at is not None or (alert is not None and self.used * 100 >= self.budget * alert)


def budget_used(pool: Pool) -> Decimal:
    """What documents and drafts hold of a budget: of prices that include tax the gross, for that was split."""
    rows = SessionCharge.objects.filter(
        role=ChargeRole.SPONSOR, contract=pool.contract_id, sponsor_version__sponsorship__kind=pool.kind
    )
    if pool.first is not None and pool.last is not None:
        rows = rows.filter(session__ended_at__gte=pool.first, session__ended_at__lt=pool.last)
    used: Decimal | None = rows.aggregate(used=amount_sum(Coalesce("gross_amount", "net_amount")))["used"]
    return used or Decimal(0)


def budget_use(contract: Contract, at: dt.datetime) -> BudgetUse | None:
    """The use of the budget that holds at an instant (a monthly one: of its month); None without a budget."""
    version = version_on(contract, local_date(at, contract.zone))
    terms = version.sponsorship.terms if version is not None and hasattr(version, "sponsorship") else None
    if terms is None or terms.kind != Sponsor.BUDGET or terms.budget is None:
        return None
    pool = pool_of(contract.pk, contract.zone, terms, None, at)
    queue: dict[Pool, dict[int, tuple[Split, Sponsored]]] = {pool: {}}
    _join(queue, ())
    claims = _claims(pool, queue[pool], _standing([pool])[pool])
    granted = allot([claim for _key, claim in claims])
    used, limit = sum(granted), limit_of(terms, contract.currency)
    last = max((key[0] for (key, _claim), grant in zip(claims, granted, strict=True) if grant), default=None)
    return BudgetUse(
        contract, terms, terms.budget, from_minor(used, contract.currency), last if used >= limit else None
    )


def budgets_in_use(contracts: QuerySet[Contract], at: dt.datetime) -> list[BudgetUse]:
    """The budgets of these contracts that hold at an instant, the fullest first; some six queries each."""
    with_budget = contracts.filter(
        kind=ContractKind.SPONSORSHIP, state__in=IN_FORCE, versions__sponsorship__kind=Sponsor.BUDGET
    )
    uses = [use for each in with_budget.distinct().order_by("number") if (use := budget_use(each, at)) is not None]
    return sorted(uses, key=lambda use: -use.percent)


def limited_contracts(splits: Iterable[Split], sponsors: SponsorBook) -> set[int]:
    """The sponsors' contracts whose limits these sessions draw on; an operation locks them in one go."""
    found = (sponsor_for(split, sponsors) for split in splits)
    return {each.contract.pk for each in found if each is not None and each.terms.is_limited}


def _pool(split: Split, sponsored: Sponsored) -> Pool:
    contract = sponsored.contract
    return pool_of(contract.pk, contract.zone, sponsored.terms, split.vehicle_id, split.ended_at)


def _waiting(pools: Iterable[Pool]) -> list[Split]:
    """Sessions that may share a limit and have no charge yet: current, completed, priced, without a hold."""
    held = Hold.objects.filter(session=OuterRef("pk")).exclude(state=HoldState.RELEASED)
    charged = SessionCharge.objects.filter(session=OuterRef("pk"))
    rows = ChargingSession.objects.filter(
        _inside(pools, "", SponsoredVehicle.objects.values("vehicle")),
        ~Exists(held),
        ~Exists(charged),
        price__isnull=False,
        state=SessionState.COMPLETED,
        superseded_at__isnull=True,
    )
    light = rows.select_related("price").only(*_COLUMNS).order_by()
    return [split_of(row.price) for row in light.iterator(chunk_size=CHUNK) if row.ended_at is not None]


def _inside(pools: Iterable[Pool], path: str, vehicles: QuerySet[SponsoredVehicle, Any]) -> Q:
    """Sessions at `path` whose vehicle and end lie in one of the pools."""
    by_span: dict[tuple[dt.datetime | None, dt.datetime | None], tuple[set[int], set[int]]] = {}
    for pool in pools:
        contracts, single = by_span.setdefault((pool.first, pool.last), (set(), set()))
        if pool.vehicle_id is None:
            contracts.add(pool.contract_id)
        else:
            single.add(pool.vehicle_id)
    inside = Q(pk__in=[])
    for (first, last), (contracts, single) in by_span.items():
        who = Q(**{f"{path}vehicle_id__in": single}) if single else Q(pk__in=[])
        if contracts:
            who |= Q(**{f"{path}vehicle_id__in": vehicles.filter(contract__in=contracts)})
        span = Q() if first is None else Q(**{f"{path}ended_at__gte": first, f"{path}ended_at__lt": last})
        inside |= who & span
    return inside


@dataclass(slots=True)
class _Stands:
    """What one session was given of a limit before."""

    ended_at: dt.datetime
    ref: str
    limit: int
    amount: Decimal
    covered_wh: int
    currency: str


def _standing(pools: Iterable[Pool]) -> dict[Pool, dict[int, _Stands]]:
    """What was given of these pools before, by session: from the charges of the sponsors and the terms they name."""
    wanted = set(pools)
    rows = SessionCharge.objects.filter(
        role=ChargeRole.SPONSOR, contract__in={pool.contract_id for pool in wanted}, sponsor_version__isnull=False
    )
    if all(pool.first is not None for pool in wanted):
        rows = rows.filter(
            session__ended_at__gte=min(pool.first for pool in wanted if pool.first is not None),
            session__ended_at__lt=max(pool.last for pool in wanted if pool.last is not None),
        )
    columns = (
        "session_id",
        "session__ended_at",
        "session__provider_ref",
        "session__vehicle_id",
        "net_amount",
        "gross_amount",
        "covered_wh",
        "sponsor_version_id",
        "currency",
    )
    found = list(rows.order_by().values_list(*columns))
    versions = ContractVersion.objects.filter(pk__in={row[7] for row in found}).select_related(
        "sponsorship", "contract"
    )
    terms = {version.pk: (version.contract, version.sponsorship.terms) for version in versions}
    stands: dict[Pool, dict[int, _Stands]] = defaultdict(dict)
    for session_id, ended_at, ref, vehicle_id, net, gross, covered, version_id, currency in found:
        contract, agreed = terms[version_id]
        if not agreed.is_limited:
            continue
        pool = pool_of(contract.pk, contract.zone, agreed, vehicle_id, ended_at)
        if pool not in wanted:
            continue
        one = stands[pool].setdefault(
            session_id, _Stands(ended_at, ref, limit_of(agreed, currency), Decimal(0), covered or 0, currency)
        )
        one.amount += net if gross is None else gross
    return stands


def _claims(
    pool: Pool, members: Mapping[int, tuple[Split, Sponsored]], standing: Mapping[int, _Stands]
) -> list[tuple[tuple[dt.datetime, str, int], Claim]]:
    """All that draw on one limit, in the order of session end, then reference; the session's id comes last."""
    claims = []
    for session_id, one in standing.items():
        given = to_minor(quantise(one.amount, one.currency), one.currency)
        stood = given if pool.kind == Sponsor.BUDGET else one.covered_wh
        claims.append(((one.ended_at, one.ref, session_id), Claim(stood, one.limit, stood)))
    for session_id, (split, sponsored) in members.items():
        if session_id not in standing:
            claim = Claim(_wanted(split, sponsored), limit_of(sponsored.terms, split.currency))
            claims.append(((split.ended_at, split.ref, session_id), claim))
    return sorted(claims, key=lambda each: each[0])


def _grants(
    pool: Pool, members: Mapping[int, tuple[Split, Sponsored]], standing: Mapping[int, _Stands]
) -> dict[int, SponsoredPart]:
    claims = _claims(pool, members, standing)
    granted = allot([claim for _key, claim in claims])
    given_to = {key[-1]: grant for (key, _claim), grant in zip(claims, granted, strict=True)}
    return {
        session_id: _part(split, sponsored, given_to[session_id]) for session_id, (split, sponsored) in members.items()
    }


def _wanted(split: Split, sponsored: Sponsored) -> int:
    if sponsored.terms.kind == Sponsor.FIRST_KWH:
        return split.energy_wh
    shares = share_parts(split.parts, sponsor_percent=sponsored.percent, currency=split.currency)
    return to_minor(add(share.amount for share in shares if share.role == SPONSOR), split.currency)


def _part(split: Split, sponsored: Sponsored, grant: int) -> SponsoredPart:
    if sponsored.terms.kind == Sponsor.FIRST_KWH:
        percent = covered_percent(sponsored.percent, grant, split.energy_wh)
        return SponsoredPart(sponsored, percent, covered_wh=grant)
    return SponsoredPart(sponsored, sponsored.percent, most=from_minor(grant, split.currency))
