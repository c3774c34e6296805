"""Reads of tariffs for those who make and release them: what is usual, what came before, what the linter says."""

import hashlib
from decimal import Decimal

from contracts.models import Tariff, TariffState, TariffVersion
from contracts.rules.tariff_lint import Band, TariffFinding, lint
from contracts.rules.tariff_reading import read_tariff
from evbilling.kernel import strict_json

MOST_COMPARED = 500


def price_bands(tariff: Tariff, *, aside_from: int | None = None) -> dict[str, Band]:
    """The lowest and highest price per dimension in the operator's released versions of the tariff's currency.

    Free prices and those of reservations are left out, and the version named by `aside_from`. One query.
    """
    released = (
        TariffVersion.objects.filter(
            tariff__operator=tariff.operator_id, tariff__currency=tariff.currency, state=TariffState.RELEASED
        )
        .exclude(pk__in=[] if aside_from is None else [aside_from])
        .order_by("-valid_from")
        .values_list("document", "ocpi_version")
    )
    prices: dict[str, list[Decimal]] = {}
    for document, ocpi_version in released[:MOST_COMPARED]:
        found, _problems = read_tariff(document, ocpi_version)
        for row in found.rows if found else ():
            if row.price and not row.conditions.reservation:
                prices.setdefault(row.dimension, []).append(row.price)
    return {dimension: Band(min(found), max(found)) for dimension, found in prices.items()}


def version_before(version: TariffVersion) -> TariffVersion | None:
    """The released version that this one follows; None for the first of a tariff."""
    released = TariffVersion.objects.filter(tariff=version.tariff_id, state=TariffState.RELEASED)
    return released.filter(valid_from__lt=version.valid_from).order_by("-valid_from").first()


def findings_of(version: TariffVersion) -> tuple[TariffFinding, ...]:
    """What the linter says about a version, compared with what the operator usually charges."""
    return lint(
        version.document,
        ocpi_version=version.ocpi_version,
        currency=version.tariff.currency,
        bands=price_bands(version.tariff, aside_from=version.pk),
    )


def fingerprint(version: TariffVersion) -> str:
    """Names the prices that a person has looked at, so that no others are released."""
    said = strict_json.dumps([version.document, version.ocpi_version, version.valid_from])
    return hashlib.sha256(said.encode()).hexdigest()
