"""What the linter has to say about a tariff."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error stops the release, a warning must be read before it, a note is for information."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class TariffFinding:
    """One remark: `code` is stable, `path` says where in the document, `row` which row of the editor (from 0)."""

    severity: Severity
    code: str
    path: str
    message: str
    row: int | None = None


def errors_of(findings: Iterable[TariffFinding]) -> tuple[TariffFinding, ...]:
    """Those that stop a release."""
    return tuple(each for each in findings if each.severity == Severity.ERROR)


def warnings_of(findings: Iterable[TariffFinding]) -> tuple[TariffFinding, ...]:
    """Those that have to be read before a release."""
    return tuple(each for each in findings if each.severity == Severity.WARNING)
