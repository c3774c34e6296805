"""Money: allocations within documents (I12), the ledger balanced, complete and equal to the documents (I7, I15)."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Cast, Concat, Substr

from evbilling.kernel.books import Finding, proves
from evbilling.kernel.clock import month_of
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO
from invoicing.models import (
    AccountingPeriod,
    AccountRole,
    Allocation,
    Correction,
    CorrectionKind,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    JournalEntry,
    JournalLine,
)
from invoicing.queries.bookings import NO_PENALTIES, PenaltyNets, advance_nets, bookings_of, penalty_nets, receivable_of
from invoicing.queries.documents import CREDIT_PREFIX, WRITE_OFF_PREFIX
from invoicing.rules.bookings import write_off_bookings

_INVOICE = "invoice:"
_ALLOCATION = "allocation:"


@proves("I12", "What is allocated to a document is at most its total")
def allocated_within() -> Iterator[Finding]:
    """Per document; none below zero, none in another currency, none on a draft."""
    sums = Allocation.objects.order_by().values_list("invoice_id").annotate(total=amount_sum("amount"))
    totals: dict[int, Decimal] = dict(sums)
    for invoice in Invoice.objects.filter(pk__in=totals).iterator(chunk_size=2000):
        total = totals[invoice.pk]
        if total > invoice.gross_amount or total < 0:
            yield Finding(
                "I12", f"document {invoice}", f"{total} is allocated to it; its total is {invoice.gross_amount}."
            )
    strange = Allocation.objects.exclude(currency=F("invoice__currency")) | Allocation.objects.filter(
        invoice__state=InvoiceState.DRAFT
    )
    for allocation in strange.select_related("invoice"):
        yield Finding(
            "I12", f"allocation {allocation.pk}", "It is in another currency than its document, or on a draft."
        )


@proves("I12", "A credit note settles at most its own total")
def credits_used_within() -> Iterator[Finding]:
    """Per source credit:<id>, which must be an issued credit note of the same party."""
    used = Allocation.objects.filter(source__startswith=CREDIT_PREFIX).select_related("invoice")
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    parties: dict[str, set[int]] = defaultdict(set)
    for allocation in used.iterator(chunk_size=2000):
        sums[allocation.source] += allocation.amount
        parties[allocation.source].add(allocation.invoice.party_id)
    notes = {
        f"{CREDIT_PREFIX}{note.pk}": note
        for note in Invoice.objects.filter(kind=InvoiceKind.CREDIT_NOTE, state=InvoiceState.ISSUED)
    }
    for source, total in sums.items():
        note = notes.get(source)
        if note is None or total > note.gross_amount or parties[source] != {note.party_id}:
            yield Finding(
                "I12", source, f"{total} of it is allocated; it holds {note.gross_amount if note else 'nothing'}."
            )


@proves("I12", "An undone allocation is undone in full")
def reversals_match() -> Iterator[Finding]:
    """Amount, source and document of a reversal are those of the allocation it undoes."""
    made = Allocation.objects.filter(reverses__isnull=False)
    same = Q(amount=-F("reverses__amount"), source=F("reverses__source"), invoice=F("reverses__invoice"))
    for allocation in made.exclude(same):
        yield Finding("I12", f"allocation {allocation.pk}", "It does not undo exactly the allocation that it names.")


@proves("I15", "Every journal entry balances")
def entries_balance() -> Iterator[Finding]:
    """The lines of each entry add up to zero."""
    sums = JournalLine.objects.order_by().values_list("entry_id", "entry__source").annotate(total=amount_sum("amount"))
    for _entry, source, total in sums.iterator(chunk_size=5000):
        if total != 0:
            yield Finding("I15", f"journal {source}", f"Its lines add up to {total}, not to zero.")


@proves("I15", "No entry was posted into a closed month")
def closed_stays_closed() -> Iterator[Finding]:
    """Entries booked on a day of a closed month were posted before it was closed."""
    for closed in AccountingPeriod.objects.filter(reopened_at=None):
        end = month_of(closed.month).end
        late = JournalEntry.objects.filter(
            operator=closed.operator_id, booked_on__gte=closed.month, booked_on__lt=end, posted_at__gt=closed.closed_at
        )
        for entry in late:
            yield Finding("I15", f"journal {entry.source}", f"It was posted into {closed} after that month was closed.")


@proves("I15", "Every issued document and allocation is in the ledger once")
def each_is_booked() -> Iterator[Finding]:
    """By source; its uniqueness is the database's. Credit allocations move no money and have no entry."""
    sources = JournalEntry.objects.values("source")
    documents = Invoice.objects.filter(state=InvoiceState.ISSUED).annotate(
        source_name=Concat(Value(_INVOICE), Cast("pk", CharField()))
    )
    for invoice in documents.exclude(source_name__in=sources):
        yield Finding("I15", f"document {invoice}", "It is issued but not in the ledger.")
    allocations = Allocation.objects.exclude(source__startswith=CREDIT_PREFIX).annotate(
        source_name=Concat(Value("allocation:"), Cast("pk", CharField()))
    )
    for allocation in allocations.exclude(source_name__in=sources):
        yield Finding("I15", f"allocation {allocation.pk}", "It is not in the ledger.")


