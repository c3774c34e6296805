"""Remind of overdue documents from the command line: the same run as every night."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from evbilling.kernel.clock import local_date
from evbilling.kernel.commands import FINDINGS, GOOD, StableCommand
from evbilling.kernel.errors import BadInput
from invoicing.management.arguments import day, operators
from invoicing.operations.dunning import DunningRun, run_dunning


class Command(StableCommand):
    """Takes every overdue document to the level that it has reached; twice a day does no more than once."""

    help = "Remind of overdue documents: one notice a party, fees and escalations as the dunning plans say."
    examples = (
        "manage.py dun                                   # as of today",
        "manage.py dun --on 2026-11-20 --dry-run --json  # what would be done on a day; nothing is written",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Day and operator, and whether to write."""
        super().add_arguments(parser)
        parser.add_argument("--on", type=day, metavar="YYYY-MM-DD", help="the day (default: today at the operator's)")
        parser.add_argument("--operator", type=int, metavar="ID", help="one operator alone (default: all)")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")

    def run(self, options: dict[str, Any]) -> int:
        """Run for each operator. Exit code 1 where a party failed, the database was busy or a currency has no plan."""
        at, found = timezone.now(), []
        for operator in operators(options["operator"]):
            today = local_date(at, operator.zone)
            on = options["on"] or today
            if on > today and not options["dry_run"]:
                raise BadInput("on", on.isoformat(), "Reminders are not sent ahead of their day; use --dry-run.")
            run = run_dunning(operator_id=operator.pk, on=on, by=None, at=at, dry=options["dry_run"])
            found.append((operator, run))
        figures = [{"operator": operator.legal_name, **_plain(run)} for operator, run in found]
        if options["json"]:
            self.print_json(figures)
        else:
            for each in figures:
                for name, value in each.items():
                    self.stdout.write(f"{name:<12}{value}")
        return FINDINGS if any(run.failures or run.busy or run.no_plan for _operator, run in found) else GOOD


def _plain(run: DunningRun) -> dict[str, Any]:
    """Documents as NUMBER:level, reasons as they read."""
    return {
        "on": run.on,
        "dry_run": run.dry,
        "parties": run.parties,
        "notices": [letter.file_name for letter in run.notices],
        "reminded": [f"{number}:{level}" for number, level in run.reminded],
        "escalated": [f"{number}:{level}" for number, level in run.escalated],
        "skipped": [f"{number}:{level}" for number, level in run.skipped],
        "waiting": [f"{number}: {why}" for number, why in run.waiting],
        "failures": [f"{party}: {why}" for party, why in run.failures],
        "busy": run.busy,
        "no_plan": run.no_plan,
    }
