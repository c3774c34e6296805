"""`manage.py check_books`: prove the invariants on the stored data."""

from typing import Any

from django.core.management.base import CommandParser

from evbilling.kernel.books import check_books, registered_checks
from evbilling.kernel.commands import FINDINGS, GOOD, StableCommand
from evbilling.kernel.errors import BadInput


class Command(StableCommand):
    """Runs every registered check and reports each finding."""

    help = "Prove the invariants I1 to I21 on the stored data; nothing is changed."
    examples = ("manage.py check_books", "manage.py check_books --only I9 I15 --json")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--only", nargs="+", metavar="I", default=[], help="only these invariants, such as I9")

    def run(self, options: dict[str, Any]) -> int:
        known = {check.invariant for check in registered_checks()}
        for name in options["only"]:
            if name not in known:
                raise BadInput(
                    "--only", name, f"Known invariants: {', '.join(sorted(known, key=lambda i: int(i[1:])))}."
                )
        results = []
        for result in check_books(frozenset(options["only"])):
            results.append(result)
            self.say(f"{result.check.invariant:>4} {result.check.title}: {len(result.findings) or 'good'}")
        findings = [finding for result in results for finding in result.findings]
        if options["json"]:
            self.print_json(
                {
                    "clean": not findings,
                    "checks": [
                        {
                            "invariant": result.check.invariant,
                            "title": result.check.title,
                            "findings": len(result.findings),
                            "milliseconds": round(result.seconds * 1000),
                        }
                        for result in results
                    ],
                    "findings": [{"invariant": f.invariant, "about": f.about, "problem": f.problem} for f in findings],
                }
            )
        else:
            for finding in findings:
                self.stdout.write(f"{finding.invariant} {finding.about}: {finding.problem}")
            self.stdout.write(f"{len(results)} checks, {len(findings)} findings")
        return FINDINGS if findings else GOOD
