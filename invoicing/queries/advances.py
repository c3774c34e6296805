"""Advance invoices: what is paid of them, what documents used of them, and what is left."""

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import QuerySet

from contracts.models import PriceBasis
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise
from invoicing.models import Allocation, Invoice, InvoiceKind, InvoiceLine, InvoiceState, LineKind
from invoicing.queries.documents import PAYMENT_PREFIX
from invoicing.rules.advances import Advance
from invoicing.rules.tax import Category


def advance_lines() -> QuerySet[InvoiceLine]:
    """The lines of issued advance invoices, oldest first; each advance invoice has one."""
    issued = InvoiceLine.objects.filter(
        kind=LineKind.ADVANCE, invoice__kind=InvoiceKind.ADVANCE, invoice__state=InvoiceState.ISSUED
    )
    return issued.select_related("invoice").order_by("invoice__issued_on", "pk")


def advances_of(contract_ids: Collection[int], *, with_tax: bool = False) -> list[Advance]:
    """The issued advances of these contracts whose leading amount is of this basis; one query where there are none."""
    basis = PriceBasis.GROSS if with_tax else PriceBasis.NET
    return advances_among(advance_lines().filter(contract__in=contract_ids, invoice__price_basis=basis))


def advance_of(invoice: Invoice) -> Advance:
    """One issued advance invoice as the rules take it."""
    return advances_among(advance_lines().filter(invoice=invoice))[0]


def advances_among(lines: QuerySet[InvoiceLine]) -> list[Advance]:
    """These advance lines as the rules take them; five queries. What was credited of an advance is taken off its
    totals; uses on drafts count, those that a credit note took back do not.
    """
    rows = list(lines)
    if not rows:
        return []
    used = _used([row.pk for row in rows])
    documents = [row.invoice_id for row in rows]
    payments = Allocation.objects.filter(invoice__in=documents, source__startswith=PAYMENT_PREFIX)
    notes = Invoice.objects.filter(corrects__in=documents, kind=InvoiceKind.CREDIT_NOTE, state=InvoiceState.ISSUED)
    paid = _sums(payments, "invoice", "amount")
    net, gross = _sums(notes, "corrects", "net_amount"), _sums(notes, "corrects", "gross_amount")
    found = []
    for row in rows:
        invoice = row.invoice
        amount, of_net = used.get(row.pk, (ZERO, ZERO))
        found.append(
            Advance(
                line_id=row.pk,
                contract_id=row.contract_id,
                number=invoice.number or "",
                key=(Category(row.tax_category), row.tax_rate),
                net=quantise(invoice.net_amount - net.get(invoice.pk, ZERO), invoice.currency),
                gross=quantise(invoice.gross_amount - gross.get(invoice.pk, ZERO), invoice.currency),
                paid=paid.get(invoice.pk, ZERO),
                used=quantise(amount, invoice.currency),
                used_net=quantise(of_net, invoice.currency),
                with_tax=invoice.price_basis == PriceBasis.GROSS,
            )
        )
    return found


def _sums(rows: QuerySet[Any], by: str, amount: str) -> dict[int, Decimal]:
    return dict(rows.order_by().values_list(by).annotate(total=amount_sum(amount)))


def _used(line_ids: Collection[int]) -> dict[int, tuple[Decimal, Decimal]]:
    """By advance line: the leading amount that documents use, and the net that it is booked with."""
    uses = InvoiceLine.objects.filter(advance__in=line_ids, kind=LineKind.ADVANCE_USED)
    back: dict[int, Decimal] = defaultdict(lambda: ZERO)
    credits = InvoiceLine.objects.filter(
        corrects__in=uses, invoice__kind=InvoiceKind.CREDIT_NOTE, invoice__state=InvoiceState.ISSUED
    )
    for use_id, net, gross in credits.values_list("corrects_id", "net_amount", "gross_amount"):
        back[use_id] += net if gross is None else gross
    found: dict[int, tuple[Decimal, Decimal]] = {}
    rows = uses.values_list("pk", "advance_id", "net_amount", "gross_amount", "because", "invoice__currency")
    for use_id, advance_id, net, gross, because, currency in rows:
        whole = net if gross is None else gross
        left = Fraction(whole - back[use_id]) / Fraction(whole)
        amount, of_net = found.get(advance_id, (ZERO, ZERO))
        taken = quantise(Fraction(Decimal(because["net"])) * left, currency)
        found[advance_id] = (amount - (whole - back[use_id]), of_net + taken)
    return found
