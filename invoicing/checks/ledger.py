"""The ledger against everything it speaks of: open documents (I7), known causes and reopened months (I15, I18)."""

from collections.abc import Iterator

from django.db.models import Q

from contracts.models import Party
from evbilling.kernel.books import Finding, proves
from evbilling.kernel.clock import month_of
from invoicing.models import AccountingPeriod, JournalEntry
from invoicing.queries.accounting.reconciliation import party_balances

CAUSES = ("invoice:", "allocation:", "payment:", "refund:", "deposit:")
"""How the source of every entry begins; other checks prove the entries of each."""


@proves("I7", "Receivables and payables in the ledger are what is open on documents")
def balances_are_open_documents() -> Iterator[Finding]:
    """Per account, party and currency."""
    wrong = [each for each in party_balances() if each.difference]
    names = Party.objects.in_bulk({each.party_id for each in wrong})
    for each in wrong:
        yield Finding(
            "I7",
            f"{each.role.label} {names.get(each.party_id, '-')}",
            f"The ledger says {each.ledger} {each.currency}, the documents {each.documents}.",
        )


@proves("I15", "Every journal entry has a known cause")
def entries_have_causes() -> Iterator[Finding]:
    """By the beginning of its source."""
    known = Q()
    for cause in CAUSES:
        known |= Q(source__startswith=cause)
    for entry in JournalEntry.objects.exclude(known).order_by("pk").iterator(chunk_size=2000):
        yield Finding("I15", f"journal {entry.source}", "Nothing of this kind books into the ledger.")


@proves("I15", "Nothing was posted into a month while it was closed, reopened later or not")
def reopened_stayed_closed() -> Iterator[Finding]:
    """Entries booked on a day of a month that was opened again were posted before it was closed, or after that."""
    for closed in AccountingPeriod.objects.filter(reopened_at__isnull=False):
        late = JournalEntry.objects.filter(
            operator=closed.operator_id,
            booked_on__gte=closed.month,
            booked_on__lt=month_of(closed.month).end,
            posted_at__gt=closed.closed_at,
            posted_at__lt=closed.reopened_at,
        )
        for entry in late:
            yield Finding("I15", f"journal {entry.source}", f"It was posted into {closed} while that month was closed.")


@proves("I18", "Closed months were opened again by a second person")
def reopened_by_two() -> Iterator[Finding]:
    """Who asked is known and is not who opened; the reason is kept."""
    for period in AccountingPeriod.objects.filter(reopened_at__isnull=False):
        if period.asked_by_id is None or period.reopened_by_id in {None, period.asked_by_id} or not period.reason:
            yield Finding("I18", f"month {period}", "It was opened again without a second person or a reason.")
