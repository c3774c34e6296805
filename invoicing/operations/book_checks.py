"""Proofs of the books, kept: nightly, after a month close, or by hand; a row with every finding and an audit row."""

import datetime as dt
import logging
import time
from dataclasses import asdict

from django.db import transaction

from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.audit import record_audit
from evbilling.kernel.books import CheckResult, check_books
from invoicing.models import BillingRun, BooksCheck, RunState
from invoicing.operations.guards import require_right

log = logging.getLogger(__name__)
MOST_KEPT = 1000
"""Findings that a row carries; `manage.py check_books` prints all."""
MOST_AUDITED = 50
NIGHT, RUN, COMMAND = "nightly", "run", "command"
"""Causes."""
CHECK = "invoicing.run.check"
"""The step that proves the books after a run."""


def record_books_check(*, cause: str, at: dt.datetime, by: User | None = None) -> BooksCheck:
    """Run every check, log each finding as an error and keep the result; `cause` is nightly, run or command.

    The checks read outside of the transaction that keeps them: a long proof blocks nobody. Raises NotAllowed.
    """
    require_right(by, "close_period")
    started = time.perf_counter()
    results = list(check_books())
    return _keep(results, cause, at, time.perf_counter() - started, by)


def _keep(
    results: list[CheckResult], cause: str, started_at: dt.datetime, seconds: float, by: User | None
) -> BooksCheck:
    """Keep what the checks found; they took so many seconds."""
    findings = [finding for result in results for finding in result.findings]
    for finding in findings:
        log.error("%s %s: %s", finding.invariant, finding.about, finding.problem)
    with transaction.atomic():
        kept = BooksCheck.objects.create(
            started_at=started_at,
            finished_at=started_at + dt.timedelta(seconds=round(seconds, 3)),
            cause=cause,
            checks=len(results),
            findings=[asdict(finding) for finding in findings[:MOST_KEPT]],
        )
        record_audit(
            action="invoicing.books.check",
            obj=kept,
            by=by,
            at=started_at,
            result=f"{len(findings)} findings" if findings else "ok",
            changes={"checks": len(results), "cause": cause, "seconds": str(round(seconds, 1))},
            members=[f"{each.invariant} {each.about}: {each.problem}" for each in findings[:MOST_AUDITED]],
        )
    return kept


def request_check(*, run_id: int, at: dt.datetime) -> None:
    """Queue the proof of the books after a run that has just finished, by whomever. Call it in that transaction."""
    outbox.add(kind=CHECK, key=f"{CHECK}:{run_id}:{at.isoformat()}", payload={"run_id": run_id}, at=at)


def check_after_run(*, run_id: int, at: dt.datetime) -> BooksCheck | None:
    """Prove the books after a finished month close; None where that was done since it finished."""
    run = BillingRun.objects.filter(pk=run_id, state=RunState.FINISHED).first()
    if run is None or run.finished_at is None:
        return None
    if BooksCheck.objects.filter(cause=RUN, started_at__gte=run.finished_at).exists():
        return None
    return record_books_check(cause=RUN, at=at)
