"""Tax by month, country, category and rate, from the documents; beside it what the tax accounts moved."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from contracts.models import Operator
from evbilling.kernel.clock import Period
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise, split_largest_remainder
from invoicing.models import (
    AccountRole,
    BilledCharge,
    ChargeUse,
    Invoice,
    InvoiceKind,
    InvoiceState,
    InvoiceTax,
    JournalLine,
    TaxCategory,
)
from invoicing.queries.accounting.ledger import TOTAL
from invoicing.queries.accounting.report import Column, Report, Row, Section, added, summed

TAX = (
    Column("month", _("month")),
    Column("country", _("country")),
    Column("category", _("tax category")),
    Column("rate", _("rate"), "percent"),
    Column("documents", _("documents"), "number"),
    Column("net", _("net"), "money", adds=True),
    Column("tax", _("tax"), "money", adds=True),
    Column("credit_net", _("credited, net"), "money", adds=True),
    Column("credit_tax", _("credited, tax"), "money", adds=True),
    Column("sum_net", _("net after credits"), "money", adds=True),
    Column("sum_tax", _("tax after credits"), "money", adds=True),
)
OTHER = (
    Column("day", _("booked on"), "day"),
    Column("source", _("source")),
    Column("text", _("text")),
    Column("tax", _("tax"), "money", adds=True),
)
Weights = dict[str, Decimal]
_FROZEN = (
    "invoice__issuer_details",
    "invoice__recipient_details",
    "invoice__corrects__issuer_details",
    "invoice__corrects__recipient_details",
)
"""The largest columns of documents, which no figure needs."""


def tax_summary(operator: Operator, period: Period, currency: str = "") -> Report:
    """Output and input tax of the documents issued in a period, per currency. Six queries, however many documents.

    A document's tax row goes to the countries of its sessions, by their net; one without sessions (fees, rent) to the
    operator's country. A credit note goes where its original went. Movements of the tax accounts that no document
    makes are listed below, so that documents and ledger agree.
    """
    taxes = InvoiceTax.objects.filter(
        invoice__operator=operator,
        invoice__state=InvoiceState.ISSUED,
        invoice__issued_on__gte=period.start,
        invoice__issued_on__lt=period.end,
    )
    if currency:
        taxes = taxes.filter(invoice__currency=currency)
    places = _places(taxes)
    sums: dict[tuple[str, bool], dict[tuple[str, str, str, Decimal], list[Decimal]]] = defaultdict(
        lambda: defaultdict(lambda: [ZERO] * 4)
    )
    counts: dict[tuple[str, bool], dict[tuple[str, str, str, Decimal], set[int]]] = defaultdict(
        lambda: defaultdict(set)
    )
    for row in taxes.select_related("invoice", "invoice__corrects").defer(*_FROZEN).iterator(chunk_size=2000):
        invoice = row.invoice
        credit = invoice.kind == InvoiceKind.CREDIT_NOTE
        about = invoice.corrects if credit and invoice.corrects is not None else invoice
        key = (invoice.currency, about.kind == InvoiceKind.SETTLEMENT)
        weights = places.get((about.pk, row.tax_category, row.tax_rate)) or {operator.country: Decimal(1)}
        nets, parts = (_split(total, weights, invoice.currency) for total in (row.net_amount, row.tax_amount))
        month = f"{invoice.issued_on:%Y-%m}"
        for country in nets:
            cell = (month, country, row.tax_category, row.tax_rate)
            counts[key][cell].add(invoice.pk)
            place = 2 if credit else 0
            sums[key][cell][place] += nets[country]
            sums[key][cell][place + 1] += parts[country]
    others = _other_movements(operator, period, currency)
    sections, findings = [], []
    for code, host in sorted({*sums, *others}):
        made = sorted(sums[code, host].items())
        rows = [_row(cell, amounts, len(counts[code, host][cell]), code) for cell, amounts in made]
        title = _("Input tax, from settlements") if host else _("Output tax, from invoices")
        note = _("Dated by the day of the document. Credits are shown beside what they correct.")
        sections.append(Section(title, code, TAX, rows, note, summed(TAX, rows, TOTAL)))
        other = others.get((code, host), [])
        if other:
            sections.append(
                Section(_("Moved without a document"), code, OTHER, other, totals=summed(OTHER, other, TOTAL))
            )
        total = added(rows) + added(other)
        moved = _moved(operator, period, code, host=host)
        if moved != total:
            findings.append(
                _("%(title)s in %(currency)s: the reports say %(reported)s, the account moved by %(moved)s.")
                % {"title": title, "currency": code, "reported": total, "moved": moved}
            )
    return Report("tax", _("Tax summary"), period.code, sections, findings)


def _row(cell: tuple[str, str, str, Decimal], amounts: list[Decimal], count: int, code: str) -> Row:
    month, country, category, rate = cell
    net, tax, credit_net, credit_tax = (quantise(amount, code) for amount in amounts)
    label = f"{category} {TaxCategory(category).label}"
    sums = (net, tax, -credit_net, -credit_tax, net - credit_net, tax - credit_tax)
    return Row((month, country, label, rate, count, *sums))


def _places(taxes: QuerySet[InvoiceTax, Any]) -> dict[tuple[int, str, Decimal], Weights]:
    """Net of the billed charges by country, per document, category and rate; of credit notes, those of the original."""
    issued = Invoice.objects.filter(taxes__in=taxes.values("pk"))
    originals = issued.filter(corrects__isnull=False).values("corrects")
    charges = BilledCharge.objects.filter(use__in=[ChargeUse.BILLED, ChargeUse.SHARED])
    about = charges.filter(line__invoice__in=issued.values("pk")) | charges.filter(line__invoice__in=originals)
    sums = (
        about.order_by()
        .values_list("line__invoice_id", "line__tax_category", "line__tax_rate", "charge__session__site__country")
        .annotate(total=amount_sum("charge__net_amount"))
    )
    found: dict[tuple[int, str, Decimal], Weights] = defaultdict(dict)
    for invoice_id, category, rate, country, total in sums.iterator(chunk_size=5000):
        if country:
            found[invoice_id, category, rate][country] = total
    return found


def _split(total: Decimal, weights: Mapping[str, Decimal], currency: str) -> Weights:
    """An amount by country, adding up to it; countries whose sum is not positive take nothing."""
    shared = {country: weight for country, weight in sorted(weights.items()) if weight > 0}
    if not shared:
        return {next(iter(sorted(weights))): total}
    parts = split_largest_remainder(quantise(total, currency), list(shared.values()), currency)
    return dict(zip(shared, parts, strict=True))


def _tax_lines(operator: Operator, period: Period, *, host: bool) -> QuerySet[JournalLine]:
    role = AccountRole.INPUT_TAX if host else AccountRole.OUTPUT_TAX
    return JournalLine.objects.filter(
        account__operator=operator,
        account__role=role,
        entry__booked_on__gte=period.start,
        entry__booked_on__lt=period.end,
    )


def _moved(operator: Operator, period: Period, currency: str, *, host: bool) -> Decimal:
    """What the tax account moved, as the documents say it: positive is owed (or to reclaim)."""
    lines = _tax_lines(operator, period, host=host).filter(entry__currency=currency)
    total = lines.aggregate(total=amount_sum("amount"))["total"] or ZERO
    return quantise(total if host else -total, currency)


def _other_movements(operator: Operator, period: Period, currency: str) -> dict[tuple[str, bool], list[Row]]:
    found: dict[tuple[str, bool], list[Row]] = defaultdict(list)
    for host in (False, True):
        lines = _tax_lines(operator, period, host=host).exclude(entry__source__startswith="invoice:")
        if currency:
            lines = lines.filter(entry__currency=currency)
        for line in lines.select_related("entry").order_by("entry__booked_on", "pk"):
            entry = line.entry
            amount = quantise(line.amount if host else -line.amount, entry.currency)
            row = Row((entry.booked_on, entry.source, entry.text, amount), ("journalentry", entry.pk))
            found[entry.currency, host].append(row)
    return found
