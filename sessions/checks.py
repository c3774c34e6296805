"""What `check_books` proves about sessions: complete (I2), once (I3), priced by rule (I4), in one period (I6)."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import pairwise

from django.db.models import Count, Exists, F, Max, Min, OuterRef, QuerySet
from django.db.models.functions import Coalesce, Mod, Round

from contracts.models import Contract, ContractVersion, SponsorKind
from contracts.queries import PriceBook
from contracts.rules.shares import Sponsor
from evbilling.kernel.books import Finding, proves
from evbilling.kernel.clock import local_date, month_of, months_between
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import quantise, split_gross, to_minor
from sessions.models import (
    ChargeRole,
    ChargingSession,
    Hold,
    HoldKind,
    HoldState,
    SessionCharge,
    SessionPrice,
    SessionState,
)
from sessions.queries import SessionStatus, current_sessions, with_status
from sessions.queries.pricing import Pricer
from sessions.queries.sponsored_parts import Pool, limit_of, pool_of

SAMPLE_ABOVE = 20_000
"""Up to so many prices all are rated again; above, of every so many keys one, that about this number is."""
_DAY = dt.timedelta(days=1)


@proves("I2", "Every completed session is held, excluded, priced or billed")
def _each_in_a_list() -> Iterator[Finding]:
    completed = with_status(current_sessions().filter(state=SessionState.COMPLETED))
    for session in completed.filter(status=SessionStatus.UNRATED).iterator(chunk_size=2000):
        yield Finding(
            "I2",
            f"session {session.provider_ref}",
            "It is completed, but neither priced nor held; rate it (a billing run does) or look at its contract.",
        )
    for session in completed.filter(status=SessionStatus.PRICED, contract__isnull=True).iterator(chunk_size=2000):
        yield Finding("I2", f"session {session.provider_ref}", "It has a price, but no contract pays for it.")


@proves("I3", "A provider's reference bills once")
def _each_once() -> Iterator[Finding]:
    doubles = (
        current_sessions()
        .order_by()
        .values("source", "source_label", "provider_ref")
        .annotate(copies=Count("pk"))
        .filter(copies__gt=1)
    )
    for row in doubles:
        yield Finding("I3", f"session {row['provider_ref']}", f"{row['copies']} copies of it are current.")
    released = Hold.objects.filter(
        session=OuterRef("pk"), kind=HoldKind.CHANGED_AFTER_BILLING, state=HoldState.RELEASED
    )
    earlier = SessionCharge.objects.filter(
        session__source=OuterRef("source"),
        session__source_label=OuterRef("source_label"),
        session__provider_ref=OuterRef("provider_ref"),
        session__revision__lt=OuterRef("revision"),
    )
    charged = SessionCharge.objects.filter(session=OuterRef("pk"))
    twice = ChargingSession.objects.filter(Exists(charged), Exists(earlier), ~Exists(released), revision__gt=1)
    for session in twice.iterator(chunk_size=2000):
        yield Finding(
            "I3",
            f"session {session.provider_ref}",
            f"Revision {session.revision} is billed although an earlier copy is billed too.",
        )


@proves("I4", "Rating again gives the same cents")
def _same_cents() -> Iterator[Finding]:
    """Under each price's own contract version, tariff version and engine version."""
    prices = (
        SessionPrice.objects.select_related("session")
        .prefetch_related(
            "session__contract", "session__site", "session__connector", "contract_version", "tariff_version__tariff"
        )
        .order_by("pk")
    )
    every = max(1, -(-prices.count() // SAMPLE_ABOVE))
    if every > 1:
        prices = prices.alias(turn=Mod("pk", every)).filter(turn=0)
    pricer = Pricer(PriceBook(Contract.objects.all()))
    for price in prices.iterator(chunk_size=2000):
        if price.session.contract is None:
            yield Finding("I4", f"session {price.session.provider_ref}", "It has a price, but no contract.")
            continue
        again = pricer.quote_under(price.session, price.contract_version, price.tariff_version).priced
        if again is None:
            yield Finding("I4", f"session {price.session.provider_ref}", "It has a price, but cannot be rated again.")
        elif again.engine_version == price.engine_version and (
            (again.net, again.gross) != (price.net_amount, price.gross_amount)
            or again.parts_data() != price.parts
            or again.lines_data() != price.lines
        ):
            yield Finding(
                "I4",
                f"session {price.session.provider_ref}",
                f"Its price is {price.amount.normalize():f} {price.currency}; rated again it is {again.amount}.",
            )


@proves("I4", "A price is the sum of its parts, its charges the price")
def _sums() -> Iterator[Finding]:
    rows = SessionPrice.objects.values_list("pk", "session__provider_ref", "net_amount", "gross_amount", "parts")
    for pk, ref, net, gross, parts in rows.order_by("pk").iterator(chunk_size=5000):
        if _sum(parts, "net") != net or (gross is not None and _sum(parts, "gross") != gross):
            price = net if gross is None else gross
            yield Finding("I4", f"price {pk}", f"The parts of session {ref} do not add up to its price of {price}.")
    charged = (
        SessionCharge.objects.order_by()
        .values_list("price")
        .annotate(
            ref=Min("price__session__provider_ref"),
            whole=Coalesce("price__gross_amount", "price__net_amount"),
            total=amount_sum(Coalesce("gross_amount", "net_amount")),
        )
        .annotate(over=Round(F("total") - F("whole"), precision=4))
        .filter(over__gt=0)
    )
    for pk, ref, price, total, _over in charged.iterator(chunk_size=5000):
        yield Finding("I4", f"price {pk}", f"Session {ref} costs {price}, but {total} is charged for it.")
    netted = SessionCharge.objects.filter(price__gross_amount__isnull=False).select_related("session")
    for charge in netted.iterator(chunk_size=2000):
        rate = charge.vat_rate or Decimal(0)
        if (
            charge.gross_amount is None
            or split_gross(charge.gross_amount, rate, charge.currency)[0] != charge.net_amount
        ):
            about = f"charge {charge.pk} of session {charge.session.provider_ref}"
            yield Finding("I4", about, "Its net is not its gross divided by 1 and its tax rate.")


def _sum(parts: Iterable[Mapping[str, str]], what: str) -> Decimal:
    """The parts of a stored price; one without the figure counts for nothing, so that it does not add up."""
    return sum((Decimal(part.get(what, 0)) for part in parts), Decimal(0))


@proves("I6", "Each session belongs to one month and to the terms of its start")
def _one_period() -> Iterator[Finding]:
    zones = (
        current_sessions()
        .filter(state=SessionState.COMPLETED, contract__isnull=False)
        .order_by()
        .values_list("contract__zone")
        .annotate(first=Min("ended_at"), last=Max("ended_at"))
    )
    for zone, first, last in zones:
        months = months_between(month_of(local_date(first, zone)), month_of(local_date(last, zone)).next_month())
        for earlier, later in pairwise(months):
            if earlier.instants(zone)[1] != later.instants(zone)[0]:
                yield Finding("I6", f"{zone} {later.code}", "This month does not begin where the one before ends.")
        if not months[0].instants(zone)[0] <= first < months[-1].instants(zone)[1]:
            yield Finding("I6", f"{zone} {months[0].code}", "A session's end lies outside the month it is counted in.")
    terms = PriceBook(Contract.objects.all())
    charged = Exists(SessionCharge.objects.filter(price=OuterRef("pk")))
    rows = _under_changing_terms(terms).values_list(
        "session__provider_ref",
        "session__contract_id",
        "session__started_at",
        "contract_version_id",
        "rated_at",
        charged,
    )
    seen: dict[tuple[int, dt.date], ContractVersion | None] = {}
    for ref, contract_id, started_at, version_id, rated_at, billed in rows.iterator(chunk_size=2000):
        contract = terms.contracts.get(contract_id)
        if contract is None:
            continue
        key = (contract_id, local_date(started_at, contract.zone))
        if key not in seen:
            seen[key] = terms.version_on(contract, key[1])
        version = seen[key]
        if version is not None and billed and version.approved_at is not None and version.approved_at > rated_at:
            continue  # terms approved for the past: what was billed before stays as it was
        if (version.pk if version else None) != version_id:
            yield Finding("I6", f"session {ref}", "It was priced under other terms than those in force at its start.")


def _under_changing_terms(terms: PriceBook) -> QuerySet[SessionPrice]:
    """Current prices, without those of contracts whose terms were the same from before their first start to after
    their last: these are told from each version's first and last start alone.
    """
    prices = SessionPrice.objects.filter(session__superseded_at__isnull=True).order_by()
    spans = prices.values_list("session__contract", "contract_version").annotate(
        first=Min("session__started_at"), last=Max("session__started_at")
    )
    changed = set()
    for contract_id, version_id, first, last in spans.iterator(chunk_size=5000):
        contract = terms.contracts.get(contract_id)
        if contract is not None:
            days = local_date(first, contract.zone) - _DAY, local_date(last, contract.zone) + _DAY
            found = {version.pk if version else None for version in (terms.version_on(contract, day) for day in days)}
            if found != {version_id}:
                changed.add(contract_id)
    return prices.filter(session__contract__in=changed)


@proves("I1", "Sponsors pay within their limits")
def _sponsors_within() -> Iterator[Finding]:
    """The kWh of each vehicle and month, each month's or the contract's budget: what was given up to each session, in
    the order of their ends, is at most what the terms of its day allow; and no more than the session has.
    """
    rows = SessionCharge.objects.filter(
        role=ChargeRole.SPONSOR, sponsor_version__sponsorship__kind__in=[SponsorKind.FIRST_KWH, SponsorKind.BUDGET]
    )
    pools: dict[Pool, dict[int, tuple[ChargingSession, int, int]]] = defaultdict(dict)
    related = rows.select_related("session", "sponsor_version__sponsorship", "sponsor_version__contract")
    for charge in related.order_by("pk").iterator(chunk_size=2000):
        session, version = charge.session, charge.sponsor_version
        if version is None or session.ended_at is None:
            continue
        terms = version.sponsorship.terms
        pool = pool_of(version.contract_id, version.contract.zone, terms, session.vehicle_id, session.ended_at)
        limit = limit_of(terms, charge.currency)
        given = pools[pool].get(session.pk, (session, 0, limit))[1]
        if terms.kind == Sponsor.BUDGET:
            given += to_minor(quantise(charge.amount, charge.currency), charge.currency)
        else:
            given = max(given, charge.covered_wh or 0)
            if given > session.energy_wh:
                yield Finding(
                    "I1", f"session {session.provider_ref}", f"Its sponsor covers {given} Wh, more than it has."
                )
        pools[pool][session.pk] = (session, given, limit)
    for given_to in pools.values():
        used = 0
        for session, given, limit in sorted(given_to.values(), key=lambda each: _order(each[0])):
            used += given
            if given and used > limit:
                problem = f"With it {used} of its sponsor's limit are used; the limit is {limit}."
                yield Finding("I1", f"session {session.provider_ref}", problem)


def _order(session: ChargingSession) -> tuple[dt.datetime | None, str, int]:
    return session.ended_at, session.provider_ref, session.pk
