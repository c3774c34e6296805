"""What monthly terms reckon with: a contract's billed charges by month, what its documents granted, what fees count.

A constant number of queries per contract, however many sessions and months.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Min, Q, QuerySet
from django.db.models.functions import TruncMonth

from contracts.models import Contract, ContractKind, ContractTerm, SponsoredVehicle, TokenAssignment
from contracts.rules.terms import BaseFee, GraduatedDiscount, IncludedEnergy, MinimumCommitment, VolumeDiscount
from evbilling.kernel.clock import Period, local_date, month_of, parse_month
from evbilling.kernel.money import ZERO, quantise
from invoicing.models import BilledCharge, BillingRunItem, ChargeUse, Invoice, InvoiceKind, InvoiceLine, LineKind
from invoicing.queries.cancelled import cancelled, released
from invoicing.queries.charges import unbilled_charges
from invoicing.rules.basis import Charged, billed_amount
from invoicing.rules.monthly_terms import MonthCharge, energy_part
from invoicing.rules.tax import Category, Ground, Tax
from sessions.models import SessionCharge

MONTHLY_KINDS = ("included_energy", "graduated_discount", "volume_discount", "base_fee", "minimum_commitment")
MONTHLY_TERMS = (IncludedEnergy, GraduatedDiscount, VolumeDiscount, BaseFee, MinimumCommitment)
LIMITS = frozenset({"MIN_PRICE", "MAX_PRICE"})
"""Dimensions by which price limits stand among the lines of a price."""
_GROUNDS = {Category.REVERSE_CHARGE: Ground.REVERSE_CHARGE, Category.EXEMPT: Ground.EXEMPT}


def has_monthly_terms(contract: Contract) -> bool:
    """Whether any version of the contract has a monthly term: most have none and need no more queries."""
    return ContractTerm.objects.filter(version__contract=contract, kind__in=MONTHLY_KINDS).exists()


def months_waiting(contract: Contract, until: dt.datetime) -> set[Period]:
    """The months of the charges that no document bills yet: in them sessions came late, or they are due now."""
    zone = ZoneInfo(contract.zone)
    rows = unbilled_charges(contract, until).order_by().annotate(month=TruncMonth("session__ended_at", tzinfo=zone))
    return {month_of(month.date()) for month in rows.values_list("month", flat=True).distinct()}


@dataclass(frozen=True, slots=True)
class Granted:
    """What the lines of the contract's live documents say of one month, by term and tax; allowances positive."""

    allowances: dict[tuple[str, Tax], Decimal] = field(default_factory=dict)
    shortfall: dict[Tax, Decimal] = field(default_factory=dict)
    base_fees: Decimal = ZERO
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Documents:
    """The first days of the months whose fees the contract's invoices charged: live ones, and any of them; and of the
    first month that was run or billed at all.

    A month is charged by its own document, or by a later one where its own run made none.
    """

    live: frozenset[dt.date]
    any: frozenset[dt.date]
    begun: dt.date | None = None


def earlier_documents(contract: Contract) -> Documents:
    """Those on which the contract has lines, which may be its group's; three queries.

    Drafts count as documents; cancelled ones do not live, and those that were cancelled to be issued again are as if
    they had never been: their month is charged anew. Of a month that was split so is the one whose document with the
    fees was, though its other parts live.
    """
    return documents_of_all([contract.pk])[contract.pk]


def documents_of_all(contract_ids: Collection[int]) -> dict[int, Documents]:
    """The same of each of several contracts; three queries."""
    documents = Invoice.objects.filter(lines__contract__in=contract_ids, kind=InvoiceKind.INVOICE)
    own: dict[int, list[tuple[int, dt.date, bool, bool]]] = defaultdict(list)
    columns = ("lines__contract", "pk", "period_from", "dead", "freed")
    rows = documents.annotate(dead=cancelled("pk"), freed=released("pk")).values_list(*columns).distinct()
    for contract_id, pk, month, gone, again in rows:
        own[contract_id].append((pk, month, gone, again))
    fees: dict[int, list[tuple[int, dt.date]]] = defaultdict(list)
    charged = InvoiceLine.objects.filter(
        contract__in=contract_ids,
        invoice__kind=InvoiceKind.INVOICE,
        kind__in=[LineKind.BASE_FEE, LineKind.SHORTFALL],
    )
    for contract_id, invoice_id, because in charged.order_by().values_list("contract_id", "invoice_id", "because"):
        if "month" in because:
            fees[contract_id].append((invoice_id, parse_month(because["month"]).start))
    runs = dict(
        BillingRunItem.objects.filter(contract__in=contract_ids)
        .order_by()
        .values_list("contract_id")
        .annotate(first=Min("run__period_from"))
    )
    return {each: _documents(own[each], fees[each], runs.get(each)) for each in contract_ids}


