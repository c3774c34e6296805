"""Load the central bank's exchange rates from the command line."""

import datetime as dt
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from evbilling.kernel.commands import GOOD, StableCommand
from evbilling.kernel.errors import BadInput
from invoicing.management.arguments import day
from invoicing.operations.exchange_rates import load_exchange_rates


class Command(StableCommand):
    """Adds what is not there yet; rates that are there stay."""

    help = "Load the European Central Bank's file of euro reference rates, for the operator's currencies."
    examples = (
        "manage.py exchange_rates eurofxref-hist.csv                      # of the last 90 days",
        "manage.py exchange_rates eurofxref-hist.csv --since 2025-01-01",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, and from which day on."""
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, metavar="FILE", help="the bank's file, unpacked")
        parser.add_argument("--since", type=day, metavar="YYYY-MM-DD", help="the first day (default: 90 days ago)")

    def run(self, options: dict[str, Any]) -> int:
        """Load; says how many rates are new."""
        at = timezone.now()
        path: Path = options["file"]
        if not path.is_file():
            raise BadInput("file", str(path), "There is no such file.")
        since = options["since"] or at.date() - dt.timedelta(days=90)
        added = load_exchange_rates(text=path.read_text(encoding="utf-8-sig"), since=since, by=None, at=at)
        if options["json"]:
            self.print_json({"added": added, "since": since.isoformat()})
        else:
            self.stdout.write(f"{added} exchange rates added.")
        return GOOD
