"""The tax table, the tax of a session, and where a fee is taxed that belongs to none."""

from decimal import Decimal

from contracts.models import Contract, Site
from evbilling.kernel.clock import local_date
from invoicing.models import TaxRate
from invoicing.rules.tax import Place, RateRow, Tax, TaxTable, Treatment, supply_tax
from sessions.models import ChargingSession


def tax_table() -> TaxTable:
    """All tax rates, in one query."""
    return TaxTable(
        [
            RateRow(Place(rate.country, rate.region), rate.percent, rate.valid_from, rate.valid_to)
            for rate in TaxRate.objects.all()
        ]
    )


def session_tax(
    session: ChargingSession, contract: Contract, treatment: str, stated: Decimal | None, table: TaxTable
) -> Tax:
    """The tax on a session, loaded with its site, where and on the day on which it ended; `stated` is its tariff's rate
    in percent, `treatment` that of the contract's version. Raises MissingTaxRate.
    """
    site = session.site
    place = Place(site.country, site.region) if site is not None else Place("")
    on = local_date(session.ended_at or session.started_at, site.zone if site is not None else contract.zone)
    return supply_tax(Treatment(treatment), stated, place, on, table)


def fee_country(contract: Contract) -> str:
    """The country in which a fee without a session is supplied from: that of the contract's first site; without one
    empty, which stands for the operator's.
    """
    site = _first_site(contract)
    return "" if site is None else site.country


def fee_place(contract: Contract) -> Place:
    """Where a fee that belongs to no session is taxed: the contract's first site, else the customer's address."""
    site = _first_site(contract)
    return (
        Place(site.country, site.region) if site is not None else Place(contract.party.country, contract.party.region)
    )


def _first_site(contract: Contract) -> Site | None:
    """One query, or none where the contract's sites are loaded."""
    return min(contract.sites.all(), key=lambda site: site.pk, default=None)
