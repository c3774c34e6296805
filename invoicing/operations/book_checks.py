"""The nightly proof of the books, kept in the audit trail."""

import datetime as dt
import logging

from evbilling.kernel.audit import record_audit
from evbilling.kernel.books import Finding, check_books

log = logging.getLogger(__name__)
MOST_KEPT = 50
"""Findings that the audit row carries; `manage.py check_books` prints all."""


def check_and_record(*, at: dt.datetime) -> list[Finding]:
    """Run every check, log each finding as an error and write one audit row with the result; the findings."""
    results = list(check_books())
    findings = [finding for result in results for finding in result.findings]
    for finding in findings:
        log.error("%s %s: %s", finding.invariant, finding.about, finding.problem)
    record_audit(
        action="invoicing.books.check",
        obj=None,
        by=None,
        at=at,
        result=f"{len(findings)} findings" if findings else "ok",
        changes={"checks": len(results)},
        members=[f"{finding.invariant} {finding.about}: {finding.problem}" for finding in findings[:MOST_KEPT]],
    )
    return findings
