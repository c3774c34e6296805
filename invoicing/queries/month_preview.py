"""What the terms of a version, draft or approved, would make of a past month of its contract's sessions. Reads only.

Every priced session of the month is priced again under the tariff version that priced it and the caps of these terms;
then the monthly terms act on the whole, as if the contract had held all month. Sponsors' parts stay with the customer,
and penalties are left out: they follow from evidence.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contracts import queries as contract_queries
from contracts.models import ContractVersion, PriceBasis
from contracts.queries import terms_of
from contracts.rules.terms import WindowCap
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import BadInput, require
from evbilling.kernel.money import ZERO, add, quantise
from invoicing.queries.monthly import LIMITS, vehicles_under
from invoicing.queries.taxes import session_tax, tax_table
from invoicing.rules.basis import Charged, billed_amount
from invoicing.rules.monthly_terms import MonthCharge, MonthFacts, energy_part, month_of
from invoicing.rules.monthly_words import because_text, line_text
from invoicing.rules.tax import TaxTable
from sessions.models import SessionPrice
from sessions.queries import Pricer
from sessions.rules.pricing import Priced
from sessions.rules.rating import RatingLine

MOST_SESSIONS = 20_000


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """What one term does to the month: a text, how it was reckoned, and what it adds or takes, in the price basis."""

    text: str
    because: str
    net: Decimal


@dataclass(frozen=True, slots=True)
class MonthPreview:
    """The month's sessions under these terms; `unpriced` sessions have no price under them and are left out.

    Amounts are in the price basis of the terms: with tax where `includes_tax`.
    """

    sessions: int
    energy_wh: int
    billed: Decimal
    charged: Decimal
    rows: tuple[PreviewRow, ...]
    net: Decimal
    unpriced: int
    includes_tax: bool = False


def month_preview(version: ContractVersion, month: Period) -> MonthPreview:
    """Raises BadInput for a month with too many sessions, MissingTaxRate where a session cannot be taxed."""
    contract, terms = version.contract, terms_of(version)
    first, end = month.instants(contract.zone)
    prices = SessionPrice.objects.filter(
        contract_version__contract=contract,
        session__ended_at__gte=first,
        session__ended_at__lt=end,
        session__superseded_at__isnull=True,
    )
    require(
        prices.count() <= MOST_SESSIONS,
        BadInput(_("month"), month.code, _("It holds too many sessions to preview; choose another month.")),
    )
    table = tax_table()
    with_tax = version.price_basis == PriceBasis.GROSS
    charges: list[MonthCharge] = []
    sites: set[int] = set()
    billed = taken = ZERO
    sessions = unpriced = 0
    for price, priced in _priced(version, prices.select_related("session__site", "tariff_version").order_by("pk")):
        if priced is None:
            unpriced += 1
            continue
        sessions += 1
        billed += quantise(price.amount, contract.currency)
        taken += add(_led(line, with_tax) or ZERO for line in priced.lines if line.because.clamp == "window_cap")
        charges += _charges(version, price, priced, table)
        if price.session.site_id is not None:
            sites.add(price.session.site_id)
    days = (month.end - month.start).days
    facts = MonthFacts(
        charges=tuple(charges),
        currency=contract.currency,
        contract_days=days,
        month_days=days,
        vehicles=vehicles_under(contract, month),
        sites=contract.sites.count() or len(sites),
    )
    found = month_of(terms, facts)
    capped = any(isinstance(term, WindowCap) for term in terms)
    rows = [
        *([PreviewRow(_("Caps in a time window"), _("Part of the session charges."), taken)] if capped else []),
        *(_row(each.term, month, each.because, -each.net, contract.currency) for each in found.allowances),
        *(_row(fee.term, month, fee.because, fee.net, contract.currency) for fee in found.added),
    ]
    return MonthPreview(sessions, facts.energy_wh, billed, found.charged, tuple(rows), found.net, unpriced, with_tax)


def _led(line: RatingLine, with_tax: bool) -> Decimal | None:
    return line.amount_incl_vat if with_tax else line.amount_excl_vat


def _row(term: str, month: Period, because: Mapping[str, Any], net: Decimal, currency: str) -> PreviewRow:
    return PreviewRow(line_text(term, month), because_text(term, because, currency), net)


def _priced(version: ContractVersion, prices: QuerySet[SessionPrice]) -> Iterator[tuple[SessionPrice, Priced | None]]:
    pricer = Pricer(contract_queries)
    for price in prices.iterator(chunk_size=2000):
        price.session.contract = version.contract
        yield price, pricer.quote_under(price.session, version, price.tariff_version).priced


def _charges(version: ContractVersion, price: SessionPrice, priced: Priced, table: TaxTable) -> Iterator[MonthCharge]:
    session, contract = price.session, version.contract
    grosses = priced.grosses if priced.grosses is not None else (None,) * len(priced.parts)
    for (vat, net), gross in zip(priced.parts, grosses, strict=True):
        lines = (
            (line.dimension, line.amount_excl_vat)
            for line in priced.lines
            if line.vat_rate == vat and line.amount_excl_vat is not None
        )
        tax = session_tax(session, contract, version.tax_treatment, vat, table)
        amount = billed_amount(Charged(net, gross, vat), tax, contract.currency, with_tax=gross is not None)
        yield MonthCharge(
            session_id=session.pk,
            session_ref=session.provider_ref,
            ended_at=session.ended_at or session.started_at,
            energy_wh=session.energy_wh,
            vehicle_id=session.vehicle_id,
            tax=tax,
            net=amount,
            energy_net=energy_part(amount, lines, limits=LIMITS),
        )
