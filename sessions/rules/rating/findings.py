"""What the engine has to say about its input: named, placed, and in a sentence a clerk understands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sessions.rules.rating.wording import FINDINGS, NAMED, Named

ERROR = "error"
WARNING = "warning"


class Finding(NamedTuple):
    """One remark about a tariff, a session or a request.

    `code` is stable and meant for programs, `path` says where (`tariff.elements[2].restrictions.max_kwh`). An error
    prevents a price, a warning does not. The sentence is kept as its wording and the values in it.
    """

    code: str
    severity: str
    path: str
    wording: str
    values: tuple[tuple[str, str], ...] = ()

    @property
    def message(self) -> str:
        """The sentence in English; it names field and value and says what to do."""
        return self.said("en")

    def said(self, language: str) -> str:
        """The sentence in a language, en or de; others read English."""
        spoken = spoken_of(language)
        values = {key: NAMED[spoken][value] if isinstance(value, Named) else value for key, value in self.values}
        return FINDINGS[spoken][self.wording].format(**values)

    def as_dict(self, language: str = "en") -> dict[str, str]:
        """The finding as it leaves the product in JSON."""
        return {"code": self.code, "severity": self.severity, "path": self.path, "message": self.said(language)}


def spoken_of(language: str) -> str:
    """The language in which the engine answers a wish: de or en."""
    return "de" if language.startswith("de") else "en"


def error(code: str, path: str, wording: str = "", **values: str) -> Finding:
    """A finding that prevents a price; `wording` names its sentence where one code has several."""
    return Finding(code, ERROR, path, wording or code, tuple(values.items()))


def warning(code: str, path: str, wording: str = "", **values: str) -> Finding:
    """A finding that a person should read; the price stands."""
    return Finding(code, WARNING, path, wording or code, tuple(values.items()))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings prevents a price."""
    return any(finding.severity == ERROR for finding in findings)


def first_error(findings: Iterable[Finding]) -> Finding | None:
    """The first finding that prevents a price, or None."""
    return next((finding for finding in findings if finding.severity == ERROR), None)
