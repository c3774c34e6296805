"""What a refusal must leave as it was: the rows of this app, the audit trail and the outbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db.models import QuerySet

from evbilling.kernel.errors import BillingError
from evbilling.kernel.models import AuditRecord, OutboxMessage


def snapshot() -> dict[str, list[Any]]:
    """Every row of this app, of the audit trail and of the outbox."""
    models = [*apps.get_app_config("contracts").get_models(include_auto_created=True), AuditRecord, OutboxMessage]
    return {model._meta.label: sorted(model.objects.values_list(), key=lambda row: row[0]) for model in models}


@contextmanager
def refused(error: type[BillingError], words: str = "") -> Iterator[None]:
    """The block raises this error with these words in its sentence, and nothing has changed."""
    before = snapshot()
    with pytest.raises(error) as caught:
        yield
    assert words in caught.value.message
    assert snapshot() == before


def records() -> QuerySet[AuditRecord]:
    """This app's rows of the audit trail, oldest first."""
    return AuditRecord.objects.filter(action__startswith="contracts.").order_by("pk")


def actions() -> list[str]:
    """The actions on this app's audit trail, oldest first."""
    return list(records().values_list("action", flat=True))
