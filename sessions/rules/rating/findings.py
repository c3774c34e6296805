"""What the engine has to say about its input: named, placed, and in a sentence a clerk understands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about a tariff, a session or a request.

    `code` is stable and meant for programs, `path` says where (`tariff.elements[2].restrictions.max_kwh`),
    `message` names field and value and says what to do. An error prevents a price, a warning does not.
    """

    code: str
    severity: str
    path: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """The finding as it leaves the product in JSON."""
        return {"code": self.code, "severity": self.severity, "path": self.path, "message": self.message}


def error(code: str, path: str, message: str) -> Finding:
    """A finding that prevents a price."""
    return Finding(code, ERROR, path, message)


def warning(code: str, path: str, message: str) -> Finding:
    """A finding that a person should read; the price stands."""
    return Finding(code, WARNING, path, message)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings prevents a price."""
    return any(finding.severity == ERROR for finding in findings)


def first_error(findings: Iterable[Finding]) -> Finding | None:
    """The first finding that prevents a price, or None."""
    return next((finding for finding in findings if finding.severity == ERROR), None)
