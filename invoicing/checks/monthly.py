"""Monthly terms: what documents took off a month is what its terms allow, never more than it charged (I7)."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from itertools import batched
from typing import Any

from contracts.models import Contract, ContractVersion, PriceBasis
from evbilling.kernel.books import Finding, proves
from evbilling.kernel.clock import local_date, month_of, parse_month
from evbilling.kernel.money import ZERO, add, quantise
from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceKind, InvoiceLine, LineKind
from invoicing.queries.cancelled import cancelled
from invoicing.queries.monthly import MONTHLY_KINDS, tax_of_line
from invoicing.rules.basis import Charged, billed_amount
from invoicing.rules.tax import Tax

type _Place = tuple[int, str, Tax]
"""Contract, month such as 2026-10, tax."""
_TOGETHER = 200
"""Contracts whose months are summed up at once."""


@proves("I7", "Allowances of a month never exceed what it charged")
def allowances_within() -> Iterator[Finding]:
    """Per contract, month and tax, over its documents; contracts with credited documents are settled by people."""
    contracts = (
        Contract.objects.filter(versions__terms__kind__in=MONTHLY_KINDS)
        .exclude(pk__in=InvoiceLine.objects.filter(invoice__kind=InvoiceKind.CREDIT_NOTE).values("contract"))
        .distinct()
        .order_by("pk")
    )
    for some in batched(contracts.iterator(chunk_size=_TOGETHER), _TOGETHER):
        together = {contract.pk: contract for contract in some}
        versions = ContractVersion.objects.filter(contract__in=together, price_basis=PriceBasis.GROSS)
        with_tax = set(versions.values_list("contract_id", flat=True))
        taken = _allowances(together, with_tax)
        charged = _charged(together, with_tax, {(contract_id, code) for contract_id, code, _tax in taken})
        for key, net in taken.items():
            if not ZERO <= net <= charged[key]:
                contract_id, code, tax = key
                yield Finding(
                    "I7",
                    f"contract {together[contract_id].number}",
                    f"Allowances of {code} at {tax.percent:f} % come to {net}; the month charged {charged[key]} there.",
                )


def _allowances(contracts: Mapping[int, Contract], with_tax: Collection[int]) -> dict[_Place, Decimal]:
    """What lines of live documents took off, positive, in the order of contracts and lines."""
    lines = InvoiceLine.objects.filter(
        ~cancelled("invoice"), contract__in=contracts, invoice__kind=InvoiceKind.INVOICE, kind=LineKind.ALLOWANCE
    ).order_by("contract", "pk")
    taken: dict[_Place, Decimal] = defaultdict(lambda: ZERO)
    for contract_id, category, rate, net, gross, because in lines.values_list(
        "contract_id", "tax_category", "tax_rate", "net_amount", "gross_amount", "because"
    ):
        if "month" in because:
            led = gross if contract_id in with_tax and gross is not None else net
            place = contract_id, because["month"], tax_of_line(category, rate)
            taken[place] -= quantise(led, contracts[contract_id].currency)
    return taken


def _charged(
    contracts: Mapping[int, Contract], with_tax: Collection[int], months: Collection[tuple[int, str]]
) -> dict[_Place, Decimal]:
    """What live documents bill for the sessions that ended in these months of these contracts."""
    charged: dict[_Place, Decimal] = defaultdict(lambda: ZERO)
    spans = [parse_month(code).instants(contracts[contract_id].zone) for contract_id, code in months]
    if not spans:
        return charged
    billed = BilledCharge.objects.filter(
        ~cancelled("line__invoice"),
        use=ChargeUse.BILLED,
        charge__contract__in={contract_id for contract_id, _code in months},
        charge__session__ended_at__gte=min(first for first, _end in spans),
        charge__session__ended_at__lt=max(end for _first, end in spans),
    ).order_by("pk")
    rows: dict[int, tuple[Any, ...]] = {  # a charge on two documents, which other checks report, counts once
        row[0]: row
        for row in billed.values_list(
            "charge_id", "charge__contract_id", "charge__session__ended_at", "line__tax_category", "line__tax_rate",
            "charge__net_amount", "charge__gross_amount", "charge__vat_rate",
        ).iterator(chunk_size=5000)
    }  # fmt: skip
    taxes: dict[tuple[str, Decimal], Tax] = {}
    for _charge, contract_id, ended_at, category, rate, net, gross, stated in rows.values():
        contract = contracts[contract_id]
        code = month_of(local_date(ended_at, contract.zone)).code
        if (contract_id, code) in months:
            tax = taxes.get((category, rate)) or taxes.setdefault((category, rate), tax_of_line(category, rate))
            charge = Charged(net, gross, stated)
            charged[contract_id, code, tax] += billed_amount(
                charge, tax, contract.currency, with_tax=contract_id in with_tax
            )
    return charged


@proves("I7", "An allowance keeps what it was reckoned from, and comes to what that says")
def lines_follow_from_their_because() -> Iterator[Finding]:
    """Lines of monthly terms: what earlier documents granted and this line are the total, what is left set aside."""
    lines = InvoiceLine.objects.filter(
        kind__in=[LineKind.ALLOWANCE, LineKind.BASE_FEE, LineKind.SHORTFALL]
    ).select_related("invoice")
    for line in lines.iterator(chunk_size=2000):
        because = line.because
        if "month" not in because or "total" not in because:
            yield Finding("I7", f"document {line.invoice}", f"Line {line.position} does not say how it was reckoned.")
            continue
        total, before = Decimal(because["total"]), Decimal(because.get("before", 0))
        left = Decimal(because.get("left", 0))
        expected = -(total - before - left) if line.kind == LineKind.ALLOWANCE else total - before + left
        said = line.net_amount if line.gross_amount is None else line.gross_amount
        said = Decimal(because.get("whole", said))  # of a month in parts; that they add up is proven below
        if said != expected:
            yield Finding(
                "I7",
                f"document {line.invoice}",
                f"Line {line.position} is {said}; by its reckoning it is {expected}.",
            )


@proves("I7", "What was taken off a month in parts is divided without a rest")
def parts_are_the_whole() -> Iterator[Finding]:
    """Lines divided over the documents of one month; a month of which a document was credited is settled by people."""
    rows = InvoiceLine.objects.filter(because__has_key="whole").select_related("invoice", "contract")
    credited = set(
        Invoice.objects.filter(kind=InvoiceKind.CREDIT_NOTE).values_list("corrects__contract_id", "period_from")
    )
    parts: dict[tuple[object, ...], list[InvoiceLine]] = defaultdict(list)
    for line in rows.order_by("pk").iterator(chunk_size=2000):
        about = line.because
        if (line.contract_id, line.invoice.period_from) not in credited:
            key = (line.contract_id, line.invoice.period_from, line.invoice.created_at, about["term"], about["month"])
            parts[*key, line.tax_category, line.tax_rate].append(line)
    for lines in parts.values():
        whole = Decimal(lines[0].because["whole"])
        told = add(line.net_amount if line.gross_amount is None else line.gross_amount for line in lines)
        if told != whole:
            yield Finding(
                "I7",
                f"contract {lines[0].contract.number}",
                f"The parts of {lines[0].text} add up to {told}; it is {whole}.",
            )
