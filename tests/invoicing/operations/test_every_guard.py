"""Every row that the product freezes is refused to raw SQL and to QuerySets that go around save(), on both databases.

The cases come from the register of protections itself: one that has no row here to try it on fails the test.
"""

from collections.abc import Callable, Iterator

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.db.models import F

from evbilling.kernel.protection import Protection, registered
from tests.invoicing.operations.frozen_world import make_frozen_rows, make_released_penalty
from tests.invoicing.quiet import nothing_is_drawn  # noqa: F401 - documents are not drawn here

pytestmark = pytest.mark.django_db
CHANGES = {
    ("charging.ChargingSession", "priced"): "energy_wh",
    ("invoicing.AccountingPeriod", "month"): "operator_id",
    ("payments.Payment", "fixed"): "amount",
    ("payments.Refund", "fixed"): "amount",
}
"""Protections that look at what is written: a column whose change they refuse. Others refuse writing the same again."""


def rows_of(protection: Protection) -> list[int]:
    """The rows that the protection holds for now."""
    table = protection.table
    key = (protection.model, protection.name)
    before = protection.when.replace("ROW.", "t.").replace("OLD.", "t.")
    where = "" if key in CHANGES or not before else f" WHERE {before}"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT t.id FROM {table} t{where} ORDER BY t.id")  # noqa: S608 - the product's own names
        return [row[0] for row in cursor.fetchall()]


def attempts(protection: Protection, pk: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """(what, how) of each way to write that the protection forbids."""
    model: type[models.Model] = apps.get_model(protection.model)
    rows = model._base_manager.filter(pk=pk)
    table, key = protection.table, (protection.model, protection.name)
    column = CHANGES.get(key, "id")
    plus = " + 1" if key in CHANGES else ""

    def run(sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, [pk])

    if "UPDATE" in protection.operations:
        value = F(column) + 1 if plus else F(column)
        yield "UPDATE", lambda: run(f"UPDATE {table} SET {column} = {column}{plus} WHERE id = %s")  # noqa: S608
        yield "update()", lambda: rows.update(**{column: value})
    if "DELETE" in protection.operations:
        yield "DELETE", lambda: run(f"DELETE FROM {table} WHERE id = %s")  # noqa: S608
        yield "delete()", lambda: rows._raw_delete(rows.db)  # type: ignore[attr-defined]
    if "INSERT" in protection.operations:
        names = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields if not field.primary_key)
        yield "INSERT", lambda: run(f"INSERT INTO {table} ({names}) SELECT {names} FROM {table} WHERE id = %s")  # noqa: S608


def test_given_a_row_of_every_protected_table_when_written_around_save_then_the_database_refuses() -> None:
    # Given rows of every protection
    make_frozen_rows()
    make_released_penalty()
    held = {(each.model, each.name): rows_of(each) for each in registered()}
    assert [key for key, rows in held.items() if not rows] == []

    went_through = []
    for protection in registered():
        pk = held[protection.model, protection.name][0]
        model = apps.get_model(protection.model)
        before = model._base_manager.filter(pk=pk).values().get()
        answers = {each.message for each in registered() if each.model == protection.model}
        for what, how in attempts(protection, pk):
            # When one is written in any way that it forbids
            try:
                with transaction.atomic():
                    how()
            except DatabaseError as refusal:
                # Then the database answers with its sentence
                if not any(answer in str(refusal) for answer in answers):
                    went_through.append((protection.model, protection.name, what, str(refusal)))
            else:
                went_through.append((protection.model, protection.name, what, "written"))
        # And the row is what it was
        assert model._base_manager.filter(pk=pk).values().get() == before
    assert went_through == []
