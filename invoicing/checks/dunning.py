"""Dunning: a level once for each overdue document, rising (I10); each notice and fee belongs to its steps."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, Q

from contracts.models import DunningAction
from evbilling.kernel.books import Finding, proves
from evbilling.kernel.money import ZERO, add
from invoicing.models import (
    CLAIMS,
    Allocation,
    DunningStep,
    InvoiceState,
    Letter,
    LetterKind,
    Penalty,
    PenaltyKind,
)


def _named(taken: DunningStep) -> str:
    return f"dunning of {taken.invoice}, level {taken.level}"


@proves("I10", "A level of dunning is reached once, by an overdue claim, and levels only rise")
def steps_follow_overdue_claims() -> Iterator[Finding]:
    """Each step is of an issued claim that was overdue that day with as much open as it names."""
    rows = DunningStep.objects.select_related("invoice").order_by("invoice", "level").iterator(chunk_size=2000)
    settled: dict[int, list[Allocation]] = defaultdict(list)
    for allocation in Allocation.objects.filter(invoice__dunning_steps__isnull=False).distinct().order_by("pk"):
        settled[allocation.invoice_id].append(allocation)
    last: DunningStep | None = None
    for taken in rows:
        invoice = taken.invoice
        if invoice.state != InvoiceState.ISSUED or invoice.kind not in CLAIMS or invoice.due_on is None:
            yield Finding("I10", _named(taken), "It is not a claim that a customer owes.")
            continue
        if taken.taken_on <= invoice.due_on:
            yield Finding("I10", _named(taken), f"It was taken on {taken.taken_on}; the document was not overdue yet.")
        known = [each.amount for each in settled[invoice.pk] if each.allocated_at < taken.taken_at]
        if not ZERO < taken.open_amount <= invoice.gross_amount - add(known):
            left = invoice.gross_amount - add(known)
            yield Finding("I10", _named(taken), f"It asks for {taken.open_amount}; {left} were open.")
        if last is not None and last.invoice_id == taken.invoice_id and last.taken_at > taken.taken_at:
            yield Finding("I10", _named(taken), f"It was taken before level {last.level}.")
        last = taken


@proves("I10", "Each reminder has its notice, and each notice its reminders")
def notices_have_their_steps() -> Iterator[Finding]:
    """A reminder that was not skipped is on a notice to its party; nothing else is; a notice names one at least."""
    rows = DunningStep.objects.select_related("invoice", "letter").order_by("pk")
    sent = Q(action=DunningAction.REMIND, skipped="")
    for taken in rows.filter(sent, letter__isnull=True):
        yield Finding("I10", _named(taken), "It has no notice, and nobody skipped it.")
    for taken in rows.filter(~sent, letter__isnull=False):
        yield Finding("I10", _named(taken), "It has a notice, but was skipped or handed to a person.")
    for taken in rows.filter(letter__isnull=False).exclude(letter__party=F("invoice__party")):
        yield Finding("I20", _named(taken), "Its notice went to another party.")
    steps = DunningStep.objects.filter(letter=OuterRef("pk"))
    for letter in Letter.objects.filter(~Exists(steps), kind=LetterKind.DUNNING_NOTICE).defer("content"):
        yield Finding("I10", f"letter {letter}", "It reminds of no document.")


@proves("I10", "Each dunning fee is that of one step")
def fees_match_steps() -> Iterator[Finding]:
    """A fee is its step's, of the same document, and named after it; no step has one that it did not earn."""
    fees = Penalty.objects.filter(kind=PenaltyKind.DUNNING_FEE).select_related("dunning_step__invoice", "invoice")
    for fee in fees.order_by("pk").iterator(chunk_size=2000):
        taken: DunningStep | None = getattr(fee, "dunning_step", None)
        if taken is None:
            yield Finding("I10", f"penalty {fee.source}", "It is the fee of no reminder.")
        elif fee.invoice_id != taken.invoice_id or fee.source != f"dunning:{taken.invoice_id}:{taken.level}":
            yield Finding("I10", f"penalty {fee.source}", f"It is charged for {taken.invoice}, level {taken.level}.")
        elif taken.letter_id is None or Decimal(fee.because["amount"]) != fee.amount:
            yield Finding("I10", f"penalty {fee.source}", "Its amount or its notice is not that of its step.")
    others = DunningStep.objects.filter(fee__isnull=False).exclude(fee__kind=PenaltyKind.DUNNING_FEE)
    for taken in others.select_related("invoice").order_by("pk"):
        yield Finding("I10", _named(taken), "Its fee is another kind of penalty.")
