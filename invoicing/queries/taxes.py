"""The tax table, and where a fee is taxed that belongs to no session."""

from contracts.models import Contract, Site
from invoicing.models import TaxRate
from invoicing.rules.tax import Place, RateRow, TaxTable


def tax_table() -> TaxTable:
    """All tax rates, in one query."""
    return TaxTable(
        [
            RateRow(Place(rate.country, rate.region), rate.percent, rate.valid_from, rate.valid_to)
            for rate in TaxRate.objects.all()
        ]
    )


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
