"""The account of one party, read from the ledger's lines that carry it: so it equals the books by construction.

A positive balance is owed by the party, a negative one is its credit. Money that was received first is the party's
credit, then settles documents: allocations move the balance nowhere and stand there as explanations. Deposits and
advance payments are money of others on accounts of their own; what moves there is shown when it leaves this one.
"""

import csv
import datetime as dt
import io
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Max, QuerySet
from django.utils.functional import Promise, lazy

from contracts.models import Operator, Party
from evbilling.kernel.clock import month_of
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise
from evbilling.kernel.spreadsheet import guard
from invoicing.models import (
    CLAIMS,
    AccountRole,
    Allocation,
    Deposit,
    Invoice,
    InvoiceKind,
    InvoiceState,
    JournalEntry,
    JournalLine,
)
from invoicing.queries.accounting.references import own_part
from invoicing.queries.aging import BUCKETS, bucket_of
from invoicing.queries.documents import WRITE_OFF_PREFIX

ROLES = (
    AccountRole.RECEIVABLE,
    AccountRole.SPONSOR_RECEIVABLE,
    AccountRole.HOST_PAYABLE,
    AccountRole.CUSTOMER_CREDIT,
)
"""The accounts that make up what a party owes or is owed."""
ALLOCATION = "allocation"
WRITE_OFF = "write_off"
_KINDS = {"payment": "payment", "refund": "refund", "deposit": "deposit"}
"""First part of an entry's source -> kind. Documents are told apart by their own kind, write-offs from allocations by
the allocation's source; all else is "other".
"""


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry: debit raises what the party owes, credit lowers it; `balance` stands after it.

    An allocation moves nothing: `set_off` is what it settled, negative where it was undone; its text names the money,
    its reference the document. A write-off has the document's reference as well; the text of money is its
    own. `text` is in the language that is active when it is read.
    """

    on: dt.date
    kind: str
    reference: str
    text: str | Promise
    debit: Decimal
    credit: Decimal
    balance: Decimal
    set_off: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Open:
    """A claim that was not settled at the end of the closing day."""

    invoice: Invoice
    amount: Decimal
    days_overdue: int


@dataclass(frozen=True, slots=True)
class Statement:
    """The account of a party with an operator in one currency, both days included."""

    operator: Operator
    party: Party
    currency: str
    first: dt.date
    last: dt.date
    opening: Decimal
    movements: tuple[Movement, ...]
    closing: Decimal
    open_claims: tuple[Open, ...]
    credit: Decimal

    @property
    def aging(self) -> list[tuple[int | None, int | None, Decimal]]:
        """(from days, to days, open) in the buckets of all aging."""
        sums = [ZERO] * len(BUCKETS)
        for each in self.open_claims:
            sums[bucket_of(each.days_overdue)] += each.amount
        return [(low, high, quantise(amount, self.currency)) for (low, high), amount in zip(BUCKETS, sums, strict=True)]


def statement_of(*, operator: Operator, party: Party, currency: str, first: dt.date, last: dt.date) -> Statement:
    """The account from the first day to the last one, both included. A fixed number of queries."""
    lines = _lines(operator, party, currency)
    opening = _sum(lines.filter(entry__booked_on__lt=first), currency)
    within = lines.filter(entry__booked_on__gte=first, entry__booked_on__lte=last).order_by(
        "entry__booked_on", "entry_id", "pk"
    )
    moved: dict[int, Decimal] = {}
    entries = {}
    for line in within.select_related("entry"):
        entries[line.entry_id] = line.entry
        moved[line.entry_id] = moved.get(line.entry_id, ZERO) + line.amount
    allocations = _allocations(entry.source for entry in entries.values())
    documents = _documents(entry.source for entry in entries.values())
    documents |= {source: each.invoice for source, each in allocations.items()}
    deposits = _deposits(entry.source for entry in entries.values())
    balance, movements = opening, []
    for pk, entry in entries.items():
        amount = quantise(moved[pk], currency)
        kind = _kind(entry.source, documents, allocations)
        if not amount and kind != ALLOCATION:
            continue
        balance += amount
        document = documents.get(entry.source)
        allocation = allocations.get(entry.source) if kind == ALLOCATION else None
        movements.append(
            Movement(
                entry.booked_on,
                kind,
                str(document) if document is not None else "",
                own_part(allocation.source) if allocation else _text(kind, entry, document, deposits.get(entry.source)),
                max(amount, quantise(ZERO, currency)),
                max(-amount, quantise(ZERO, currency)),
                balance,
                quantise(allocation.amount, currency) if allocation else ZERO,
            )
        )
    held = _sum(lines.filter(entry__booked_on__lte=last, account__role=AccountRole.CUSTOMER_CREDIT), currency)
    return Statement(
        operator,
        party,
        currency,
        first,
        last,
        opening,
        tuple(movements),
        balance,
        tuple(_open_claims(operator, party, currency, last)),
        max(-held, quantise(ZERO, currency)),
    )


def currencies_of(operator: Operator, party: Party) -> list[str]:
    """The currencies in which the party has an account with the operator."""
    lines = JournalLine.objects.filter(entry__operator=operator, party=party, account__role__in=ROLES)
    return sorted(lines.order_by().values_list("entry__currency", flat=True).distinct())


def days_of_account(operator: Operator, party: Party, *, today: dt.date) -> tuple[dt.date, dt.date]:
    """The days on which an account opens: this year so far; before its first booking of the year, the year of the last
    one to the end of that month.
    """
    lines = JournalLine.objects.filter(entry__operator=operator, party=party, account__role__in=ROLES)
    latest = lines.aggregate(latest=Max("entry__booked_on"))["latest"] or today
    last = today if latest.year >= today.year else month_of(latest).last_day
    return last.replace(month=1, day=1), last


def _lines(operator: Operator, party: Party, currency: str) -> QuerySet[JournalLine]:
    return JournalLine.objects.filter(
        entry__operator=operator, entry__currency=currency, party=party, account__role__in=ROLES
    )


def _sum(lines: QuerySet[JournalLine], currency: str) -> Decimal:
    return quantise(lines.order_by().aggregate(total=amount_sum("amount"))["total"] or ZERO, currency)


def _documents(sources: Iterable[str]) -> dict[str, Invoice]:
    """The documents whose own entries these are, by the entry's source."""
    found = Invoice.objects.filter(pk__in=_keys(sources, "invoice"))
    return {f"invoice:{each.pk}": each for each in found}


