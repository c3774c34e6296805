"""`manage.py import_sessions`: a file of sessions, from a shell or a scheduled job."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from evbilling.kernel.commands import FINDINGS, GOOD, StableCommand
from evbilling.kernel.errors import BadInput
from sessions.operations.imports import import_file, preview_import, profile_by_code

SHOWN = 20


class Command(StableCommand):
    """Exit code 1 when lines were refused; they are kept with the batch."""

    help = "Import charging sessions from a file by a mapping profile; every line is accounted for."
    examples = (
        "manage.py import_sessions sessions.csv --profile workplace",
        "manage.py import_sessions sessions.csv --profile workplace --dry-run --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument("--profile", required=True, help="code of the mapping profile")
        parser.add_argument("--dry-run", action="store_true", help="read and report, record nothing")

    def run(self, options: dict[str, Any]) -> int:
        path: Path = options["file"]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BadInput("file", str(path), f"It cannot be read: {error.strerror}.") from None
        profile = profile_by_code(options["profile"])
        refused = preview_import(profile=profile, content=content).refused
        batch = import_file(
            profile_id=profile.pk,
            file_name=path.name,
            content=content,
            by=None,
            at=timezone.now(),
            dry_run=options["dry_run"],
        )
        counts = {name: getattr(batch, name) for name in ("rows", "added", "revised", "unchanged", "refused", "held")}
        for each in refused[:SHOWN]:
            self.say(f"line {each.line}: {each.reason}")
        if len(refused) > SHOWN:
            self.say(f"and {len(refused) - SHOWN} more")
        if options["json"]:
            lines = [{"line": each.line, "column": each.column, "reason": each.reason} for each in refused]
            self.print_json({"batch": batch.pk, "dry_run": options["dry_run"], **counts, "refused_rows": lines})
        else:
            words = ", ".join(f"{count} {name}" for name, count in counts.items())
            self.stdout.write(f"{'Would import' if options['dry_run'] else 'Imported'}: {words}")
        return FINDINGS if refused else GOOD
