"""What a form changed, as the audit trail keeps it, and what the trail holds, as people read it."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, QuerySet
from django.utils.text import capfirst

from evbilling.kernel.audit import AuditRecord


def changes_in(form: Any) -> dict[str, Any]:
    """Field -> [before, after] of what a valid form changed; another spelling of the same value is no change."""
    pairs = {
        name: [_plain(form.initial.get(name)), _plain(form.cleaned_data.get(name))]
        for name in form.changed_data
        if name in form.cleaned_data and name != "DELETE"
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _plain(value: Any) -> Any:
    """A value as the audit trail keeps it: rows by their key, instants in UTC, no floats."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, QuerySet | list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return str(value.astimezone(dt.UTC))
    return str(value)


def changes_of(record: AuditRecord, model: type[Model]) -> Iterable[tuple[str, str, str]]:
    """(field's name on screen, before, after) of each change that an audit row holds."""
    for name, value in record.changes.items():
        try:
            label = capfirst(str(model._meta.get_field(name).verbose_name))  # type: ignore[union-attr]
        except (FieldDoesNotExist, AttributeError):
            label = capfirst(name.replace("_", " "))
        if isinstance(value, list) and len(value) == 2:
            yield label, _shown(value[0]), _shown(value[1])
        else:
            yield label, "", _shown(value)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "\N{EN DASH}"
    return ", ".join(_shown(each) for each in value) if isinstance(value, list) else str(value)
