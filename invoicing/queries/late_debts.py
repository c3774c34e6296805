"""What a late document bears interest on: its total, less what was paid and what its customer contests.

contested, undecided     bears nothing; refused or withdrawn it was late all the time, and the next assessment makes up
contested, accepted      what was credited for it never was due: it counts as settled on the due date
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db.models import QuerySet

from invoicing.models import Allocation, Dispute, Invoice
from invoicing.queries.documents import CREDIT_PREFIX
from invoicing.rules.penalties import Debt


class LateDebts:
    """The debts of some documents, with their disputes; one query however many there are."""

    def __init__(self, invoices: Collection[int] | QuerySet[Invoice]) -> None:
        self._disputes: dict[int, list[Dispute]] = defaultdict(list)
        for dispute in Dispute.objects.filter(invoice__in=invoices).order_by("pk"):
            self._disputes[dispute.invoice_id].append(dispute)

    def of(self, invoice: Invoice, allocations: Iterable[Allocation], *, at: dt.datetime | None = None) -> Debt:
        """The debt of a document with a due date, as it stands, or as it stood at an instant; `allocations` are those
        known by then.
        """
        assert invoice.due_on is not None  # noqa: S101 - who asks has looked
        due_on = invoice.due_on
        settled = []
        credits = set()
        for dispute in self._disputes[invoice.pk]:
            decided = dispute.decided_at is not None and (at is None or dispute.decided_at <= at)
            if decided and dispute.credit_note_id is not None:
                credits.add(f"{CREDIT_PREFIX}{dispute.credit_note_id}")
            elif not decided and (at is None or dispute.raised_at <= at):
                settled.append((due_on, dispute.contested_amount))
        for each in allocations:
            day = min(due_on, each.allocated_on) if each.source in credits else each.allocated_on
            settled.append((day, each.amount))
        return Debt(invoice.gross_amount, due_on, tuple(settled))
