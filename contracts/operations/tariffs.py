"""Tariff versions: drafted by one person, released by a second one, frozen from then on."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contracts.models import Tariff, TariffState, TariffVersion
from contracts.operations.guards import require_permission, require_person, require_valid
from contracts.queries.tariffs import findings_of, fingerprint
from contracts.rules.tariff_lint import TariffFinding, errors_of, warnings_of
from contracts.rules.tariff_shape import require_tariff_document
from evbilling.access.models import User
from evbilling.kernel import strict_json
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import require_aware
from evbilling.kernel.errors import BadInput, MakerIsChecker, WrongState, refuse, require
from evbilling.kernel.locks import lock
from evbilling.shell.formats import format_instant


class TariffHasErrors(WrongState):
    """The linter finds what no price follows from, or contradicts itself."""

    code = "tariff_has_errors"

    def __init__(self, version: TariffVersion, errors: Sequence[TariffFinding]) -> None:
        first = errors[0]
        place = f"{first.path}: " if first.path else ""
        super().__init__(
            ngettext(
                "%(version)s cannot be released: %(error)s",
                "%(version)s cannot be released, %(count)s errors: %(error)s",
                len(errors),
            )
            % {"version": version, "count": len(errors), "error": f"{place}{first.message}"}
        )
        self.errors = tuple(errors)


def draft_tariff_version(
    *,
    tariff_id: int,
    valid_from: dt.datetime,
    document: dict[str, Any],
    by: User | None,
    at: dt.datetime,
    ocpi_version: str = "2.2.1",
) -> TariffVersion:
    """Draft prices that hold from an instant on. `document` is an OCPI Tariff object; decimals or strings, no floats.

    Raises BadInput where the document has not the shape of a tariff in the tariff's currency.
    """
    with transaction.atomic():
        tariff = lock(Tariff, tariff_id)
        maker = require_person(by)
        require_permission(by, "add_tariffversion")
        last = TariffVersion.objects.filter(tariff=tariff).aggregate(last=Max("number"))["last"] or 0
        version = TariffVersion(
            tariff=tariff,
            number=last + 1,
            valid_from=require_aware(valid_from),
            ocpi_version=ocpi_version,
            document=_document(document, tariff),
            created_by=maker,
            created_at=at,
        )
        require_valid(version)
        version.save()
        record_audit(
            action="contracts.tariff_version.draft",
            obj=version,
            by=by,
            at=at,
            changes={"valid_from": version.valid_from, "document": version.document},
        )
    return version


def change_tariff_version(
    *,
    version_id: int,
    valid_from: dt.datetime,
    document: dict[str, Any],
    ocpi_version: str,
    by: User | None,
    at: dt.datetime,
) -> TariffVersion:
    """Correct a draft; whoever changes it becomes its maker (I18). Raises WrongState once it is released."""
    with transaction.atomic():
        version = _lock_draft(version_id)
        maker = require_person(by)
        require_permission(by, "change_tariffversion")
        values = {
            "valid_from": require_aware(valid_from),
            "ocpi_version": ocpi_version,
            "document": _document(document, version.tariff),
        }
        changes = {name: [getattr(version, name), new] for name, new in values.items() if getattr(version, name) != new}
        if not changes:
            return version
        for name, value in values.items():
            setattr(version, name, value)
        version.created_by = maker
        require_valid(version)
        version.save()
        record_audit(action="contracts.tariff_version.change", obj=version, by=by, at=at, changes=changes)
    return version


def release_tariff_version(
    *, version_id: int, by: User | None, at: dt.datetime, seen: str | None = None
) -> TariffVersion:
    """Release prices made by another person; from here on the database refuses any change.

    `seen` is the fingerprint (contracts.queries.tariffs) of what the person has looked at; a page passes it, so that
    prices changed meanwhile are not released. The warnings of the linter are kept with the release in the audit trail.

    Raises MakerIsChecker for their maker; TariffHasErrors where the linter finds an error; WrongState when they are
    released already, changed since they were seen, or another released version of the tariff begins at the same
    instant.
    """
    with transaction.atomic():
        version = _lock_draft(version_id)
        checker = require_person(by)
        require_permission(by, "release_tariffversion")
        require(checker.pk != version.created_by_id, MakerIsChecker(_("Tariff version %s") % version))
        require(
            seen is None or seen == fingerprint(version),
            WrongState(_("%s was changed since you looked at it; look at it again.") % version),
        )
        findings = findings_of(version)
        if errors := errors_of(findings):
            refuse(TariffHasErrors(version, errors))
        same = TariffVersion.objects.filter(
            tariff=version.tariff_id, state=TariffState.RELEASED, valid_from=version.valid_from
        ).first()
        require(
            same is None,
            WrongState(
                _("%(other)s begins at %(instant)s too; choose another instant.")
                % {"other": same, "instant": format_instant(version.valid_from, version.tariff.operator.zone)}
            ),
        )
        version.state = TariffState.RELEASED
        version.released_by, version.released_at = checker, at
        version.save(update_fields=["state", "released_by", "released_at"])
        record_audit(
            action="contracts.tariff_version.release",
            obj=version,
            by=by,
            at=at,
            changes={"state": ["draft", "released"]}
            | (
                {"warnings": [f"{each.code} {each.path}" for each in warned]}
                if (warned := warnings_of(findings))
                else {}
            ),
        )
    return version


def _lock_draft(version_id: int) -> TariffVersion:
    version = lock(TariffVersion, version_id)
    require(
        version.state == TariffState.DRAFT,
        WrongState(_("%s is released and frozen; make a new version of the tariff.") % version),
    )
    return version


def _document(document: Any, tariff: Tariff) -> dict[str, Any]:
    """The document as the database gives it back: decimals as strings."""
    try:
        stored = strict_json.loads(strict_json.dumps(document))
    except (TypeError, strict_json.BadJson) as error:
        raise BadInput("document", "", str(error)) from None
    require_tariff_document(stored, currency=tariff.currency)
    checked: dict[str, Any] = stored
    return checked
