"""Documents: sessions billed once (I1), totals right (I7), bytes unchanged (I8), one per slot (I10), credits (I11)."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256

from django.db.models import Case, Count, Exists, F, Max, Min, OuterRef, Q, When
from django.db.models.functions import Coalesce, Round

from contracts.models import PriceBasis
from evbilling.kernel.books import Finding, proves
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, split_gross, vat_of
from invoicing.models import (
    BilledCharge,
    ChargeUse,
    Document,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
    Letter,
    LineKind,
)
from invoicing.queries.cancelled import cancelled
from invoicing.rules.basis import Charged, billed_amount
from invoicing.rules.tax import Category, Tax
from sessions.models import ChargingSession, SessionCharge

_LIVE = ~cancelled("pk")


def _named(invoice: Invoice) -> str:
    return f"document {invoice.number or invoice.pk}"


@proves("I1", "A session is billed at most once per payer")
def billed_once() -> Iterator[Finding]:
    """No revision of a session is on a live document where another one is, for the same payer.

    Only sessions on several documents or with several revisions are looked at closely: most books have few.
    """
    billed = BilledCharge.objects.filter(use=ChargeUse.BILLED).order_by()
    often = (
        billed.values("charge__session", "charge__contract")
        .annotate(first=Min("line__invoice"), last=Max("line__invoice"))
        .filter(last__gt=F("first"))
        .values("charge__session")
    )
    twin = ChargingSession.objects.filter(
        source=OuterRef("source"), source_label=OuterRef("source_label"), provider_ref=OuterRef("provider_ref")
    ).exclude(pk=OuterRef("pk"))
    revised = ChargingSession.objects.filter(Exists(twin)).order_by().values("pk")
    if not (often.exists() or revised.exists()):
        return
    ref = ("charge__session__source", "charge__session__source_label", "charge__session__provider_ref")
    twice = (
        billed.filter(~cancelled("line__invoice"), Q(charge__session__in=often) | Q(charge__session__in=revised))
        .values(*ref, "charge__contract__number")
        .annotate(revisions=Count("charge__session", distinct=True), documents=Count("line__invoice", distinct=True))
        .filter(Q(revisions__gt=1) | Q(documents__gt=1))
    )
    for row in twice:
        yield Finding(
            "I1",
            f"session {row[ref[2]]}",
            f"It is billed more than once under contract {row['charge__contract__number']}; credit one document.",
        )


@proves("I1", "The parts of all payers are the session's price")
def parts_are_the_price() -> Iterator[Finding]:
    """Of every session with charges, per price: by the gross where it includes tax, which is what was split."""
    sums = (
        SessionCharge.objects.order_by()
        .values_list("price", "session")
        .annotate(
            ref=Min("session__provider_ref"),
            whole=Coalesce("price__gross_amount", "price__net_amount"),
            parts=amount_sum(Coalesce("gross_amount", "net_amount")),
        )
        .annotate(rest=Round(F("parts") - F("whole"), precision=4))
        .exclude(rest=0)
    )
    for _price, _session, ref, whole, parts, _rest in sums.iterator(chunk_size=5000):
        yield Finding("I1", f"session {ref}", f"Its charges add up to {parts}, its price is {whole}.")


@proves("I7", "A line is the sum of its session charges")
def lines_are_their_charges() -> Iterator[Finding]:
    """Lines of charging and sponsored charging against what they bill, in the document's price basis."""
    sums: dict[int, Decimal] = (
        dict(
            BilledCharge.objects.filter(use=ChargeUse.BILLED, line__gross_amount__isnull=True)
            .order_by()
            .values_list("line_id")
            .annotate(total=amount_sum("charge__net_amount"))
        )
        | _with_tax()
    )
    lines = InvoiceLine.objects.filter(kind__in=[LineKind.CHARGING, LineKind.SPONSORED]).values_list(
        "pk", Coalesce("gross_amount", "net_amount"), "position", "invoice_id", "invoice__number"
    )
    for pk, said, position, invoice_id, number in lines.iterator(chunk_size=5000):
        charged = sums.get(pk, ZERO)
        if charged != said:
            yield Finding(
                "I7",
                f"document {number or invoice_id}",
                f"Line {position} says {said}; its session charges add up to {charged}.",
            )