def _documents(
    own: Collection[tuple[int, dt.date, bool, bool]], fees: Iterable[tuple[int, dt.date]], run: dt.date | None
) -> Documents:
    """Of one contract: `own` are (key, month, dead, freed), `fees` (key, month charged), `run` its first month."""
    dead = {pk: gone for pk, _month, gone, _freed in own}
    freed = {pk for pk, _month, _gone, again in own if again}
    months = {(month, gone) for pk, month, gone, _freed in own if pk not in freed}
    anew = {month for invoice_id, month in fees if invoice_id in freed}
    charged = {(month, dead[invoice_id]) for invoice_id, month in fees if invoice_id not in freed}
    anew -= {month for month, _gone in charged}
    standing = {(month, gone) for month, gone in months | charged if month not in anew}
    begun = [month for _pk, month, _gone, _freed in own] + ([run] if run else [])
    return Documents(
        frozenset(month for month, gone in standing if not gone),
        frozenset(month for month, _gone in standing),
        min(begun, default=None),
    )


def months_without_fees(contract: Contract, documents: Documents, until: Period) -> set[Period]:
    """Earlier months of the contract, since the first that was run or billed, whose fees no document charged: they were
    carried over, or failed, or were never run.
    """
    found = set()
    month = month_of(documents.begun or until.start)
    while month.start < until.start:
        if month.start not in documents.any and days_of(contract, month):
            found.add(month)
        month = month.next_month()
    return found


def granted_so_far(contract: Contract, *, with_tax: bool = False) -> dict[str, Granted]:
    """By the month's code, such as 2026-10: what monthly terms came to on documents that live, in the price basis."""
    lines = InvoiceLine.objects.filter(
        ~cancelled("invoice"),
        contract=contract,
        invoice__kind=InvoiceKind.INVOICE,
        kind__in=[LineKind.ALLOWANCE, LineKind.BASE_FEE, LineKind.SHORTFALL],
    ).order_by("pk")
    found: dict[str, list[InvoiceLine]] = defaultdict(list)
    for line in lines:
        if "month" in line.because:
            found[line.because["month"]].append(line)
    return {month: _granted(of_month, contract.currency, with_tax) for month, of_month in found.items()}


def _granted(lines: Iterable[InvoiceLine], currency: str, with_tax: bool) -> Granted:
    allowances: dict[tuple[str, Tax], Decimal] = {}
    shortfall: dict[Tax, Decimal] = {}
    left: dict[tuple[str, Tax], bool] = {}
    fees = ZERO
    for line in lines:
        led = line.gross_amount if with_tax and line.gross_amount is not None else line.net_amount
        tax, net = tax_of_line(line.tax_category, line.tax_rate), quantise(led, currency)
        key = line.because["term"], tax
        left[key] = Decimal(line.because.get("left", 0)) > 0  # the latest line says whether something waits
        if line.kind == LineKind.BASE_FEE:
            fees += net
        elif line.kind == LineKind.SHORTFALL:
            shortfall[tax] = shortfall.get(tax, ZERO) + net
        else:
            allowances[key] = allowances.get(key, ZERO) - net
    return Granted(allowances, shortfall, fees, any(left.values()))


def month_charges(
    contract: Contract,
    months: Collection[Period],
    drafted: Mapping[int, Tax],
    *,
    energy: bool,
    with_tax: bool = False,
) -> tuple[dict[Period, list[MonthCharge]], dict[Period, set[int]]]:
    """The charges of these months on documents that live, and those of `drafted` (charge id -> tax), by month; and the
    sites at which they were made. Without `energy` their energy part is left at nothing and prices are not read.
    """
    rows = SessionCharge.objects.filter(_ended_in(contract, months, "session"), contract=contract)
    billed = BilledCharge.objects.filter(
        ~cancelled("line__invoice"),
        _ended_in(contract, months, "charge__session"),
        charge__contract=contract,
        use=ChargeUse.BILLED,
    )
    taxes = {
        charge_id: tax_of_line(category, rate)
        for charge_id, category, rate in billed.values_list("charge_id", "line__tax_category", "line__tax_rate")
    } | dict(drafted)
    charges: dict[Period, list[MonthCharge]] = defaultdict(list)
    sites: dict[Period, set[int]] = defaultdict(set)
    for row in _charge_values(rows, energy=energy):
        if row["pk"] not in taxes:
            continue
        month = month_of(local_date(row["session__ended_at"], contract.zone))
        charges[month].append(month_charge(row, taxes[row["pk"]], contract.currency, with_tax=with_tax))
        if row["session__site_id"] is not None:
            sites[month].add(row["session__site_id"])
    return charges, sites


