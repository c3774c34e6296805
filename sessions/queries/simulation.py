"""What a session would cost: an imagined or a real one, under any tariff version or under a contract's terms.

The same engine and the same rounding as for a bill; nothing is stored.
"""

import copy
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from contracts import queries as contract_queries
from contracts.models import Contract, ContractVersion, TariffVersion
from evbilling.kernel.money import quantise
from sessions.models import ChargingSession
from sessions.queries.pricing import ExplainedLine, Pricer, explained
from sessions.rules import pricing
from sessions.rules.rating import first_error
from sessions.rules.simulation import periods_until, points_of

POINTS = 24


@dataclass(frozen=True, slots=True)
class TaxPart:
    """Net and tax of one rate in percent; None where the tax table decides."""

    rate: Decimal | None
    net: Decimal
    tax: Decimal | None


@dataclass(frozen=True, slots=True)
class Point:
    """The price as a customer would have seen it at an instant, in the contract's price basis."""

    at: dt.datetime
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Simulation:
    """A price with its reasons; or the problem, a sentence, that there is none."""

    zone: str
    tariff_version: TariffVersion | None
    contract_version: ContractVersion | None = None
    problem: str = ""
    currency: str = ""
    net: Decimal = Decimal(0)
    parts: tuple[TaxPart, ...] = ()
    lines: tuple[ExplainedLine, ...] = ()
    points: tuple[Point, ...] = ()
    includes_tax: bool = False

    @property
    def gross(self) -> Decimal | None:
        """With tax, as a document of this session alone has it; None where a rate is left to the tax table."""
        taxes = [part.tax for part in self.parts if part.tax is not None]
        return self.net + sum(taxes, Decimal(0)) if len(taxes) == len(self.parts) else None


def simulate_tariff(session: ChargingSession, version: TariffVersion, language: str) -> Simulation:
    """A session that has ended, stored or not, under one tariff version, whoever would pay."""
    zone = zone_of(session)
    tariff, findings = pricing.compile_tariff(version.document, version.ocpi_version)
    if tariff is None:
        failure = first_error(findings)
        return Simulation(zone, version, problem=f"{failure.path}: {failure.said(language)}" if failure else "")

    def priced(each: ChargingSession) -> pricing.Priced:
        return pricing.price(
            pricing.rating_input(
                each.periods,
                started_at=each.started_at,
                ended_at=each.ended_at,
                energy_wh=each.energy_wh,
                time_zone=zone,
            ),
            tariff,
        )

    found = priced(session)
    if found.problem:
        return Simulation(zone, version, problem=found.problem)
    return _simulation(session, found, language, priced, version=version)


def simulate_contract(session: ChargingSession, language: str) -> Simulation:
    """A session that has ended, stored or not, under its contract's terms as they are now: as a bill would have it."""
    pricer = Pricer(contract_queries)
    quote = pricer.quote(session)
    terms, version = quote.contract_version, quote.tariff_version
    if quote.priced is None or terms is None or version is None:
        return Simulation(zone_of(session), version, terms, problem=quote.problem)

    def priced(each: ChargingSession) -> pricing.Priced | None:
        return pricer.quote_under(each, terms, version).priced

    return _simulation(session, quote.priced, language, priced, version=version, terms=terms)


def _simulation(
    session: ChargingSession,
    found: pricing.Priced,
    language: str,
    priced: Callable[[ChargingSession], pricing.Priced | None],
    *,
    version: TariffVersion,
    terms: ContractVersion | None = None,
) -> Simulation:
    with_tax = found.grosses is not None
    return Simulation(
        zone=zone_of(session),
        tariff_version=version,
        contract_version=terms,
        currency=found.currency,
        net=found.net,
        parts=_tax_parts(found),
        lines=tuple(explained(line, found.currency, language, with_tax=with_tax) for line in found.lines),
        points=tuple(_course(session, priced)),
        includes_tax=with_tax,
    )


def _tax_parts(found: pricing.Priced) -> tuple[TaxPart, ...]:
    """Net and tax per rate: the tax of prices that include it is what their net leaves."""
    if found.grosses is not None:
        return tuple(
            TaxPart(vat, net, gross - net) for (vat, net), gross in zip(found.parts, found.grosses, strict=True)
        )
    return tuple(
        TaxPart(vat, net, None if vat is None else quantise(net * vat / 100, found.currency))
        for vat, net in found.parts
    )


def _course(session: ChargingSession, priced: Callable[[ChargingSession], pricing.Priced | None]) -> list[Point]:
    """The price in the course of the session."""
    started, ended = session.started_at, session.ended_at
    if ended is None or ended <= started:
        return []
    seconds = int((ended - started).total_seconds())
    found = []
    for at in points_of(started, ended, POINTS):
        so_far = copy.copy(session)
        so_far.ended_at = at
        so_far.periods = periods_until(session.periods, ended, at)
        so_far.energy_wh = session.energy_wh * int((at - started).total_seconds()) // seconds
        price = priced(so_far)
        if price is not None and not price.problem:
            found.append(Point(at, price.amount))
    return found


def zone_of(session: ChargingSession) -> str:
    """The zone in which windows count: the site's, else the contract's."""
    if session.site:
        return session.site.zone
    return session.contract.zone if session.contract else "UTC"


def find_session(ref: str) -> ChargingSession | None:
    """The current copy of a session that has ended, by its reference; the latest where sources share one."""
    found = ChargingSession.objects.filter(provider_ref=ref, superseded_at__isnull=True, ended_at__isnull=False)
    return found.select_related("site", "contract__party", "connector").order_by("-ended_at").first()


def find_contract(number: str) -> Contract | None:
    """A contract by its number."""
    return Contract.objects.select_related("party").filter(number__iexact=number).first()
