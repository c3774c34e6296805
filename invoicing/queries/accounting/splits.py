"""What of a document's booking stands at which tax rate: the ledger keeps one line per account, files ask for rates."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, add
from invoicing.models import AccountRole, Invoice, InvoiceKind, InvoiceLine, InvoiceTax, LineKind, PenaltyKind
from invoicing.queries.bookings import PENALTY_KIND

Rate = tuple[str, Decimal]
"""Tax category and percent."""


@dataclass(frozen=True, slots=True)
class RateSplit:
    """Nets by role and rate, and the tax by rate, signed as the journal has them."""

    nets: Mapping[tuple[str, Rate], Decimal]
    taxes: Mapping[Rate, Decimal]


def rate_splits(invoices: QuerySet[Invoice, Any], booked: Mapping[int, Mapping[str, Decimal]]) -> dict[int, RateSplit]:
    """By document: its booking (`booked`: amounts by role) split by rate. Documents whose split does not add up to
    their booking to the cent are left out; they are told as they are booked. Three queries, however many documents.
    """
    nets: dict[int, dict[tuple[str, Rate], Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    lines = (
        InvoiceLine.objects.filter(invoice__in=invoices.values("pk"))
        .order_by()
        .annotate(of_penalty=PENALTY_KIND)
        .values_list("invoice_id", "kind", "corrects__kind", "of_penalty", "tax_category", "tax_rate")
        .annotate(total=amount_sum("net_amount"))
    )
    about = {
        pk: (corrected or kind, role)
        for pk, kind, corrected, role in invoices.order_by().values_list(
            "pk", "kind", "corrects__kind", "contract__kind"
        )
    }
    for invoice_id, kind, corrected, of_penalty, category, rate, total in lines.iterator(chunk_size=5000):
        if invoice_id in about:
            role = _role(corrected or kind, of_penalty, *about[invoice_id])
            nets[invoice_id][role, (category, rate)] += total
    taxes: dict[int, dict[Rate, Decimal]] = defaultdict(dict)
    rows = InvoiceTax.objects.filter(invoice__in=invoices.values("pk"))
    for invoice_id, category, rate, tax in rows.values_list("invoice_id", "tax_category", "tax_rate", "tax_amount"):
        taxes[invoice_id][category, rate] = tax
    found = {}
    for pk, (kind, _contract) in about.items():
        tax_role = AccountRole.INPUT_TAX if kind == InvoiceKind.SETTLEMENT else AccountRole.OUTPUT_TAX
        split = _signed(nets[pk], taxes[pk], tax_role.value, booked.get(pk, {}))
        if split is not None:
            found[pk] = split
    return found


def _role(kind: str, of_penalty: str | None, document: str, contract: str) -> str:
    if document == InvoiceKind.SETTLEMENT:
        return AccountRole.HOST_COST.value
    if document == InvoiceKind.ADVANCE or kind == LineKind.ADVANCE_USED:
        return AccountRole.ADVANCE_RECEIVED.value
    if kind == LineKind.PENALTY:
        interest = of_penalty == PenaltyKind.INTEREST
        return (AccountRole.INTEREST_INCOME if interest else AccountRole.FEE_REVENUE).value
    return (AccountRole.SPONSOR_REVENUE if contract == "sponsorship" else AccountRole.REVENUE).value


def _signed(
    nets: Mapping[tuple[str, Rate], Decimal],
    taxes: Mapping[Rate, Decimal],
    tax_role: str,
    booked: Mapping[str, Decimal],
) -> RateSplit | None:
    """With the journal's signs; None where a role's sum is not what the journal has."""
    for sign in (-1, 1):
        signed = {key: sign * net for key, net in nets.items() if net}
        tax = {rate: sign * amount for rate, amount in taxes.items()}
        sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for (role, _rate), amount in signed.items():
            sums[role] += amount
        sums[tax_role] += add(tax.values())
        if all(booked.get(role, ZERO) == amount for role, amount in sums.items()):
            return RateSplit(signed, tax)
    return None