@proves("I15", "The ledger holds each allocation with its amount")
def ledger_equals_allocations() -> Iterator[Finding]:
    """Money moves from the party's unallocated credit to the receivable by what was allocated, in its currency; a
    write-off from what was given up."""
    lines = JournalLine.objects.filter(entry__source__startswith=_ALLOCATION).order_by()
    booked: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for source, currency, role, total in lines.values_list(
        "entry__source", "entry__currency", "account__role"
    ).annotate(total=amount_sum("amount")):
        booked[source][f"{role} {currency}"] = total
    given_up = {
        f"{WRITE_OFF_PREFIX}{pk}": figures
        for pk, figures in Correction.objects.filter(kind=CorrectionKind.WRITE_OFF).values_list("pk", "figures")
    }
    made = Allocation.objects.exclude(source__startswith=CREDIT_PREFIX).select_related("invoice__contract")
    for each in made.iterator(chunk_size=2000):
        due = (
            {
                f"{booking.role} {each.currency}": booking.amount
                for booking in write_off_bookings(
                    receivable_of(each.invoice), each.amount, Decimal(given_up[each.source].get("tax", 0))
                )
            }
            if each.source in given_up
            else {
                f"{AccountRole.CUSTOMER_CREDIT.value} {each.currency}": each.amount,
                f"{receivable_of(each.invoice).value} {each.currency}": -each.amount,
            }
        )
        found = booked.pop(f"{_ALLOCATION}{each.pk}", {})
        if found and found != due:
            yield Finding("I15", f"allocation {each.pk}", "What the ledger holds of it is not what was allocated.")
    for source in sorted(booked):
        yield Finding("I15", f"journal {source}", "There is no such allocation.")


@proves("I7", "The ledger holds each document with its amounts")
def ledger_equals_documents() -> Iterator[Finding]:
    """Per role of account: what the document's totals ask for is what was booked, on its day and in its currency."""
    booked: dict[int, dict[str, Decimal]] = defaultdict(dict)
    entries: dict[int, tuple[object, str]] = {}
    lines = JournalLine.objects.filter(entry__source__startswith=_INVOICE).order_by()
    for number, role, total in (
        lines.annotate(number=Substr("entry__source", len(_INVOICE) + 1))
        .values_list("number", "account__role")
        .annotate(total=amount_sum("amount"))
    ):
        booked[int(number)][role] = total
    for source, day, currency in JournalEntry.objects.filter(source__startswith=_INVOICE).values_list(
        "source", "booked_on", "currency"
    ):
        entries[int(source.removeprefix(_INVOICE))] = (day, currency)
    issued = Invoice.objects.filter(pk__in=entries).select_related("contract", "corrects")
    penalties, advances = penalty_nets(InvoiceLine.objects.all()), advance_nets(InvoiceLine.objects.all())
    for invoice in issued.iterator(chunk_size=2000):
        if booked[invoice.pk] != _due(invoice, penalties, advances) or entries[invoice.pk] != (
            invoice.issued_on,
            invoice.currency,
        ):
            yield Finding("I7", f"document {invoice}", "What the ledger holds of it is not what the document says.")


def _due(invoice: Invoice, penalties: dict[int, PenaltyNets], advances: dict[int, Decimal]) -> dict[str, Decimal]:
    bookings = bookings_of(invoice, penalties.get(invoice.pk, NO_PENALTIES), advances.get(invoice.pk, ZERO))
    return {booking.role: booking.amount for booking in bookings}
