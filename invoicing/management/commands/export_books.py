"""`manage.py export_books`: a month's books as files for the tax adviser."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from contracts.models import Operator
from evbilling.kernel.clock import parse_month
from evbilling.kernel.commands import GOOD, StableCommand
from evbilling.kernel.errors import BadInput
from invoicing.management.arguments import one_operator
from invoicing.operations.document_zip import export_documents
from invoicing.operations.exports import ExportFile, export_datev, export_journal


class Command(StableCommand):
    """Writes one file; the export is on the audit trail, nothing else changes."""

    help = "Export a month of the books: bookings for DATEV, the journal, or all documents as a ZIP."
    examples = (
        "manage.py export_books datev --month 2026-10 --out EXTF_2026-10.csv",
        "manage.py export_books journal --month 2026-10 --format xlsx --out journal.xlsx",
        "manage.py export_books documents --month 2026-10 --out documents.zip --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", choices=["datev", "journal", "documents"])
        parser.add_argument("--month", required=True, help="YYYY-MM")
        parser.add_argument("--out", required=True, metavar="FILE", help="the file to write; it must not exist")
        parser.add_argument("--operator", type=int, help="its id; needed where there are several")
        parser.add_argument("--currency", default="", help="ISO 4217; the operator's own by default (journal: all)")
        parser.add_argument("--format", choices=["csv", "xlsx"], default="csv", help="of the journal (default csv)")

    def run(self, options: dict[str, Any]) -> int:
        """Make the file, write it, say what it holds."""
        period, operator, out = parse_month(options["month"]), one_operator(options["operator"]), Path(options["out"])
        if out.exists() or not out.parent.is_dir():
            raise BadInput("--out", str(out), "Name a file that does not exist yet, in a folder that does.")
        values: dict[str, Any] = {"operator_id": operator.pk, "period": period, "by": None, "at": timezone.now()}
        if options["what"] == "documents":
            size = 0
            with out.open("xb") as file:
                for chunk in export_documents(**values):
                    size += file.write(chunk)
            result: dict[str, Any] = {"file": str(out), "bytes": size}
        else:
            made = self._made(options, operator, values)
            out.write_bytes(made.content)
            result = {
                "file": str(out),
                "bytes": len(made.content),
                "sha256": made.sha256,
                "entries": made.entries,
                "rows": made.rows,
                "left_out": made.left_out,
            }
        if options["json"]:
            self.print_json(result)
        else:
            self.stdout.write(", ".join(f"{name} {value}" for name, value in result.items()))
        return GOOD

    @staticmethod
    def _made(options: dict[str, Any], operator: Operator, values: dict[str, Any]) -> ExportFile:
        if options["what"] == "datev":
            return export_datev(currency=options["currency"] or operator.currency, **values)
        return export_journal(currency=options["currency"], kind=options["format"], **values)