def _with_tax() -> dict[int, Decimal]:
    """What the charges of each line with tax in its price come to, one by one as documents bill them."""
    sums: dict[int, Decimal] = defaultdict(lambda: ZERO)
    rows = BilledCharge.objects.filter(use=ChargeUse.BILLED, line__gross_amount__isnull=False).values_list(
        "line_id",
        "line__tax_category",
        "line__tax_rate",
        "charge__net_amount",
        "charge__gross_amount",
        "charge__vat_rate",
        "charge__currency",
    )
    for line_id, category, rate, net, gross, stated, currency in rows.iterator(chunk_size=5000):
        tax = Tax(Category(category), rate)
        sums[line_id] += billed_amount(Charged(net, gross, stated), tax, currency, with_tax=True)
    return dict(sums)


@proves("I7", "A document's total is its lines and its tax per rate")
def totals_add_up() -> Iterator[Finding]:
    """Lines and tax rows per category and rate; tax by rounding once on the summed net, of credits by difference.

    Where prices include tax, the net by division once of the summed gross, the tax what is left.
    """
    lines: dict[int, dict[tuple[str, Decimal], tuple[Decimal, Decimal | None]]] = defaultdict(dict)
    for invoice_id, category, rate, net, gross in (
        InvoiceLine.objects.order_by()
        .values_list("invoice_id", "tax_category", "tax_rate")
        .annotate(total=amount_sum("net_amount"), with_tax=amount_sum("gross_amount"))
    ):
        lines[invoice_id][category, rate] = net, gross
    taxes: dict[int, list[InvoiceTax]] = defaultdict(list)
    for row in InvoiceTax.objects.iterator(chunk_size=5000):
        taxes[row.invoice_id].append(row)
    for invoice in Invoice.objects.iterator(chunk_size=2000):
        for problem in _problems(invoice, lines[invoice.pk], taxes[invoice.pk]):
            yield Finding("I7", _named(invoice), problem)


def _problems(
    invoice: Invoice, lines: dict[tuple[str, Decimal], tuple[Decimal, Decimal | None]], taxes: list[InvoiceTax]
) -> Iterator[str]:
    rows = {(row.tax_category, row.tax_rate): row for row in taxes}
    for key in sorted(lines.keys() | rows.keys()):
        (on_lines, gross), row = lines.get(key, (ZERO, None)), rows.get(key)
        if row is None or row.net_amount != on_lines:
            told = row.net_amount if row else "nothing"
            yield f"Its lines at {key[0]} {key[1]:f} % add up to {on_lines}, its tax table says {told}."
        elif invoice.price_basis == PriceBasis.GROSS:
            yield from _gross_problems(invoice, row, ZERO if gross is None else gross)
        elif invoice.kind != InvoiceKind.CREDIT_NOTE:
            due = vat_of(row.net_amount, row.tax_rate, invoice.currency)
            if due != row.tax_amount:
                yield f"Its tax at {key[1]:f} % is {row.tax_amount}; on {row.net_amount} it is {due}."
    net, tax = sum((row.net_amount for row in taxes), ZERO), sum((row.tax_amount for row in taxes), ZERO)
    if (net, tax, net + tax) != (invoice.net_amount, invoice.tax_amount, invoice.gross_amount):
        yield (
            f"Its totals are {invoice.net_amount} + {invoice.tax_amount} = {invoice.gross_amount}; "
            f"its tax table gives {net} + {tax} = {net + tax}."
        )


