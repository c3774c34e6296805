"""The linter of tariffs: what a second person should know before prices are released. Pure."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from contracts.rules.tariff_lint.figures import Band, figure_findings
from contracts.rules.tariff_lint.findings import Severity, TariffFinding, errors_of, warnings_of
from contracts.rules.tariff_lint.reach import paths, reach_findings
from contracts.rules.tariff_reading import read_tariff

__all__ = ["Band", "Severity", "TariffFinding", "errors_of", "lint", "warnings_of"]

_ORDER = list(Severity)


def lint(
    document: Any, *, ocpi_version: str, currency: str, bands: Mapping[str, Band] | None = None
) -> tuple[TariffFinding, ...]:
    """Everything worth saying about a tariff document, errors first. Never raises.

    `bands`: what the operator usually charges per dimension, in the same currency; without it prices are not compared.
    """
    tariff, problems = read_tariff(document, ocpi_version)
    found = [TariffFinding(Severity.ERROR, each.code, each.path, each.message) for each in problems]
    if tariff is not None:
        if document.get("currency") != currency:
            message = _("The document is in %(found)s, the tariff in %(wanted)s.") % {
                "found": document.get("currency"),
                "wanted": currency,
            }
            found.append(TariffFinding(Severity.ERROR, "other_currency", "currency", message))
        found += reach_findings(tariff)
        found += figure_findings(tariff, paths(tariff), currency, bands or {})
    return tuple(sorted(found, key=lambda each: _ORDER.index(each.severity)))
