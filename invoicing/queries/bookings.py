"""What a document's totals are in the ledger."""

from decimal import Decimal
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from contracts.models import ContractKind
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO
from invoicing.models import AccountRole, Invoice, InvoiceKind, InvoiceLine, LineKind, PenaltyKind
from invoicing.rules.bookings import Booking, document_bookings


class PenaltyNets(NamedTuple):
    """Which part of a document's net its penalties make: fees, and interest."""

    fees: Decimal = ZERO
    interest: Decimal = ZERO


NO_PENALTIES = PenaltyNets()
PENALTY_KIND = Coalesce(
    "penalty__kind",
    "released_penalty__penalty__kind",
    "corrects__penalty__kind",
    "corrects__released_penalty__penalty__kind",
)
"""The kind of the penalty that a line bills or credits, kept when the penalty is released to be billed again."""


def penalty_nets(lines: QuerySet[InvoiceLine]) -> dict[int, PenaltyNets]:
    """By document, of those with lines of penalties among `lines`, or with credits of such lines; one query.

    Missed uptime lowers the revenue.
    """
    found: dict[int, PenaltyNets] = {}
    sums = (
        lines.filter(Q(kind=LineKind.PENALTY) | Q(kind=LineKind.CREDIT, corrects__kind=LineKind.PENALTY))
        .order_by()
        .annotate(of_kind=PENALTY_KIND)
        .values_list("invoice_id", "of_kind")
        .annotate(total=amount_sum("net_amount"))
    )
    for invoice_id, kind, total in sums:
        nets = found.get(invoice_id, NO_PENALTIES)
        found[invoice_id] = (
            nets._replace(interest=nets.interest + total)
            if kind == PenaltyKind.INTEREST
            else nets._replace(fees=nets.fees + total)
        )
    return found


def advance_nets(lines: QuerySet[InvoiceLine]) -> dict[int, Decimal]:
    """By document, of those among `lines` that set advance payments off, or credit such lines: minus what they use.

    A line's `because` says how much of the advance's net it uses: where prices include tax, that may be a cent beside
    the line's own net, which is rounded with its document.
    """
    found: dict[int, Decimal] = {}
    used = lines.filter(Q(kind=LineKind.ADVANCE_USED) | Q(kind=LineKind.CREDIT, corrects__kind=LineKind.ADVANCE_USED))
    for invoice_id, own, credited in used.order_by().values_list("invoice_id", "because", "corrects__because"):
        because = credited if credited and "net" in credited else own
        found[invoice_id] = found.get(invoice_id, ZERO) - Decimal(because["net"])
    return found


def bookings_of(
    invoice: Invoice, penalties: PenaltyNets | None = None, advance: Decimal | None = None
) -> tuple[Booking, ...]:
    """The bookings of a document, issued or about to be; a credit note's are those of the lines it credits, reversed.

    `penalties` and `advance` are those of the document's own lines where they are known; otherwise one query each.
    """
    credit = invoice.kind == InvoiceKind.CREDIT_NOTE
    about = invoice.corrects if credit and invoice.corrects is not None else invoice
    if penalties is None:
        penalties = penalty_nets(InvoiceLine.objects.filter(invoice=invoice)).get(invoice.pk, NO_PENALTIES)
    if about.kind == InvoiceKind.ADVANCE:
        advance = invoice.net_amount
    elif advance is None:
        advance = advance_nets(InvoiceLine.objects.filter(invoice=invoice)).get(invoice.pk, ZERO)
    return document_bookings(
        settlement=about.kind == InvoiceKind.SETTLEMENT,
        sponsored=invoice.contract.kind == ContractKind.SPONSORSHIP,
        credit=credit,
        net=invoice.net_amount,
        tax=invoice.tax_amount,
        fees=penalties.fees,
        interest=penalties.interest,
        advance=advance,
    )


def receivable_of(invoice: Invoice) -> AccountRole:
    """The account on which a document to a customer is owed: sponsors have one of their own."""
    sponsored = invoice.contract.kind == ContractKind.SPONSORSHIP
    return AccountRole.SPONSOR_RECEIVABLE if sponsored else AccountRole.RECEIVABLE
