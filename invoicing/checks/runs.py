"""Billing runs: nothing of a billed month is lost (I2), and one bad contract blocks no other (I17)."""

from collections.abc import Iterator
from itertools import batched

from django.db.models import Q

from evbilling.kernel.books import Finding, proves
from invoicing.models import BillingRun, BillingRunItem, InvoiceState, ItemState, RunState
from invoicing.queries.completeness import missing_sessions, sessions_of_period


@proves("I2", "Every session of a billed month is billed, held, excluded or late")
def none_is_missing() -> Iterator[Finding]:
    """For each month with a finished run; a session that is in no list is named.

    What has a price is in one of them: only the others, which are few, are looked for in all lists.
    """
    for run in BillingRun.objects.filter(state=RunState.FINISHED).select_related("operator").order_by("pk"):
        period = run.period
        unpriced = sessions_of_period(run.operator, period).filter(price__isnull=True)
        for keys in batched(unpriced.values_list("pk", flat=True).iterator(chunk_size=2000), 2000):
            for session in missing_sessions(run.operator, period).filter(pk__in=keys):
                yield Finding(
                    "I2",
                    f"session {session.provider_ref}",
                    f"It ended in {period.code}, which is billed, but it is neither billed, held, excluded nor late.",
                )


@proves("I17", "Every contract of a finished run has an outcome of its own")
def items_are_done() -> Iterator[Finding]:
    """A failed or skipped contract says why; none is left pending; what is issued is issued."""
    pending = BillingRunItem.objects.filter(run__state=RunState.FINISHED, state=ItemState.PENDING)
    mute = BillingRunItem.objects.filter(state__in=[ItemState.FAILED, ItemState.SKIPPED], reason="")
    hollow = BillingRunItem.objects.filter(state=ItemState.ISSUED).filter(
        Q(invoice__isnull=True) | ~Q(invoice__state=InvoiceState.ISSUED)
    )
    for items, problem in (
        (pending, "It was never billed, although the run is finished."),
        (mute, "It failed or was skipped without a reason."),
        (hollow, "It counts as issued, but its document is not."),
    ):
        for item in items.select_related("contract", "run"):
            yield Finding("I17", f"contract {item.contract.number} in run {item.run}", problem)
