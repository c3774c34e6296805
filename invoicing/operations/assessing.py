"""What a contract owes in penalties for a period, gathered from sessions, documents and outages; nothing is written.

Each `Found` names its source, which is assessed once. The rules decide amounts (invoicing/rules/penalties); here their
inputs are read. Where one is missing (end of charging, outages, reference rate), there is no penalty.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from contracts.models import Contract, ContractState, ContractVersion, Site, StationOutage, VersionState
from contracts.queries import terms_of
from contracts.rules.terms import (
    BaseFee,
    EarlyTermination,
    LatePayment,
    MinimumCommitment,
    NoShow,
    Overstay,
    Term,
    UptimePromise,
)
from evbilling.kernel.clock import Period, local_date, month_of
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO
from invoicing.models import BilledCharge, ChargeUse, Penalty, PenaltyKind, PenaltyState, ReferenceRate
from invoicing.queries.late_debts import LateDebts
from invoicing.queries.monthly import vehicles_under
from invoicing.queries.penalties import interest_so_far, late_documents
from invoicing.rules.penalties import (
    Ending,
    Fee,
    MissingReferenceRate,
    StationTime,
    Stay,
    Unit,
    early_termination,
    end_of_charging,
    late_fee,
    late_interest,
    missed_uptime,
    no_show,
    overstays,
    yearly_rates,
)
from invoicing.rules.penalties.late import applies
from sessions.models import ChargingSession, Hold, HoldState, SessionState
from sessions.queries import current_sessions

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Found:
    """One penalty to be: what it is for, under which terms, on which days, how much and why."""

    kind: PenaltyKind
    source: str
    version: ContractVersion
    fee: Fee
    period: Period
    occurred_on: dt.date
    session_id: int | None = None
    invoice_id: int | None = None
    site_id: int | None = None


class TermsInTime:
    """The approved versions of a contract with their parsed terms; two queries."""

    def __init__(self, contract: Contract) -> None:
        approved = contract.versions.filter(state=VersionState.APPROVED).prefetch_related("terms")
        self._versions = list(approved.order_by("-valid_from"))
        self._terms = {version.pk: terms_of(version) for version in self._versions}

    @property
    def is_empty(self) -> bool:
        """Whether no version has any term."""
        return not any(self._terms.values())

    def version_on(self, on: dt.date) -> ContractVersion | None:
        """The version in force on a local date."""
        return next((version for version in self._versions if version.valid_from <= on), None)

    def of_version[T: Term](self, version_id: int, kind: type[T]) -> T | None:
        """The version's term of a kind; the first of several."""
        return next(iter(self.all_of(version_id, kind)), None)

    def all_of[T: Term](self, version_id: int, kind: type[T]) -> list[T]:
        """The version's terms of a kind."""
        return [term for term in self._terms.get(version_id, ()) if isinstance(term, kind)]

    def on[T: Term](self, on: dt.date, kind: type[T]) -> tuple[ContractVersion, T] | None:
        """The term of a kind in force on a local date, with its version."""
        version = self.version_on(on)
        term = None if version is None else self.of_version(version.pk, kind)
        return None if version is None or term is None else (version, term)

    def ever(self, kind: type[Term]) -> bool:
        """Whether any version has such a term."""
        return any(isinstance(term, kind) for found in self._terms.values() for term in found)


def _not_waiting(sessions: QuerySet[ChargingSession]) -> QuerySet[ChargingSession]:
    """Without those that wait for a person or were rejected."""
    waiting = Hold.objects.filter(session=OuterRef("pk")).exclude(state=HoldState.RELEASED)
    return sessions.filter(~Exists(waiting)).select_related("site", "vehicle")


def overstay_fees(contract: Contract, terms: TermsInTime, period: Period) -> Iterator[Found]:
    """Of completed sessions that no document bills yet, under the terms in force when each began."""
    if not terms.ever(Overstay):
        return
    billed = BilledCharge.objects.filter(
        charge__session=OuterRef("pk"), charge__contract=contract, use=ChargeUse.BILLED
    )
    sessions = _not_waiting(current_sessions()).filter(
        ~Exists(billed),
        ~Exists(Penalty.objects.filter(session=OuterRef("pk"), kind=PenaltyKind.OVERSTAY)),
        contract=contract,
        state=SessionState.COMPLETED,
        ended_at__lt=period.instants(contract.zone)[1],
    )
    stays: list[tuple[Stay, Overstay]] = []
    about: dict[int, tuple[ChargingSession, ContractVersion]] = {}
    for session in sessions.order_by("ended_at", "provider_ref", "pk").iterator(chunk_size=2000):
        charged_until, left_at = end_of_charging(session.periods), session.ended_at
        held = terms.on(local_date(session.started_at, contract.zone), Overstay)
        if charged_until is None or left_at is None or held is None:
            continue
        who = f"{session.vehicle} #{session.vehicle_id}" if session.vehicle is not None else session.token_ref
        zone = session.site.zone if session.site is not None else contract.zone
        stays.append((Stay(session.pk, session.provider_ref, who, charged_until, left_at, zone), held[1]))
        about[session.pk] = session, held[0]
    for stay, fee in overstays(stays, contract.currency, _used_days(contract, {each.day[1] for each, _term in stays})):
        session, version = about[stay.session_id]
        day = stay.day[1]
        yield Found(
            PenaltyKind.OVERSTAY,
            f"overstay:{session.pk}",
            version,
            fee,
            Period(day, day + _DAY),
            day,
            session_id=session.pk,
            site_id=session.site_id,
        )


