"""`manage.py demo`: the sample operator, from a year of real sessions to paid invoices."""

import datetime as dt
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser
from django.utils import timezone

from contracts.models import Operator
from evbilling.demo import people, rebuilding
from evbilling.demo.affairs import Clerks
from evbilling.demo.agreements import SIGNED_AT, Signers, build_agreements
from evbilling.demo.company import OPERATOR
from evbilling.demo.sample import Sample, read_sample
from evbilling.demo.summary import Summary, as_table, summarise
from evbilling.demo.year import live_year
from evbilling.kernel import audit, outbox
from evbilling.kernel.commands import FINDINGS, GOOD, StableCommand
from invoicing.operations.book_checks import NIGHT, record_books_check

BAR_WIDTH = 30


class Command(StableCommand):
    """Builds once; a second start finds what stands and uses it."""

    help = "Build the sample operator from 3,395 real charging sessions, then serve it."
    examples = (
        "manage.py demo                       # build (or reuse), then serve on 127.0.0.1:8000",
        "manage.py demo --no-serve --json     # build only, figures as JSON",
        "manage.py demo --rebuild --no-serve  # from scratch",
        "manage.py demo --codes               # the second factors' codes of this half minute",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Serve or not, from scratch or not."""
        super().add_arguments(parser)
        parser.add_argument("--no-serve", action="store_true", help="build only")
        parser.add_argument("--rebuild", action="store_true", help="build from scratch even where a demo stands")
        parser.add_argument("--codes", action="store_true", help="print each login's current second factor code")

    def run(self, options: dict[str, Any]) -> int:
        """Build or reuse, tell, serve. Exit code 1 when the books are not clean or sessions are missing."""
        if options["codes"]:
            self._print_codes()
            return GOOD
        sample = read_sample()
        if rebuilding.stands() and not options["rebuild"]:
            self.say("The sample operator stands already; --rebuild makes it anew.")
            operator = Operator.objects.get(legal_name=OPERATOR["legal_name"])
            summary = summarise(operator, sample, seconds=_seconds_of(rebuilding.remembered()))
        else:
            summary = self._build(sample)
        if options["json"]:
            self.print_json(summary.as_json())
        else:
            self.stdout.write(f"\n{OPERATOR['legal_name']}, November 2014 to October 2015\n\n{as_table(summary)}\n\n")
            self._print_logins()
        if not options["no_serve"]:
            call_command("runserver", "127.0.0.1:8000", use_reloader=False)
        return GOOD if summary.books_clean and summary.adds_up else FINDINGS

    def _build(self, sample: Sample) -> Summary:
        started = time.monotonic()
        rebuilding.clear()
        with outbox.run_here():
            users = people.add_people(SIGNED_AT - dt.timedelta(days=1))
            signers = Signers(
                maker=users["contracts@peachtree-charging.example"],
                checker=users["contracts2@peachtree-charging.example"],
            )
            operator = build_agreements(sample, signers)
            people.add_members(users)
            clerks = Clerks(
                billing=users["billing@peachtree-charging.example"],
                payments=users["payments@peachtree-charging.example"],
                contracts=signers,
                second=users["admin@peachtree-charging.example"],
            )
            bar = _Bar(self, [month.code for month in sample.months])
            live_year(operator, sample, clerks, bar.advance)
            bar.close()
        while audit.seal_audit():
            pass
        record_books_check(cause=NIGHT, at=timezone.now())
        summary = summarise(operator, sample, seconds=round(time.monotonic() - started))
        rebuilding.remember(summary.as_json())
        return summary

    def _print_logins(self) -> None:
        now = timezone.now()
        self.stdout.write(f"Open {settings.PUBLIC_URL}/ and sign in with the password {people.PASSWORD}\n\n")
        self.stdout.write(f"  {'Login':<42} {'Opens':<44} {'Second factor':<34} Code now\n")
        for person in people.ALL:
            factor = (person.secret, people.code_of(person, now)) if person.role else ("none", "")
            self.stdout.write(f"  {person.email:<42} {person.place:<44} {factor[0]:<34} {factor[1]}\n")
        self.stdout.write(
            "\nType the second factor into an authenticator app, or ask for codes: ./run manage demo --codes\n"
            f"Mails lie in {_shown(settings.MAIL_FOLDER)}\n"
            "Books for the tax adviser: ./run manage export_books datev|journal|documents --month 2015-09 --out FILE\n"
        )

    def _print_codes(self) -> None:
        now = timezone.now()
        for person in people.STAFF:
            self.stdout.write(f"{person.email:<42} {people.code_of(person, now)}\n")


def _shown(folder: Path) -> Path:
    return folder.relative_to(settings.BASE_DIR) if folder.is_relative_to(settings.BASE_DIR) else folder


def _seconds_of(remembered: dict[str, Any]) -> int:
    found = remembered.get("summary", {})
    return int(found.get("seconds", 0)) if isinstance(found, dict) else 0


class _Bar:
    """One line on stderr that grows with the months; plain lines where nobody watches."""

    def __init__(self, command: Command, months: list[str]) -> None:
        self.command, self.months = command, months
        self.live = sys.stderr.isatty()
        self.last = ""

    def advance(self, what: str) -> None:
        month = what.split(maxsplit=1)[0]
        if not self.live:
            if month != self.last:
                self.command.say(f"Billing {month}")
                self.last = month
            return
        done = self.months.index(month) + (what.endswith("done"))
        filled = BAR_WIDTH * done // len(self.months)
        self.command.stderr.write(f"\r[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {what:<24}", ending="")
        self.command.stderr.flush()

    def close(self) -> None:
        if self.live:
            self.command.stderr.write("")
