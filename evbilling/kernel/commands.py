"""Base of the stable commands: examples in --help, JSON on stdout, progress on stderr, exit codes 0, 1 and 2."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from evbilling.kernel.errors import BillingError
from evbilling.kernel.strict_json import dumps

GOOD, FINDINGS, USAGE = 0, 1, 2


class StableCommand(BaseCommand):
    """Subclasses set `help` and `examples` and write `run(options) -> exit code`."""

    examples: tuple[str, ...] = ()
    requires_migrations_checks = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Add the examples and exit codes to the help text."""
        lines = ["examples:", *(f"  {example}" for example in self.examples)]
        lines += ["", "exit codes: 0 good, 1 findings, 2 usage"]
        return super().create_parser(
            prog_name,
            subcommand,
            epilog="\n".join(lines),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **kwargs,
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run; a refusal becomes one sentence on stderr and exit code 2."""
        try:
            code = self.run(options)
        except BillingError as error:
            self.stderr.write(error.message)
            code = USAGE
        if code != GOOD:
            raise SystemExit(code)

    def run(self, options: dict[str, Any]) -> int:
        """Do the work and give the exit code."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """Progress for people, on stderr."""
        self.stderr.write(text, self.style.NOTICE)

    def print_json(self, value: Any) -> None:
        """The result for scripts, on stdout."""
        self.stdout.write(dumps(value, indent=2))