def _used_days(contract: Contract, days: set[dt.date]) -> dict[tuple[str, dt.date], Decimal]:
    """What was assessed before of these days, by vehicle or token; waived ones use up nothing."""
    used: dict[tuple[str, dt.date], Decimal] = defaultdict(lambda: ZERO)
    rows = Penalty.objects.filter(
        contract=contract, kind=PenaltyKind.OVERSTAY, occurred_on__in=days, session__superseded_at__isnull=True
    ).exclude(state=PenaltyState.WAIVED)
    for day, because, amount in rows.values_list("occurred_on", "because", "amount"):
        used[because["who"], day] += amount
    return used


def no_show_fees(contract: Contract, terms: TermsInTime, period: Period) -> Iterator[Found]:
    """Of reservations that ended before the period's end, under the terms in force when each began."""
    if not terms.ever(NoShow):
        return
    sessions = _not_waiting(current_sessions()).filter(
        ~Exists(Penalty.objects.filter(session=OuterRef("pk"), kind=PenaltyKind.NO_SHOW)),
        contract=contract,
        state=SessionState.RESERVATION,
        ended_at__lt=period.instants(contract.zone)[1],
    )
    for session in sessions.select_related("site", "vehicle", "price").order_by("ended_at", "pk"):
        held = terms.on(local_date(session.started_at, contract.zone), NoShow)
        if held is None or session.ended_at is None:
            continue
        fee = no_show(
            held[1],
            ref=session.provider_ref,
            reserved_from=session.started_at,
            ended_at=session.ended_at,
            energy_wh=session.energy_wh,
            priced=_reserved_price(session),
            currency=contract.currency,
        )
        day = local_date(session.ended_at, session.site.zone if session.site is not None else contract.zone)
        yield Found(
            PenaltyKind.NO_SHOW,
            f"no_show:{session.pk}",
            held[0],
            fee,
            Period(day, day + _DAY),
            day,
            session_id=session.pk,
            site_id=session.site_id,
        )


def _reserved_price(session: ChargingSession) -> Decimal:
    """What the tariff has charged for the reservation, net."""
    price = getattr(session, "price", None)
    lines: list[Mapping[str, Any]] = [] if price is None else price.lines
    reserved = [line for line in lines if line["dimension"] == "RESERVATION" or line["because"].get("reservation")]
    return sum((Decimal(line["net"] or 0) for line in reserved), ZERO)


def late_payment_fees(contract: Contract, terms: TermsInTime, period: Period) -> Iterator[Found]:
    """Of invoices due before the period's last day: the flat fee once, and interest up to the period's end; not on what
    is contested (LateDebts).
    """
    if not terms.ever(LatePayment):
        return
    documents = late_documents(contract, period.last_day)
    so_far = interest_so_far(each.pk for each in documents)
    debts = LateDebts([each.pk for each in documents])
    references = list(ReferenceRate.objects.values_list("valid_from", "percent"))
    for invoice in documents:
        term = terms.of_version(invoice.contract_version_id, LatePayment)
        version = invoice.contract_version
        business = bool(invoice.recipient_details.get("is_business", contract.party.is_business))
        if term is None or invoice.due_on is None or not applies(term, business=business):
            continue
        debt = debts.of(invoice, invoice.allocations.all())
        first = debt.late_from
        yield Found(
            PenaltyKind.LATE_FEE,
            f"late_fee:{invoice.pk}",
            version,
            late_fee(term, debt, invoice.currency),
            Period(first, first + _DAY),
            first,
            invoice_id=invoice.pk,
        )
        since, booked = so_far.get(invoice.pk, (first, ZERO))
        if since >= period.end:
            continue
        try:
            rates = yearly_rates(term, references, first, period.end)
        except MissingReferenceRate:
            continue  # the days stay unbooked, and are made up for once the rate is known; the month close says so
        yield Found(
            PenaltyKind.INTEREST,
            f"interest:{invoice.pk}:{since}",
            version,
            late_interest(debt, rates, period.end, booked, invoice.currency),
            Period(since, period.end),
            period.last_day,
            invoice_id=invoice.pk,
        )


