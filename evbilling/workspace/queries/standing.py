"""Where the house stands: the last billing run, the last check of the books, the last entries of the audit trail."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, F, Q

from contracts.models import ContractKind, Operator
from evbilling.kernel.models import AuditRecord
from invoicing.models import BillingRun, BooksCheck, ItemState

BOOKS_CHECK = "invoicing.books.check"
BOOKS_STALE = dt.timedelta(hours=36)
"""The check runs every night; one older than this did not run."""


@dataclass(frozen=True, slots=True)
class RunStanding:
    """A billing run and its contracts: how many, and how many are done, drafted, issued, skipped, failed.

    `following` are hosts of a run of drafts: they are settled when its documents are issued, and are not `skipped`.
    """

    run: BillingRun
    total: int
    done: int
    drafted: int
    issued: int
    skipped: int
    following: int
    failed: int

    @property
    def percent(self) -> int:
        """Whole percent done; 100 for a run without contracts."""
        return 100 * self.done // self.total if self.total else 100


def last_run(operator: Operator) -> RunStanding | None:
    """The run that is under way, else the one started last. One query."""
    counted = {state: Count("items", filter=Q(items__state=state)) for state in ItemState}
    run = (
        BillingRun.objects.filter(operator=operator)
        .annotate(
            total=Count("items"),
            pending=counted[ItemState.PENDING],
            drafted=counted[ItemState.DRAFTED],
            issued=counted[ItemState.ISSUED],
            skipped=counted[ItemState.SKIPPED],
            following=Count(
                "items",
                filter=Q(issue=False, items__state=ItemState.SKIPPED, items__contract__kind=ContractKind.HOSTING),
            ),
            failed=counted[ItemState.FAILED],
        )
        .order_by(F("finished_at").desc(nulls_first=True), "-created_at")
        .first()
    )
    if run is None:
        return None
    return RunStanding(
        run,
        total=run.total,
        done=run.total - run.pending,
        drafted=run.drafted,
        issued=run.issued,
        skipped=run.skipped - run.following,
        following=run.following,
        failed=run.failed,
    )


@dataclass(frozen=True, slots=True)
class BooksStanding:
    """The last check of the books: when, how many checks, and what it found."""

    record: BooksCheck
    stale: bool

    @property
    def clean(self) -> bool:
        """Whether it found nothing."""
        return not self.record.findings

    @property
    def findings(self) -> list[str]:
        """What it found, a sentence each."""
        return [f"{each['invariant']} {each['about']}: {each['problem']}" for each in self.record.findings]


def last_books_check(*, at: dt.datetime) -> BooksStanding | None:
    """One query; None where the books were never checked."""
    record = BooksCheck.objects.order_by("-finished_at", "-id").first()
    return None if record is None else BooksStanding(record, at - record.finished_at > BOOKS_STALE)


def latest_entries(most: int) -> list[AuditRecord]:
    """What was done last, the nightly check and sign-ins left out: they have places of their own."""
    quiet = Q(action=BOOKS_CHECK) | Q(action__startswith="access.user.sign_")
    return list(AuditRecord.objects.exclude(quiet)[:most])
