"""The sessions behind a document's lines, as rows of its annex: when, where, how much, and why this price.

Customers see vehicle and driver. A sponsor sees the vehicle alone, a host neither: whose car it was is not his to know.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from contracts.models import ContractKind, PriceBasis
from contracts.rules.shares import Share
from evbilling.kernel.money import add, quantise
from evbilling.shell.paper.formats import formats_of
from invoicing.documents.view import AnnexSection, SessionRow
from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceKind, InvoiceLine
from invoicing.queries.host_months import terms_in
from invoicing.rules.basis import Charged, billed_amount
from invoicing.rules.sharing import price_of_energy
from invoicing.rules.tax import Category, Tax
from sessions.models import ChargeRole, ChargingSession
from sessions.queries.pricing import explain_short


def amount_label(invoice: Invoice) -> str:
    """What the amounts of the annex are: the sessions' net price or, where prices include tax, that with tax; the
    sponsor's part, the revenue that is shared, or what a host gets per kWh.
    """
    if invoice.kind == InvoiceKind.SETTLEMENT:
        kinds = {_share(line.because) for line in invoice.lines.all() if line.session_count}
        if kinds == {Share.PER_KWH}:
            return _("Your amount")
        return _("Net revenue, or your amount per kWh") if Share.PER_KWH in kinds else _("Net revenue")
    with_tax = invoice.price_basis == PriceBasis.GROSS
    if invoice.contract.kind == ContractKind.SPONSORSHIP:
        return _("Your part, incl. tax") if with_tax else _("Your part, net")
    return pgettext("document", "Incl. tax %s") % invoice.currency if with_tax else ""


def annex_of(invoice: Invoice) -> tuple[AnnexSection, ...]:
    """Sections in the order of the document's lines, sessions by their end; one query. Language: the active one.

    A session with two tax rates is one row with the sum of its charges. What is taken back from a host is negative.
    """
    links = (
        BilledCharge.objects.filter(line__invoice=invoice, line__invoice__corrects=None)
        .select_related(
            "line__invoice",
            "charge__session__site",
            "charge__session__station",
            "charge__session__vehicle",
            "charge__session__token",
            "charge__price",
        )
        .order_by("charge__session__ended_at", "charge__session__provider_ref", "charge_id")
    )
    labels: dict[str, list[BilledCharge]] = {}
    for link in sorted(links, key=lambda link: link.line.position):
        labels.setdefault(_section_label(invoice, link), []).append(link)
    return tuple(_section(invoice, label, members) for label, members in labels.items())


def _section_label(invoice: Invoice, link: BilledCharge) -> str:
    return link.line.group_label or (link.line.text if invoice.kind == InvoiceKind.SETTLEMENT else "")


def _section(invoice: Invoice, label: str, links: list[BilledCharge]) -> AnnexSection:
    def key(link: BilledCharge) -> tuple[object, ...]:
        session = link.charge.session
        return session.ended_at, session.provider_ref, session.pk, link.use == ChargeUse.TAKEN_BACK

    paid: dict[int, int] = {}
    rows = []
    for _key, members in groupby(sorted(links, key=key), key):
        found = list(members)
        row, line = _row(invoice, found), found[0].line
        if _share(line.because) == Share.PER_KWH:
            before = paid.get(line.pk, 0)
            carried = any(link.charge.role == ChargeRole.CUSTOMER for link in found)
            paid[line.pk] = before + (row.energy_wh if carried else 0)
            row = replace(row, amount=_by_kwh(line, paid[line.pk]) - _by_kwh(line, before))
        rows.append(row)
    return AnnexSection(tuple(rows), add(row.amount for row in rows), label)


def _share(because: Mapping[str, Any]) -> str:
    """The kind of revenue share that a line was reckoned by; empty on other lines."""
    return str(because.get("share", ""))


def _by_kwh(line: InvoiceLine, energy_wh: int) -> Decimal:
    """What a host gets for so much energy of a line: the rows' amounts are differences of it, so that they add up."""
    return price_of_energy(terms_in(line.because).per_kwh or Decimal(0), energy_wh, line.invoice.currency)


def _row(invoice: Invoice, links: list[BilledCharge]) -> SessionRow:
    first = links[0]
    session = first.charge.session
    sign = -1 if first.use == ChargeUse.TAKEN_BACK else 1
    host, customer = invoice.kind == InvoiceKind.SETTLEMENT, invoice.contract.kind == ContractKind.CHARGING
    amount = add(_amount(invoice, link) for link in links)
    zone = ZoneInfo(session.site.zone if session.site else invoice.contract.zone)
    return SessionRow(
        session_ref=session.provider_ref,
        started_at=session.started_at.astimezone(zone),
        site=session.site.name if session.site else "",
        station=str(session.station or session.station_ref),
        vehicle="" if host else str(session.vehicle or ""),
        driver=session.token.driver_name if customer and session.token else "",
        energy_wh=0 if all(link.net_amount is not None for link in links) else sign * session.energy_wh,
        duration_s=_duration(session),
        idle_s=sum(period.get("parking_s", 0) for period in session.periods),
        amount=sign * amount,
        because="" if host else _because(links, sponsor=not customer),
    )


def _amount(invoice: Invoice, link: BilledCharge) -> Decimal:
    """What the line takes of a charge, in the basis of the document: a host's is net, of a part of it at times."""
    charge, line = link.charge, link.line
    if link.net_amount is not None:
        return quantise(link.net_amount, invoice.currency)
    tax = Tax(Category(line.tax_category), line.tax_rate)
    charged = Charged(charge.net_amount, charge.gross_amount, charge.vat_rate)
    return billed_amount(charged, tax, invoice.currency, with_tax=line.gross_amount is not None)


def _duration(session: ChargingSession) -> int:
    return (session.ended_at - session.started_at) // dt.timedelta(seconds=1) if session.ended_at else 0


def _because(links: list[BilledCharge], *, sponsor: bool) -> str:
    """Why this price, and who pays the rest of it where it is shared."""
    price, language = links[0].charge.price, get_language() or "en"
    text = explain_short(price, language)
    charges = {link.charge_id: link.charge for link in links}.values()
    whole, part = price.net_amount, add(charge.net_amount for charge in charges)
    if price.gross_amount is not None:
        whole, part = price.gross_amount, add(charge.gross_amount or Decimal(0) for charge in charges)
    rest = whole - part
    if not rest:
        return text
    money = formats_of(language, price.currency).money
    words = (
        _("%(because)s = %(price)s, the customer pays %(rest)s")
        if sponsor
        else (_("%(because)s = %(price)s, the sponsor pays %(rest)s"))
    )
    return words % {"because": text, "price": money(whole), "rest": money(rest)}
