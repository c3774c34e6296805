"""Monthly terms: what documents took off a month is what its terms allow, never more than it charged (I7)."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from contracts.models import Contract, PriceBasis
from evbilling.kernel.books import Finding, proves
from evbilling.kernel.clock import parse_month
from evbilling.kernel.money import ZERO, add
from invoicing.models import Invoice, InvoiceKind, InvoiceLine, LineKind
from invoicing.queries.monthly import MONTHLY_KINDS, granted_so_far, month_charges
from invoicing.rules.tax import Tax


@proves("I7", "Allowances of a month never exceed what it charged")
def allowances_within() -> Iterator[Finding]:
    """Per contract, month and tax, over its documents; contracts with credited documents are settled by people."""
    contracts = (
        Contract.objects.filter(versions__terms__kind__in=MONTHLY_KINDS)
        .exclude(pk__in=InvoiceLine.objects.filter(invoice__kind=InvoiceKind.CREDIT_NOTE).values("contract"))
        .distinct()
        .order_by("pk")
    )
    for contract in contracts.iterator(chunk_size=500):
        with_tax = contract.versions.filter(price_basis=PriceBasis.GROSS).exists()
        granted = granted_so_far(contract, with_tax=with_tax)
        months = {code: parse_month(code) for code in granted}
        charges, _sites = month_charges(contract, list(months.values()), {}, energy=False, with_tax=with_tax)
        for code, month in months.items():
            charged: dict[Tax, Decimal] = {}
            for charge in charges.get(month, ()):
                charged[charge.tax] = charged.get(charge.tax, ZERO) + charge.net
            taken: dict[Tax, Decimal] = {}
            for (_term, tax), net in granted[code].allowances.items():
                taken[tax] = taken.get(tax, ZERO) + net
            for tax, net in taken.items():
                if not ZERO <= net <= charged.get(tax, ZERO):
                    yield Finding(
                        "I7",
                        f"contract {contract.number}",
                        f"Allowances of {code} at {tax.percent:f} % come to {net}; the month charged "
                        f"{charged.get(tax, ZERO)} there.",
                    )


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
