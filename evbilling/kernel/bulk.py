"""Many rows at once: COPY on PostgreSQL, bulk_create on SQLite; exact decimals and our JSON on both.

For rows that an operation has reckoned as plain values. Fields that are not named get the model's default; model
signals and save() have no part in it. Call inside the transaction that the rows belong to.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import Field, JSONField, Model
from django.db.models.expressions import DatabaseDefault

from evbilling.kernel.statistics import note_rows
from evbilling.kernel.strict_json import dumps

BATCH = 2000
FEW = 20
"""Up to so many rows an INSERT is quicker than COPY with its keys taken first."""
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL = "\\N"
type Row = Sequence[Any]


def insert_rows(model: type[Model], fields: Sequence[str], rows: Iterable[Row]) -> int:
    """Insert rows of values in the order of `fields` (column attributes such as `session_id`); how many.

    A primary key may be among the fields (`next_ids`). Constraints and triggers of the database hold as ever.
    """
    named, defaults = _columns(model, fields)
    if connection.vendor != "postgresql":
        found = [model(**dict(zip(fields, row, strict=True))) for row in rows]
        model._base_manager.bulk_create(found, batch_size=BATCH)
        return len(found)
    columns = [*named, *(field for field, _value in defaults)]
    writers = [_writer(field) for field in named]
    tail = "".join(f"\t{_writer(field)(value)}" for field, value in defaults) + "\n"
    quote = connection.ops.quote_name
    into = f"{quote(model._meta.db_table)} ({', '.join(quote(str(field.column)) for field in columns)})"
    count = 0
    with _atomic(), connection.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for text, written in _texts(writers, rows, tail):
            copy.write(text)
            count += written
    note_rows(model._meta.db_table, count)
    return count


def insert_all[M: Model](objects: Sequence[M]) -> Sequence[M]:
    """Insert unsaved objects of one model and give them their keys, as bulk_create does; by COPY where there is one."""
    if not objects:
        return objects
    model = type(objects[0])
    if connection.vendor != "postgresql" or len(objects) <= FEW:
        return model._base_manager.bulk_create(objects, batch_size=BATCH)
    fields = [field.attname for field in model._meta.concrete_fields]
    for made, key in zip(objects, next_ids(model, len(objects)), strict=True):
        made.pk = key
    insert_rows(model, fields, map(attrgetter(*fields), objects))
    for made in objects:
        made._state.adding, made._state.db = False, connection.alias
    return objects


def update_rows(model: type[Model], fields: Sequence[str], rows: Sequence[Row]) -> int:
    """Set `fields` of existing rows, each given as (primary key, *values); how many rows there were to set.

    One statement on PostgreSQL, on SQLite one for each batch.
    """
    if not rows:
        return 0
    columns = [_field(model, name) for name in ("pk", *fields)]
    if connection.vendor != "postgresql":
        found = [model(**{"pk": row[0]} | dict(zip(fields, row[1:], strict=True))) for row in rows]
        return model._base_manager.bulk_update(found, [field.name for field in columns[1:]], batch_size=100)
    quote = connection.ops.quote_name
    names = [quote(str(field.column)) for field in columns]
    arrays = ", ".join(f"%s::text[]::{field.rel_db_type(connection)}[]" for field in columns)
    sets = ", ".join(f"{name} = given.{name}" for name in names[1:])
    sql = (
        f"UPDATE {quote(model._meta.db_table)} AS kept SET {sets} FROM unnest({arrays}) "  # noqa: S608 - our own names
        f"AS given ({', '.join(names)}) WHERE kept.{names[0]} = given.{names[0]}"
    )
    plain = [_plain_writer(field) for field in columns]
    values = [[write(row[place]) for row in rows] for place, write in enumerate(plain)]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def save_all(objects: Sequence[Model]) -> None:
    """Save all columns of objects that are there already: one by save(), many by one statement."""
    if len(objects) == 1:
        objects[0].save(force_update=True)
    elif objects:
        model = type(objects[0])
        fields = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
        update_rows(model, fields, list(map(attrgetter("pk", *fields), objects)))


def next_ids(model: type[Model], count: int) -> list[int]:
    """Primary keys that nobody else will get, in rising order, for rows that are about to be inserted."""
    if not count:
        return []
    table, column = model._meta.db_table, str(model._meta.pk.column)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, column, count]
            )
            return [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        found = cursor.fetchone()
        last = found[0] if found else 0
        if found:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [last + count, table])
        else:
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, last + count])
    return list(range(last + 1, last + count + 1))


def check_references() -> None:
    """Check the foreign keys of all rows that the transaction has written, now instead of at its commit.

    By index: PostgreSQL keeps the plan of such a check for as long as the connection stands, and one that it makes
    while a table is small would read the whole table for each row when it is large. SQLite checks at commit.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute("SET LOCAL enable_seqscan TO DEFAULT")


def _atomic() -> transaction.Atomic:
    """No savepoint inside the caller's transaction; a transaction where there is none."""
    return transaction.atomic(savepoint=False)


def _columns(
    model: type[Model], fields: Sequence[str]
) -> tuple[list["Field[Any, Any]"], list[tuple["Field[Any, Any]", Any]]]:
    """The named fields in their order, and the others with their defaults (the primary key only where it is named)."""
    named = [_field(model, name) for name in fields]
    rest = [
        field
        for field in model._meta.concrete_fields
        if field not in named and not field.primary_key and not isinstance(field.get_default(), DatabaseDefault)
    ]
    return named, [(field, field.get_default()) for field in rest]


def _field(model: type[Model], attribute: str) -> "Field[Any, Any]":
    if attribute == "pk":
        return model._meta.pk
    return next(field for field in model._meta.concrete_fields if field.attname == attribute)


def _texts(writers: Sequence[Callable[[Any], str]], rows: Iterable[Row], tail: str) -> Iterator[tuple[str, int]]:
    """COPY text of a few hundred rows at a time."""
    found: list[str] = []
    for row in rows:
        found.append("\t".join([write(value) for write, value in zip(writers, row, strict=True)]) + tail)
        if len(found) == 500:
            yield "".join(found), len(found)
            found = []
    if found:
        yield "".join(found), len(found)


def _writer(field: "Field[Any, Any]") -> Callable[[Any], str]:
    """How a value of this field stands in COPY text."""
    if isinstance(field, JSONField):
        return lambda value: _escaped(dumps(value))
    return _text


def _escaped(text: str) -> str:
    """Most texts have nothing to escape, and looking for it costs a tenth of a translation."""
    if "\\" in text or "\n" in text or "\t" in text or "\r" in text:
        return text.translate(_ESCAPES)
    return text


def _text(value: Any) -> str:
    if value is None:
        return _NULL
    kind = type(value)
    if kind is int or kind is Decimal:
        return str(value)
    if isinstance(value, str):
        return _escaped(value)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, float):
        raise TypeError(f"The float {value!r} is no exact value; use Decimal.")
    return str(value)


def _plain_writer(field: "Field[Any, Any]") -> Callable[[Any], str | None]:
    """How a value of this field stands in an array of texts that PostgreSQL casts to its type."""
    if isinstance(field, JSONField):
        return dumps
    return lambda value: None if value is None else value + "" if isinstance(value, str) else _text(value)