_COLUMNS = (
    "pk",
    "session_id",
    "session__provider_ref",
    "session__ended_at",
    "session__energy_wh",
    "session__vehicle_id",
    "session__site_id",
    "vat_rate",
    "net_amount",
    "gross_amount",
)


def _charge_values(rows: QuerySet[SessionCharge], *, energy: bool) -> Iterable[dict[str, Any]]:
    columns = (*_COLUMNS, "price__lines") if energy else _COLUMNS
    return rows.order_by("session__ended_at", "pk").values(*columns).iterator(chunk_size=5000)


def month_charge(row: Mapping[str, Any], tax: Tax, currency: str, *, with_tax: bool = False) -> MonthCharge:
    """A row of session and charge columns as the rules take it; its amount as documents of this basis bill it."""
    charged = Charged(row["net_amount"], row["gross_amount"], row["vat_rate"])
    net = billed_amount(charged, tax, currency, with_tax=with_tax)
    lines = (
        (line["dimension"], Decimal(line["net"]))
        for line in row.get("price__lines") or ()
        if line["net"] is not None and _same_rate(line["vat_rate"], row["vat_rate"])
    )
    return MonthCharge(
        session_id=row["session_id"],
        session_ref=row["session__provider_ref"],
        ended_at=row["session__ended_at"],
        energy_wh=row["session__energy_wh"],
        vehicle_id=row["session__vehicle_id"],
        tax=tax,
        net=net,
        energy_net=energy_part(net, lines, limits=LIMITS),
    )


def _same_rate(stated: str | None, rate: Decimal | None) -> bool:
    return (None if stated is None else Decimal(stated)) == rate


def vehicles_under(contract: Contract, month: Period) -> int:
    """How many vehicles are under the contract on at least one day of the month: by a token, or sponsored."""
    return vehicles_of_all([contract.pk], month).get(contract.pk, 0)


def vehicles_of_all(contract_ids: Collection[int], month: Period) -> dict[int, int]:
    """The same of several contracts, by contract, in two queries; of those that have any."""
    under = Q(valid_to__isnull=True) | Q(valid_to__gt=month.start)
    found: dict[int, set[int]] = defaultdict(set)
    for rows, vehicle, sponsored in (
        (TokenAssignment.objects, "token__vehicle", False),
        (SponsoredVehicle.objects, "vehicle", True),
    ):
        of_kind = Q(contract__kind=ContractKind.SPONSORSHIP)
        inside = rows.filter(
            under, of_kind if sponsored else ~of_kind, contract__in=contract_ids, valid_from__lt=month.end
        )
        for contract_id, vehicle_id in inside.exclude(**{vehicle: None}).values_list("contract_id", vehicle):
            found[contract_id].add(vehicle_id)
    return {contract_id: len(vehicles) for contract_id, vehicles in found.items()}


def days_of(contract: Contract, month: Period) -> int:
    """Days of the month on which the contract holds."""
    first = max(contract.starts_on, month.start)
    last = month.end if contract.ends_on is None else min(contract.ends_on, month.end)
    return max((last - first).days, 0)


def tax_of_line(category: str, rate: Decimal) -> Tax:
    """The tax of a customer's line, with the ground that its category has."""
    found = Category(category)
    return Tax(found, rate.normalize() if rate else ZERO, _GROUNDS.get(found, Ground.NONE))


def _ended_in(contract: Contract, months: Collection[Period], session: str) -> Q:
    found = Q(pk__in=[])
    for month in months:
        first, end = month.instants(contract.zone)
        found |= Q(**{f"{session}__ended_at__gte": first, f"{session}__ended_at__lt": end})
    return found
