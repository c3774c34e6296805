"""What monthly terms would add to the sessions of a month close: base fees, minimum commitments, allowances.

Reckoned by the rules that draft documents (invoicing/rules/monthly_terms.py) over the sessions that are ready, with the
sponsors' parts taken off, and for all contracts at once: the number of queries does not grow with them. Earlier months
that no document charged, because they were carried over or failed, are among them.

Left out, because only drafting finds it: what late sessions of a month that was billed before change in its allowances
and its minimum commitment, and what a credited document leaves to be granted again.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Q, QuerySet

from contracts.models import (
    Contract,
    ContractTerm,
    ContractVersion,
    PriceBasis,
    SponsoredVehicle,
)
from contracts.queries import Timeline, terms_of, versions_of_all
from contracts.rules.terms import BaseFee, Term
from evbilling.kernel.clock import Period, local_date, month_of
from evbilling.kernel.money import ZERO, add, split_gross
from invoicing.queries.due import BY_INVOICE
from invoicing.queries.monthly import (
    MONTHLY_KINDS,
    MONTHLY_TERMS,
    days_of,
    documents_of_all,
    month_charge,
    months_without_fees,
    vehicles_of_all,
)
from invoicing.queries.taxes import fee_place, session_tax, tax_table
from invoicing.rules.monthly_terms import MonthCharge, MonthFacts
from invoicing.rules.monthly_terms import month_of as month_under
from invoicing.rules.tax import MissingTaxRate, Tax, TaxTable, Treatment, supply_tax
from sessions.models import ChargingSession, SessionPrice
from sessions.queries.splits import expected_shares, net_of_share
from sessions.rules.sharing import Share


@dataclass(slots=True)
class ExpectedTerms:
    """Net by currency: what base fees and minimum commitments add, and what allowances take off (positive)."""

    fees: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    allowances: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))


@dataclass(slots=True)
class _Month:
    """A contract's month in the making: under which version, what it charges, and at which sites."""

    contract: Contract
    versions: Timeline[dt.date, ContractVersion]
    version: ContractVersion
    month: Period
    terms: tuple[Term, ...]
    charges: list[MonthCharge] = field(default_factory=list)
    sites: set[int] = field(default_factory=set)
    untaxed: MissingTaxRate | None = None

    @property
    def with_tax(self) -> bool:
        """Whether the amounts of its terms include tax."""
        return self.version.price_basis == PriceBasis.GROSS

    @property
    def looks_at_sessions(self) -> bool:
        """Whether its terms depend on sessions: a base fee per contract or vehicle does not."""
        return any(not isinstance(term, BaseFee) or term.per == "site" for term in self.terms)

    def net(self, amount: Decimal, tax: Tax) -> Decimal:
        """The net of an amount in the contract's price basis."""
        return split_gross(amount, tax.percent, self.contract.currency)[0] if self.with_tax else amount

    def take(self, price: SessionPrice, share: Share, table: TaxTable) -> None:
        """Add a payer's part of a session at one VAT rate."""
        session, site = price.session, price.session.site
        ended_at = session.ended_at or session.started_at
        version = self.versions.at(local_date(ended_at, self.contract.zone)) or self.version
        try:
            tax = session_tax(session, self.contract, version.tax_treatment, share.vat_rate, table)
        except MissingTaxRate as missing:
            self.untaxed = missing
            return
        row = {
            "session_id": session.pk,
            "session__provider_ref": session.provider_ref,
            "session__ended_at": ended_at,
            "session__energy_wh": session.energy_wh,
            "session__vehicle_id": session.vehicle_id,
            "vat_rate": share.vat_rate,
            "net_amount": net_of_share(price, share),
            "gross_amount": share.amount if price.includes_tax else None,
            "price__lines": price.lines,
        }
        self.charges.append(month_charge(row, tax, self.contract.currency, with_tax=self.with_tax))
        if site is not None:
            self.sites.add(site.pk)


