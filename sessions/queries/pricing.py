"""What a session costs, for every face: frozen, live, line by line with the because; one engine for all (I4, I5)."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from contracts import queries as contract_queries
from contracts.models import Contract, ContractVersion, PriceBasis, TariffVersion
from contracts.rules.terms import Term
from evbilling.kernel.clock import local_date
from sessions.models import ChargingSession, HoldKind, SessionPrice
from sessions.rules import pricing
from sessions.rules.rating import Cap, Finding, RatingLine, Tariff, first_error


class Terms(Protocol):
    """Where the terms come from: contracts.queries for one session, a TermsBook for many."""

    def version_on(self, contract: Contract, on: dt.date) -> ContractVersion | None:
        """The terms in force on a local date."""

    def tariff_version_for(
        self, contract_version: ContractVersion, site_id: int | None, power_w: int | None, at: dt.datetime
    ) -> TariffVersion | None:
        """The released tariff version that prices a session."""

    def terms_of(self, contract_version: ContractVersion) -> tuple[Term, ...]:
        """What the version says beyond its tariffs."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A session's price and the terms it follows from; or why there is none: the kind of hold and a sentence."""

    priced: pricing.Priced | None
    contract_version: ContractVersion | None = None
    tariff_version: TariffVersion | None = None
    problem_kind: str = ""
    problem: str = ""


class Pricer:
    """Prices sessions under their contracts' terms, caps in a window included; each tariff version is compiled once.

    The terms are those of the session's start (DOMAIN: the price is fixed at session start).
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._caps: dict[int, tuple[Cap, ...]] = {}
        self._compiled: dict[int, tuple[Tariff | None, tuple[Finding, ...]]] = {}

    def quote(self, session: ChargingSession, *, now: dt.datetime | None = None) -> Quote:
        """The price of a session with its contract, site and connector loaded; a running one as of `now`."""
        contract = session.contract
        if contract is None:
            return Quote(None, problem_kind=HoldKind.NO_CONTRACT, problem=_("No contract pays for it."))
        version = self._terms.version_on(contract, local_date(session.started_at, contract.zone))
        if version is None:
            return Quote(
                None,
                problem_kind=HoldKind.NO_TARIFF,
                problem=_("Contract %(number)s has no approved terms on that day.") % {"number": contract.number},
            )
        power = session.connector.max_power_w if session.connector else None
        tariff = self._terms.tariff_version_for(version, session.site_id, power, session.started_at)
        if tariff is None:
            return Quote(
                None,
                version,
                problem_kind=HoldKind.NO_TARIFF,
                problem=_("No released tariff of %(version)s applies there and then.") % {"version": version},
            )
        return self.quote_under(session, version, tariff, now=now)

    def quote_under(
        self,
        session: ChargingSession,
        version: ContractVersion,
        tariff_version: TariffVersion,
        *,
        now: dt.datetime | None = None,
    ) -> Quote:
        """The price under given terms: how a frozen price is proven (I4)."""
        tariff, findings = self._tariff(tariff_version)
        contract = session.contract
        assert contract is not None  # noqa: S101 - quote() refused it
        if tariff is None:
            failure = first_error(findings)
            reason = f"{failure.path}: {failure.said(get_language() or 'en')}" if failure else ""
            priced = pricing.refused(f"{tariff_version}: {reason}")
        elif tariff.currency != contract.currency:
            priced = pricing.refused(
                _("%(tariff)s is in %(currency)s, the contract bills in %(wanted)s.")
                % {"tariff": tariff_version, "currency": tariff.currency, "wanted": contract.currency}
            )
        else:
            priced = pricing.price(
                pricing.rating_input(
                    session.periods,
                    started_at=session.started_at,
                    ended_at=session.ended_at,
                    energy_wh=session.energy_wh,
                    time_zone=session.site.zone if session.site else contract.zone,
                    now=now,
                ),
                tariff,
                self._caps_of(version),
                with_tax=version.price_basis == PriceBasis.GROSS,
            )
        if priced.problem:
            return Quote(None, version, tariff_version, HoldKind.NOT_RATEABLE, priced.problem)
        return Quote(priced, version, tariff_version)

    def _caps_of(self, version: ContractVersion) -> tuple[Cap, ...]:
        if version.pk not in self._caps:
            self._caps[version.pk] = pricing.caps_of(self._terms.terms_of(version))
        return self._caps[version.pk]

    def _tariff(self, version: TariffVersion) -> tuple[Tariff | None, tuple[Finding, ...]]:
        if version.pk not in self._compiled:
            self._compiled[version.pk] = pricing.compile_tariff(version.document, version.ocpi_version)
        return self._compiled[version.pk]


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One line of a price as people read it. Volumes in kWh or hours, amounts unrounded in the currency.

    `amount` is in the contract's price basis: with tax where its prices include it, else the net.
    """

    dimension: str
    volume: Decimal
    billed_volume: Decimal
    unit_price: Decimal
    amount: Decimal | None
    vat_rate: Decimal | None
    because: str


@dataclass(frozen=True, slots=True)
class LivePrice:
    """What a session costs at an instant; `provisional` while it runs, `problem` where there is no price yet.

    The amount is in the contract's price basis, `includes_tax` says which.
    """

    amount: Decimal | None
    currency: str
    lines: tuple[ExplainedLine, ...]
    provisional: bool
    problem: str = ""
    includes_tax: bool = False


def explain(price: SessionPrice, language: str) -> list[ExplainedLine]:
    """The frozen lines of a price, each with its because as a sentence (en, de)."""
    return [
        explained(pricing.line_from_data(data), price.currency, language, with_tax=price.includes_tax)
        for data in price.lines
    ]


def explain_short(price: SessionPrice, language: str) -> str:
    """Why a price is what it is, in one line of small print for documents (en, de)."""
    return pricing.in_short(map(pricing.line_from_data, price.lines), price.currency, language)


def price_now(session: ChargingSession, at: dt.datetime, language: str = "en") -> LivePrice:
    """The price of a session as of an instant, by the engine that makes the final one (I5).

    A priced session gives its frozen price.
    """
    frozen = SessionPrice.objects.filter(session=session).first()
    if frozen is not None:
        lines = tuple(explain(frozen, language))
        return LivePrice(frozen.amount, frozen.currency, lines, False, includes_tax=frozen.includes_tax)
    quote = Pricer(contract_queries).quote(session, now=at)
    currency = session.contract.currency if session.contract else ""
    if quote.priced is None:
        return LivePrice(None, currency, (), session.ended_at is None, quote.problem)
    with_tax = quote.priced.grosses is not None
    lines = tuple(explained(line, currency, language, with_tax=with_tax) for line in quote.priced.lines)
    return LivePrice(quote.priced.amount, currency, lines, quote.priced.provisional, includes_tax=with_tax)


def explained(line: RatingLine, currency: str, language: str, *, with_tax: bool = False) -> ExplainedLine:
    """A line of the engine as people read it (en, de), in the contract's price basis."""
    return ExplainedLine(
        dimension=line.dimension,
        volume=line.volume,
        billed_volume=line.billed_volume,
        unit_price=line.unit_price,
        amount=line.amount_incl_vat if with_tax else line.amount_excl_vat,
        vat_rate=line.vat_rate,
        because=pricing.sentence(line, currency, language),
    )
