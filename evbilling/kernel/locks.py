"""Row locks that really lock: evaluated at once, in the order of primary keys (ARCHITECTURE, the shape of a write)."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from evbilling.kernel.errors import NotFound


def lock[M: Model](model: type[M], pk: Any) -> M:
    """Lock and return one row until the transaction ends. Raises NotFound; must run inside a transaction.

    SQLite has no row locks; its immediate transactions already let one writer in at a time.
    """
    try:
        return _locking(model).get(pk=pk)
    except ObjectDoesNotExist:
        raise _missing(model, pk) from None


def lock_all[M: Model](model: type[M], pks: Iterable[Any]) -> list[M]:
    """Lock several rows of one model, always in the order of their keys, so that two callers cannot deadlock."""
    wanted = sorted(set(pks))
    rows = list(_locking(model).filter(pk__in=wanted).order_by("pk"))
    if len(rows) != len(wanted):
        missing = sorted(set(wanted) - {row.pk for row in rows})
        raise _missing(model, missing[0])
    return rows


def _missing(model: type[Model], pk: Any) -> NotFound:
    return NotFound(_("There is no %(what)s with the id %(id)s.") % {"what": model._meta.verbose_name, "id": pk})


def _locking[M: Model](model: type[M]) -> QuerySet[M]:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A lock needs a transaction around it.")
    # FOR NO KEY UPDATE: rows elsewhere that merely name this one (foreign keys) neither wait for it nor block it.
    return model._base_manager.select_for_update(of=("self",), no_key=True)