def expected_terms(due: QuerySet[Contract], period: Period, ready: QuerySet[ChargingSession]) -> ExpectedTerms:
    """What the terms of these contracts would come to, with the sessions that are `ready` to be billed.

    Contracts with something that cannot be taxed are left out: the run cannot bill them, and the checks name them.
    """
    found = ExpectedTerms()
    months = _months_of(due, period)
    table = tax_table() if months else TaxTable(())
    if months:
        _charge(months, ready, table)
    spans = {each.month for each in months.values()}
    vehicles = {
        span: vehicles_of_all({each.contract.pk for each in months.values() if each.month == span}, span)
        for span in sorted(spans, key=lambda span: span.start)
    }
    for each in months.values():
        try:
            _add(found, each, vehicles[each.month].get(each.contract.pk, 0), table)
        except MissingTaxRate:
            continue
    return found


def _months_of(due: QuerySet[Contract], period: Period) -> dict[tuple[int, Period], _Month]:
    """The months whose fees the next document of each contract with monthly terms charges."""
    stated = ContractTerm.objects.filter(kind__in=MONTHLY_KINDS, version__contract__in=due)
    contracts = (
        Contract.objects.filter(pk__in=stated.values("version__contract"), kind__in=BY_INVOICE)
        .select_related("party")
        .prefetch_related("sites")
        .in_bulk()
    )
    versions = versions_of_all(contracts, "terms")
    own = month_of(period.start)
    found = {}
    for contract_id, documents in documents_of_all(contracts).items():
        contract, timeline = contracts[contract_id], versions.get(contract_id, Timeline())
        mine = {own} if own.start not in documents.any else set()
        for month in mine | months_without_fees(contract, documents, own):
            version = timeline.at(month.last_day) or timeline.at(period.last_day)
            terms = [term for term in terms_of(version) if isinstance(term, MONTHLY_TERMS)] if version else []
            if version is not None and terms:
                found[contract_id, month] = _Month(contract, timeline, version, month, tuple(terms))
    return found


def _charge(months: Mapping[tuple[int, Period], _Month], ready: QuerySet[ChargingSession], table: TaxTable) -> None:
    """Put the sessions into their months; those without a look at sessions stay as they are."""
    looking = {key[0]: each.contract for key, each in months.items() if each.looks_at_sessions}
    if not looking:
        return
    joined = SponsoredVehicle.objects.filter(contract__in=looking)
    sessions = ready.filter(Q(contract__in=looking) | Q(vehicle__in=joined.values("vehicle")))
    prices = SessionPrice.objects.filter(session__in=sessions.order_by().values("pk"))
    for price, payer, share in expected_shares(prices):
        contract, ended_at = looking.get(payer), price.session.ended_at
        if contract is None or ended_at is None:
            continue
        each = months.get((payer, month_of(local_date(ended_at, contract.zone))))
        if each is not None:
            each.take(price, share, table)


def _add(found: ExpectedTerms, each: _Month, vehicles: int, table: TaxTable) -> None:
    """Add a contract's month. Raises MissingTaxRate."""
    if each.untaxed is not None:
        raise each.untaxed
    contract = each.contract
    facts = MonthFacts(
        charges=tuple(each.charges),
        currency=contract.currency,
        contract_days=days_of(contract, each.month),
        month_days=(each.month.end - each.month.start).days,
        vehicles=vehicles,
        sites=len(contract.sites.all()) or len(each.sites),
    )
    result = month_under(each.terms, facts)
    fees = ZERO
    if result.added:
        treatment = Treatment(each.version.tax_treatment)
        tax = supply_tax(treatment, None, fee_place(contract), each.month.last_day, table)
        fees = add(each.net(fee.net, tax) for fee in result.added)
    allowances = add(each.net(net, tax) for of in result.allowances for tax, net in of.nets.items())
    found.fees[contract.currency] += fees
    found.allowances[contract.currency] += allowances
