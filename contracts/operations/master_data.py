"""Parties with their contacts, and what a fleet charges with, made and corrected one row at a time.

The forms of the workspace save such rows with their own audit rows (evbilling.shell.admin.AuditedModelAdmin);
everything else, such as an import, comes through here and leaves the same trail.
"""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Model

from contracts.models import Contact, CostCentre, Party, Tariff, Token, Vehicle
from contracts.operations.guards import require_permission, require_valid
from contracts.rules import electronic_addresses, identifiers
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.locks import lock


def create_party(*, by: User | None, at: dt.datetime, **values: Any) -> Party:
    """Add a party. Raises BadInput for a value that cannot be used, NotAllowed without the right."""
    return _create(Party(**values), by=by, at=at)


def change_party(*, party_id: int, by: User | None, at: dt.datetime, **values: Any) -> Party:
    """Correct a party's master data. Raises as create_party; documents that were issued keep what they copied."""
    return _change(Party, party_id, values, by=by, at=at)


def create_contact(*, party_id: int, by: User | None, at: dt.datetime, **values: Any) -> Contact:
    """Add a person of a party. Raises BadInput for a value that cannot be used, NotAllowed without the right."""
    return _create(Contact(party_id=party_id, **values), by=by, at=at, about="party")


def change_contact(*, contact_id: int, by: User | None, at: dt.datetime, **values: Any) -> Contact:
    """Correct a person of a party. Raises as create_contact."""
    return _change(Contact, contact_id, values, by=by, at=at, about="party")


def create_cost_centre(*, party_id: int, code: str, by: User | None, at: dt.datetime, name: str = "") -> CostCentre:
    """Add a cost centre of a party. Raises as create_contact."""
    return _create(CostCentre(party_id=party_id, code=code, name=name), by=by, at=at)


def create_vehicle(*, party_id: int, label: str, by: User | None, at: dt.datetime, **values: Any) -> Vehicle:
    """Add a vehicle of a party. Raises as create_contact."""
    return _create(Vehicle(party_id=party_id, label=label, **values), by=by, at=at)


def create_token(*, ref: str, kind: str, by: User | None, at: dt.datetime, **values: Any) -> Token:
    """Add a token; which contract pays for it is said by assign_token. Raises as create_contact."""
    return _create(Token(ref=ref, kind=kind, **values), by=by, at=at)


def change_token(*, token_id: int, by: User | None, at: dt.datetime, **values: Any) -> Token:
    """Correct a token's driver, vehicle or kind. Raises as create_contact."""
    return _change(Token, token_id, values, by=by, at=at)


def create_tariff(*, operator_id: int, code: str, name: str, currency: str, by: User | None, at: dt.datetime) -> Tariff:
    """Add a tariff without prices; they follow with draft_tariff_version. Raises as create_contact."""
    return _create(Tariff(operator_id=operator_id, code=code, name=name, currency=currency), by=by, at=at)


def change_tariff(*, tariff_id: int, name: str, by: User | None, at: dt.datetime) -> Tariff:
    """Give a tariff another name. Raises as create_contact."""
    return _change(Tariff, tariff_id, {"name": name}, by=by, at=at)


def _create[M: Model](row: M, *, by: User | None, at: dt.datetime, about: str = "") -> M:
    name = str(row._meta.model_name)
    require_permission(by, f"add_{name}")
    with transaction.atomic():
        _check_identifiers(row)
        require_valid(row)
        row.save(force_insert=True)
        values = {
            field.attname: _kept(getattr(row, field.attname))
            for field in row._meta.concrete_fields
            if getattr(row, field.attname) not in {None, ""} and not field.primary_key
        }
        _record(row, "create", values, by=by, at=at, about=about)
    return row


def _change[M: Model](
    model: type[M], pk: int, values: dict[str, Any], *, by: User | None, at: dt.datetime, about: str = ""
) -> M:
    require_permission(by, f"change_{model._meta.model_name}")
    with transaction.atomic():
        row = lock(model, pk)
        before = {name: getattr(row, name) for name in values}
        for name, value in values.items():
            setattr(row, name, value)
        _check_identifiers(row)
        changes = {name: [_kept(before[name]), _kept(getattr(row, name))] for name in values}
        changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        if not changes:
            return row
        require_valid(row)
        row.save()
        _record(row, "change", changes, by=by, at=at, about=about)
    return row


def _check_identifiers(row: Model) -> None:
    """As the forms do: a country's code in capitals, a VAT id that belongs to it, addresses and references checked."""
    if isinstance(row, Party):
        row.country = identifiers.country_code(row.country)
        row.vat_id = identifiers.vat_id(row.vat_id, row.country)
        row.endpoint_scheme, row.endpoint_id = electronic_addresses.endpoint(row.endpoint_scheme, row.endpoint_id)
        row.buyer_reference = electronic_addresses.buyer_reference(row.buyer_reference)
        row.exemption_code = identifiers.exemption_code(row.exemption_code)


def _record(row: Model, verb: str, changes: dict[str, Any], *, by: User | None, at: dt.datetime, about: str) -> None:
    name = str(row._meta.model_name)
    whose = getattr(row, about) if about else row
    what = {name: str(row)} if about else {}
    record_audit(action=f"contracts.{name}.{verb}", obj=whose, by=by, at=at, changes=what | changes)


def _kept(value: Any) -> Any:
    """A value as the audit trail keeps it."""
    return value if value is None or isinstance(value, bool | int | str) else str(value)
