"""Bill a month from the command line: the same run as in the workspace."""

import sys
import time
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from contracts.models import Operator
from evbilling.kernel.clock import Period, local_date, parse_month
from evbilling.kernel.commands import FINDINGS, GOOD, StableCommand
from invoicing.management.arguments import day, one_operator
from invoicing.models import BillingRun, Invoice, InvoiceKind, Penalty, RunState
from invoicing.operations import inline, runs
from invoicing.queries.completeness import completeness
from invoicing.queries.month_outlook import missed_months
from invoicing.queries.progress import RunProgress, open_items, run_progress
from invoicing.tasks import enqueue_run

POLL_SECONDS = 1


class Command(StableCommand):
    """Starts a run or continues it; what is done already is not done twice."""

    help = "Bill a month: rate, draft and issue the documents of all due contracts, then draw and send them."
    examples = (
        "manage.py bill --period 2026-10                 # start the run; the workers do it",
        "manage.py bill --period 2026-10 --wait --json   # and wait for them",
        "manage.py bill --period 2026-10 --no-issue      # stop at drafts",
        "manage.py bill --period 2026-10 --inline        # do it in this process, without workers",
        "manage.py bill --catch-up --inline              # all months that are over and were not billed",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Period and operator, how far, and who does the work."""
        super().add_arguments(parser)
        months = parser.add_mutually_exclusive_group(required=True)
        months.add_argument("--period", metavar="YYYY-MM", help="the month to bill")
        months.add_argument("--catch-up", action="store_true", help="each month that was missed, the oldest first")
        parser.add_argument("--operator", type=int, metavar="ID", help="needed where there are several operators")
        parser.add_argument(
            "--issued-on",
            type=day,
            metavar="YYYY-MM-DD",
            help="date of the documents (default: today where the operator is)",
        )
        parser.add_argument("--no-issue", action="store_true", help="stop at drafts")
        who = parser.add_mutually_exclusive_group()
        who.add_argument("--wait", action="store_true", help="wait until the workers have done it")
        who.add_argument("--inline", action="store_true", help="do it in this process")

    def run(self, options: dict[str, Any]) -> int:
        """Start, work or wait, report. Exit code 1 where a contract, document, mail or approval needs a person."""
        operator = one_operator(options["operator"])
        if not options["catch_up"]:
            report, code = self._bill(operator, parse_month(options["period"]), options)
            self._print(report, as_json=options["json"])
            return code
        reports, worst = [], GOOD
        for period in missed_months(operator, at=timezone.now()):
            report, code = self._bill(operator, period, options)
            reports.append(report)
            worst = max(worst, code)
        if options["json"]:
            self.print_json({"months": reports})
            return worst
        for report in reports:
            self._print(report, as_json=False)
        if not reports:
            self.stdout.write("No month was missed.")
        return worst

    def _bill(self, operator: Operator, period: Period, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """One month: its figures, and the exit code that they mean."""
        at = timezone.now()
        run = runs.start_run(
            operator_id=operator.pk,
            period=period,
            issued_on=options["issued_on"] or local_date(at, operator.zone),
            issue=not options["no_issue"],
            by=None,
            at=at,
        )
        if run.state == RunState.ASKED:
            self.say(f"The run of {period.code} waits for a second person: approve it on the month close page.")
        elif options["inline"]:
            self._inline(run)
        else:
            enqueue_run(run_id=run.pk)
            while options["wait"] and not self._progress(run).settled:
                self._draw(self._progress(run))
                time.sleep(POLL_SECONDS)
        progress = self._progress(run)
        waits = run.state in {RunState.ASKED, RunState.DECLINED}
        return self._figures(run, period, progress), FINDINGS if progress.needs_person or waits else GOOD

    def _progress(self, run: BillingRun) -> RunProgress:
        run.refresh_from_db()
        return run_progress(run, at=timezone.now())

    def _inline(self, run: BillingRun) -> None:
        shown = 0.0

        def show() -> None:
            nonlocal shown
            if time.monotonic() - shown >= POLL_SECONDS:
                shown = time.monotonic()
                self._draw(self._progress(run))

        inline.work_off(run_id=run.pk, clock=timezone.now, progress=show)
        self._draw(self._progress(run), last=True)

    def _draw(self, progress: RunProgress, *, last: bool = False) -> None:
        """One line on a terminal that redraws itself; elsewhere nothing but the last one."""
        if not (last or sys.stderr.isatty()):
            return
        filled = progress.percent * 30 // 100
        eta = f", {progress.eta_seconds} s left" if progress.eta_seconds else ""
        text = (
            f"[{'#' * filled}{'.' * (30 - filled)}] {progress.done}/{progress.total} contracts, "
            f"{progress.issued} issued, {progress.documents} drawn, {progress.mails['sent']} sent{eta}"
        )
        self.stderr.write(f"\r{text:<110}", ending="\n" if last else "")

    def _figures(self, run: BillingRun, period: Period, progress: RunProgress) -> dict[str, Any]:
        """What is printed of a month."""
        return {
            "run": {"id": run.pk, "period": period.code, "state": run.state, "issued_on": run.issued_on},
            "counts": {
                name: getattr(progress, name)
                for name in ("total", "pending", "drafted", "issued", "skipped", "following", "failed", "documents")
            }
            | _penalties(run),
            "mails": progress.mails,
            "failures": [{"contract": item.contract.number, "cause": item.reason} for item in open_items(run)],
            "completeness": _plain(completeness(run.operator, period)),
        }

    def _print(self, figures: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.print_json(figures)
            return
        for title, part in figures.items():
            lines = part.items() if isinstance(part, dict) else ((each["contract"], each["cause"]) for each in part)
            for name, value in lines:
                self.stdout.write(f"{title:<14}{name:<14}{value}")


def _penalties(run: BillingRun) -> dict[str, int]:
    """How many fee notes there are of the run's month, and how many penalties its documents bill."""
    documents = Invoice.objects.filter(
        operator=run.operator, period_from=run.period_from, period_to=run.period_to, contract__run_items__run=run
    )
    return {
        "fee_notes": documents.filter(kind=InvoiceKind.FEE_NOTE).count(),
        "penalties": Penalty.objects.filter(line__invoice__in=documents).count(),
    }


def _plain(report: Any) -> dict[str, Any]:
    return {name: getattr(report, name) for name in report.__dataclass_fields__}