def _gross_problems(invoice: Invoice, row: InvoiceTax, gross: Decimal) -> Iterator[str]:
    at = f"at {row.tax_rate:f} %"
    if gross != row.net_amount + row.tax_amount:
        yield f"Its lines {at} add up to {gross} with tax, its tax table says {row.net_amount + row.tax_amount}."
    elif invoice.kind != InvoiceKind.CREDIT_NOTE:
        net = split_gross(gross, row.tax_rate, invoice.currency)[0]
        if net != row.net_amount:
            yield f"Its net {at} is {row.net_amount}; of {gross} with tax it is {net}."


@proves("I8", "Archived documents are the bytes that were made")
def bytes_unchanged() -> Iterator[Finding]:
    """Size and SHA-256 of every archived file, one at a time."""
    for document in Document.objects.select_related("invoice").iterator(chunk_size=50):
        content = bytes(document.content)
        if len(content) != document.size or sha256(content).hexdigest() != document.sha256:
            yield Finding("I8", document.file_name, "Its bytes are not those that were archived.")


@proves("I8", "Archived letters are the bytes that were made")
def letters_unchanged() -> Iterator[Finding]:
    """Size and SHA-256 of every archived letter, one at a time."""
    for letter in Letter.objects.order_by("pk").iterator(chunk_size=50):
        content = bytes(letter.content)
        if len(content) != letter.size or sha256(content).hexdigest() != letter.sha256:
            yield Finding("I8", f"letter {letter.file_name}", "Its bytes are not those that were archived.")


@proves("I10", "At most one live document per contract or group, period, kind and part")
def one_live_document() -> Iterator[Finding]:
    """Credit notes stand beside what they credit, as many as there were; advance invoices beside each other."""
    documents = (
        Invoice.objects.filter(_LIVE)
        .exclude(kind__in=[InvoiceKind.CREDIT_NOTE, InvoiceKind.ADVANCE])
        .order_by()
        .annotate(
            owner=Case(When(billing_group=None, then="contract__number"), default="billing_group__name"),
            place=Case(When(billing_group=None, then="contract"), default="billing_group"),
        )
        .values("billing_group", "place", "owner", "split_key", "period_from", "period_to", "kind")
        .annotate(live=Count("pk"))
        .filter(live__gt=1)
    )
    for row in documents:
        yield Finding(
            "I10",
            f"{'contract' if row['billing_group'] is None else 'group'} {row['owner']}",
            f"{row['live']} live documents ({row['kind']}) bill {row['period_from']} to {row['period_to']}.",
        )


@proves("I11", "Credits never exceed the document, at any tax rate")
def credits_within() -> Iterator[Finding]:
    """Per tax rate, net and tax; and a credit note has the party and currency of its original."""
    credited: dict[tuple[int, str, Decimal], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    notes = InvoiceTax.objects.filter(invoice__kind=InvoiceKind.CREDIT_NOTE).select_related("invoice")
    for row in notes.iterator(chunk_size=2000):
        sums = credited[row.invoice.corrects_id or 0, row.tax_category, row.tax_rate]
        sums[0] += row.net_amount
        sums[1] += row.tax_amount
    originals = InvoiceTax.objects.filter(invoice__in={key[0] for key in credited}).select_related("invoice")
    rows = {(row.invoice_id, row.tax_category, row.tax_rate): row for row in originals}
    for key, (net, tax) in credited.items():
        original = rows.get(key)
        if original is None or net > original.net_amount or tax > original.tax_amount:
            yield Finding(
                "I11",
                _named(original.invoice) if original else f"document {key[0]}",
                f"{net} net and {tax} tax are credited at {key[2]:f} %, more than it charges there.",
            )
    strangers = Invoice.objects.filter(kind=InvoiceKind.CREDIT_NOTE).exclude(
        corrects__party=F("party"), corrects__currency=F("currency"), corrects__state=InvoiceState.ISSUED
    )
    for note in strangers:
        yield Finding("I11", _named(note), "It credits a document of another party or currency, or a draft.")
