"""The sheet of tariffs: a row is one version, as five figures or as its OCPI document. What comes in is a draft."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contracts.models import Tariff, TariffState, TariffVersion
from contracts.operations import master_data
from contracts.operations.exchange.agreements import operator_of
from contracts.operations.exchange.sheets import Applied, Cells, Sheet, differing, fate_of
from contracts.operations.tariffs import change_tariff_version, draft_tariff_version
from contracts.rules import exchange
from contracts.rules.exchange_tariffs import FIGURES, document_of, figures_of
from contracts.rules.tariff_reading import read_tariff
from evbilling.access.models import User
from evbilling.kernel import strict_json
from evbilling.kernel.clock import zone
from evbilling.kernel.errors import BadInput, require


def _tariff(cells: Cells, code: str, *, by: User, at: dt.datetime) -> tuple[Tariff, bool]:
    tariff = Tariff.objects.select_related("operator").filter(code=code).first()
    name, currency = exchange.text(cells.get("name")), exchange.text(cells.get("currency"))
    if tariff is None:
        operator = operator_of(cells)
        made = master_data.create_tariff(
            operator_id=operator.pk, code=code, name=name or code, currency=currency or operator.currency, by=by, at=at
        )
        return made, True
    require(
        not currency or currency == tariff.currency,
        BadInput("currency", currency, _("The tariff is in %s; give another currency another code.") % tariff.currency),
    )
    if name and name != tariff.name:
        master_data.change_tariff(tariff_id=tariff.pk, name=name, by=by, at=at)
        tariff.name = name
    return tariff, False


def _document(cells: Cells, tariff: Tariff, ocpi_version: str, at: dt.datetime) -> dict[str, Any]:
    given = [name for name in FIGURES if cells.get(name).strip()]
    if not cells.get("ocpi").strip():
        return document_of(
            cells.values,
            ocpi_version=ocpi_version,
            head={"code": tariff.code, "currency": tariff.currency, "country": tariff.operator.country},
            updated=at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
    both = _("Give the prices in the columns or the OCPI document, not both.")
    require(not given, BadInput(given[0] if given else "ocpi", cells.get(given[0]) if given else "", both))
    try:
        document = strict_json.loads(cells.get("ocpi"))
    except strict_json.BadJson as error:
        raise BadInput("ocpi", "", str(error)) from None
    _rows, problems = read_tariff(document, ocpi_version)
    if problems:
        raise BadInput("ocpi", problems[0].path, problems[0].message)
    found: dict[str, Any] = document
    return found


def _apply_tariff(cells: Cells, *, by: User, at: dt.datetime) -> Applied:
    code = exchange.required("code", cells.get("code"))
    known = Tariff.objects.select_related("operator").filter(code=code).first()
    operator = known.operator if known else operator_of(cells)
    since = exchange.instant("valid_from", exchange.required("valid_from", cells.get("valid_from")), operator.zone)
    standing = _standing(known, since)
    before = {} if standing is None else _version_row(standing)
    tariff, _made = _tariff(cells, code, by=by, at=at)
    words = [value for value, _name in TariffVersion._meta.get_field("ocpi_version").flatchoices]
    default = standing.ocpi_version if standing else "2.2.1"
    stated = exchange.text(cells.get("ocpi_version"))
    ocpi_version = exchange.choice("ocpi_version", stated, words) if stated else default
    document = _document(cells, tariff, ocpi_version, at)
    if standing is None:
        saved = draft_tariff_version(
            tariff_id=tariff.pk, valid_from=since, document=document, ocpi_version=ocpi_version, by=by, at=at
        )
    elif _same(standing, document, ocpi_version):
        saved = standing
    else:
        saved = change_tariff_version(
            version_id=standing.pk, valid_from=since, document=document, ocpi_version=ocpi_version, by=by, at=at
        )
    saved.tariff = tariff
    changes = differing(before, _version_row(saved))
    return Applied(fate_of(changes, standing is None), saved, changes)


def _same(standing: TariffVersion, document: Mapping[str, Any], ocpi_version: str) -> bool:
    """Whether a version says what the row says: the same OCPI version and document, numbers by value."""
    if standing.ocpi_version != ocpi_version:
        return False
    if exchange.plain(standing.document) == exchange.plain(document):
        return True
    figures = figures_of(document, ocpi_version)
    return figures is not None and figures == figures_of(standing.document, ocpi_version)


def _standing(tariff: Tariff | None, since: dt.datetime) -> TariffVersion | None:
    """The version that begins at that instant: the released one, else the newest draft."""
    if tariff is None:
        return None
    found = list(TariffVersion.objects.filter(tariff=tariff, valid_from=since).order_by("-number"))
    released = (each for each in found if each.state == TariffState.RELEASED)
    version = next(released, found[0] if found else None)
    if version is not None:
        version.tariff = tariff
    return version


def _version_row(version: TariffVersion) -> dict[str, str]:
    tariff = version.tariff
    local = version.valid_from.astimezone(zone(tariff.operator.zone))
    row = {
        "code": tariff.code,
        "name": tariff.name,
        "operator": tariff.operator.legal_name,
        "currency": tariff.currency,
        "valid_from": local.isoformat(),
        "ocpi_version": version.ocpi_version,
        "state": version.state,
    }
    figures = figures_of(version.document, version.ocpi_version)
    return row | ({"ocpi": strict_json.dumps(version.document)} if figures is None else figures)


def _version_rows(tariffs: QuerySet[Tariff]) -> Iterator[dict[str, str]]:
    versions = TariffVersion.objects.filter(tariff__in=tariffs.order_by().values("pk"))
    joined = versions.select_related("tariff__operator")
    yield from map(_version_row, joined.order_by("tariff__code", "valid_from", "number"))


def ocpi_documents(tariffs: QuerySet[Tariff]) -> list[dict[str, Any]]:
    """Every version of the tariffs as OCPI Tariff objects, each with the instant from which it holds."""
    versions = TariffVersion.objects.filter(tariff__in=tariffs.order_by().values("pk")).select_related("tariff")
    return [
        {"start_date_time": each.valid_from.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        | each.document
        | {"id": each.tariff.code}
        for each in versions.order_by("tariff__code", "valid_from", "number")
    ]


TARIFFS = Sheet(
    name="tariffs",
    title=gettext_lazy("Tariffs and their versions"),
    columns=("code", "name", "operator", "currency", "valid_from", "ocpi_version", *FIGURES, "ocpi"),
    shown=("state",),
    key=("code", "valid_from"),
    needed=("code", "valid_from"),
    permission="add_tariffversion",
    view="view_tariffversion",
    apply=_apply_tariff,
    rows=_version_rows,
)
