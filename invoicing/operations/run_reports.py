"""The completeness report of a month close, kept as PDF and CSV when the run ends (I2)."""

import datetime as dt
from hashlib import sha256

from django.db import transaction
from django.utils.translation import override

from evbilling.kernel import outbox
from evbilling.kernel.clock import local_date
from evbilling.kernel.locks import lock
from invoicing.models import BillingRun, Letter, LetterKind
from invoicing.operations.letters import file_letter

REPORT = "invoicing.run.report"
"""The outbox step that makes the report of a finished run; its payload is {"run_id": id}."""


def request_report(*, run_id: int, at: dt.datetime) -> None:
    """Queue the report of a run that has just finished; each finishing has its own. Call it in that transaction."""
    outbox.add(kind=REPORT, key=f"{REPORT}:{run_id}:{at.isoformat()}", payload={"run_id": run_id}, at=at)


def file_report(*, run_id: int, at: dt.datetime) -> list[Letter]:
    """Keep what became of the month's sessions as PDF and CSV; the two letters, or none where nothing has changed.

    A run that is started again and finds nothing new leaves no second report. Raises NotFound.
    """
    from invoicing.documents.letters.pdf import render_report  # noqa: PLC0415 - the renderer loads slowly
    from invoicing.documents.letters.run_report import report_view, sessions_csv  # noqa: PLC0415

    with transaction.atomic():
        run = lock(BillingRun, run_id)
        on = local_date(at, run.operator.zone)
        source = f"run:{run.pk}:"
        with override(run.operator.language):
            listed = sessions_csv(run)
        earlier = Letter.objects.filter(kind=LetterKind.RUN_REPORT, source__startswith=source).order_by("-pk")
        last = earlier.filter(content_type="text/csv").first()
        if last is not None and last.sha256 == sha256(listed).hexdigest():
            return []
        with override(run.operator.language):
            drawn = render_report(report_view(run, on=on))
        number = earlier.count() // 2 + 1
        return [
            file_letter(
                kind=LetterKind.RUN_REPORT,
                operator=run.operator,
                party=None,
                source=f"{source}{number}:{suffix}",
                language=run.operator.language,
                dated_on=on,
                file_name=f"completeness-{run}-{number}.{suffix}",
                content_type=content_type,
                content=content,
                by=None,
                at=at,
            )
            for suffix, content_type, content in (("pdf", "application/pdf", drawn), ("csv", "text/csv", listed))
        ]