def _allocations(sources: Iterable[str]) -> dict[str, Allocation]:
    """The allocations, with the documents that they settle, by the entry's source."""
    found = Allocation.objects.filter(pk__in=_keys(sources, ALLOCATION)).select_related("invoice")
    return {f"{ALLOCATION}:{each.pk}": each for each in found}


def _keys(sources: Iterable[str], first: str) -> set[int]:
    """The keys of the rows that sources of two parts name after a first part."""
    named = (each.split(":") for each in sources)
    return {int(parts[1]) for parts in named if parts[0] == first and len(parts) == 2}


def _deposits(sources: Iterable[str]) -> dict[str, Deposit]:
    """The movements of deposits, by the entry's source."""
    found = Deposit.objects.filter(pk__in=_keys(sources, "deposit")).select_related("contract")
    return {f"deposit:{each.pk}": each for each in found}


def _said(kind: str, entry: JournalEntry, document: Invoice | None, deposit: Deposit | None) -> str:
    """What the party reads beside the kind: the books' own text is in the operator's language."""
    if deposit is not None:
        return f"{deposit.get_kind_display()}: {deposit.contract.number}"
    if document is not None and kind != WRITE_OFF:
        return str(document.get_kind_display())
    if kind in {"payment", "refund"}:
        return own_part(entry.source)
    return "" if kind == WRITE_OFF else entry.text


_text = lazy(_said, str)


def _kind(source: str, documents: dict[str, Invoice], allocations: dict[str, Allocation]) -> str:
    first = source.partition(":")[0]
    if source in allocations:
        return WRITE_OFF if allocations[source].source.startswith(WRITE_OFF_PREFIX) else ALLOCATION
    if first == "invoice" and source in documents:
        kind = documents[source].kind
        if kind == InvoiceKind.CREDIT_NOTE:
            return "credit"
        return "settlement" if kind == InvoiceKind.SETTLEMENT else "document"
    return _KINDS.get(first, "other")


def _open_claims(operator: Operator, party: Party, currency: str, on: dt.date) -> Iterable[Open]:
    rows = Invoice.objects.filter(
        operator=operator,
        party=party,
        currency=currency,
        state=InvoiceState.ISSUED,
        kind__in=CLAIMS,
        issued_on__lte=on,
    )
    sums = Allocation.objects.filter(invoice__in=rows, allocated_on__lte=on).order_by().values_list("invoice_id")
    settled = dict(sums.annotate(total=amount_sum("amount")))
    for row in rows.order_by("due_on", "pk"):
        left = quantise(row.gross_amount - settled.get(row.pk, ZERO), currency)
        if left > ZERO:
            yield Open(row, left, (on - row.due_on).days if row.due_on else 0)


def statement_csv(statement: Statement) -> bytes:
    """The movements as CSV (UTF-8 with a mark, semicolons): day, kind, reference, text, debit, credit, balance."""
    file = io.StringIO()
    rows = csv.writer(file, delimiter=";", lineterminator="\r\n")
    rows.writerow(("day", "kind", "reference", "text", "debit", "credit", "balance", "currency"))
    rows.writerow((statement.first, "opening", "", "", "", "", statement.opening, statement.currency))
    for each in statement.movements:
        words = (guard(each.reference), guard(str(each.text)))
        rows.writerow((each.on, each.kind, *words, each.debit, each.credit, each.balance, statement.currency))
    rows.writerow((statement.last, "closing", "", "", "", "", statement.closing, statement.currency))
    return file.getvalue().encode("utf-8-sig")
