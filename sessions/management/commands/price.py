"""`manage.py price`: prices sessions or charge records under OCPI tariffs, one JSON request a line."""

import sys
from typing import Any

from evbilling.kernel.commands import FINDINGS, GOOD, StableCommand
from evbilling.kernel.strict_json import BadJson, dumps, loads
from sessions.rules.rating import price_request


class Command(StableCommand):
    """Reads requests on stdin, writes one answer a line on stdout, in the same order."""

    help = (
        "Price charging sessions under OCPI tariffs. Reads one JSON request a line on stdin, writes one JSON answer a "
        'line on stdout. A request has "id", "ocpi_version" (2.2, 2.2.1 or 2.3.0), "tariff" or "tariffs", and '
        '"session" or "cdr"; optional are "time_zone", "default_vat" and "language" (en, de). With a cdr its own costs '
        "are compared with ours."
    )
    examples = (
        "manage.py price < requests.jsonl > prices.jsonl",
        'echo \'{"id": "1", "ocpi_version": "2.2.1", "cdr": {...}}\' | manage.py price',
    )
    requires_system_checks: list[str] = []

    def run(self, options: dict[str, Any]) -> int:
        """Answer every line; exit code 1 where a request had an error."""
        code = GOOD
        for line in sys.stdin.buffer:
            if not line.strip():
                continue
            try:
                answer = price_request(loads(line))
            except BadJson as problem:
                finding = {"code": "bad_json", "severity": "error", "path": "", "message": str(problem)}
                answer = {"id": None, "error": str(problem), "findings": [finding]}
            if "error" in answer:
                code = FINDINGS
            # A lone surrogate is legal in JSON and not in UTF-8: it leaves as the escape it came as.
            self.stdout.write(dumps(answer).encode("utf-8", "backslashreplace").decode("utf-8"))
        return code