def early_termination_fees(contract: Contract, terms: TermsInTime, period: Period) -> Iterator[Found]:
    """Of a contract that ended before notice period and minimum term let it, with its last bill."""
    if contract.state != ContractState.ENDED or contract.ends_on is None or contract.ends_on > period.end:
        return
    if not contract.ended_early or contract.regular_end_on is None:
        return
    last_day = max(contract.starts_on, contract.ends_on - _DAY)
    held = terms.on(last_day, EarlyTermination)
    if held is None:
        return
    version, term = held
    ending = Ending(
        contract.ends_on,
        contract.regular_end_on,
        contract.notice_given_on,
        version.notice_days,
        version.minimum_term_until,
    )
    fee = early_termination(
        term,
        ending,
        monthly_base_fee=_base_fee(contract, terms.all_of(version.pk, BaseFee), month_of(last_day)),
        monthly_commitment=_commitment(terms.all_of(version.pk, MinimumCommitment)),
        currency=contract.currency,
    )
    yield Found(
        PenaltyKind.EARLY_TERMINATION,
        f"early_termination:{contract.pk}",
        version,
        fee,
        Period(last_day, last_day + _DAY),
        last_day,
    )


def _base_fee(contract: Contract, fees: list[BaseFee], month: Period) -> Decimal:
    """The base fees of a whole month with the vehicles and sites of the last one."""
    counts = {"contract": 1, "vehicle": vehicles_under(contract, month), "site": contract.sites.count()}
    return sum((fee.amount * counts[fee.per] for fee in fees), ZERO)


def _commitment(terms: list[MinimumCommitment]) -> Decimal:
    return sum((term.amount or (term.kwh or ZERO) * (term.price_per_kwh or ZERO) for term in terms), ZERO)


def uptime_credits(contract: Contract, terms: TermsInTime, period: Period) -> Iterator[Found]:
    """Of the sites that the contract names (without any: those it charged at in the period), per station or site."""
    held = terms.on(period.last_day, UptimePromise)
    if held is None:
        return
    version, term = held
    start = max(period.start, contract.starts_on)
    end = min(period.end, contract.ends_on or period.end)
    if start >= end:
        return
    days = Period(start, end)
    for site, nets in _charged(contract, period):
        low, high = days.instants(site.zone)
        known = StationOutage.objects.filter(
            Q(ended_at__isnull=True) | Q(ended_at__gt=low), station__site=site, planned=False, started_at__lt=high
        )
        outages: dict[int, list[tuple[dt.datetime, dt.datetime | None]]] = defaultdict(list)
        for station_id, down_from, down_until in known.values_list("station_id", "started_at", "ended_at"):
            outages[station_id].append((down_from, down_until))
        stations = {each.pk: StationTime(each.ref, tuple(outages[each.pk])) for each in site.stations.order_by("ref")}
        units = (
            [(pk, Unit(time.ref, (time,), nets.get(pk, ZERO))) for pk, time in stations.items()]
            if term.per == "station"
            else [(site.pk, Unit(site.name, tuple(stations.values()), sum(nets.values(), ZERO)))]
        )
        for pk, unit in units:
            yield Found(
                PenaltyKind.UPTIME,
                f"uptime:{contract.pk}:{term.per}:{pk}:{period.start}",
                version,
                missed_uptime(term, unit, low, high, contract.currency),
                days,
                days.last_day,
                site_id=site.pk,
            )


def _charged(contract: Contract, period: Period) -> Iterator[tuple[Site, dict[int | None, Decimal]]]:
    """Each site with the net price of the contract's sessions of the period there, by station."""
    start, end = period.instants(contract.zone)
    priced = _not_waiting(current_sessions()).filter(
        contract=contract, state=SessionState.COMPLETED, ended_at__gte=start, ended_at__lt=end, price__isnull=False
    )
    sums: dict[int | None, dict[int | None, Decimal]] = defaultdict(dict)
    for site_id, station_id, net in (
        priced.order_by().values_list("site_id", "station_id").annotate(net=amount_sum(F("price__net_amount")))
    ):
        sums[site_id][station_id] = net
    named = contract.sites.all()
    sites = named if named.exists() else Site.objects.filter(pk__in=[pk for pk in sums if pk is not None])
    for site in sites.order_by("ref"):
        yield site, sums.get(site.pk, {})


GATHERERS = (
    overstay_fees,
    no_show_fees,
    late_payment_fees,
    early_termination_fees,
    uptime_credits,
)
"""What `assess_penalties` asks for, in this order."""
