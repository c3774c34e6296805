"""The one JSON reader and writer: decimals stay decimals, floats never appear (ARCHITECTURE, Money)."""

import datetime as dt
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

MAX_DEPTH = 100


class BadJson(ValueError):
    """The text is not JSON that this product reads; the message says where and why."""


def _no_constant(name: str) -> NoReturn:
    raise BadJson(f"{name} is not a number; write a decimal number such as 1.50.")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for number, key in enumerate(keys) if key in keys[:number])
        raise BadJson(f"The key {twice!r} stands twice in one object; keep one of them.")
    return found


def loads(text: str | bytes) -> Any:
    """Read JSON with every non-integer number as Decimal; duplicates, NaN and Infinity raise BadJson."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except BadJson:
        raise
    except json.JSONDecodeError as error:
        raise BadJson(f"Not JSON at line {error.lineno}, column {error.colno}: {error.msg}.") from error
    except (RecursionError, UnicodeDecodeError, ValueError) as error:
        raise BadJson(f"Not JSON that can be read: {error}.") from error


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here.")


_WRITER = json.JSONEncoder(default=_plain, ensure_ascii=False)
_HARMLESS = frozenset({str, Decimal, int, bool, type(None)})


def _refuse_floats(value: object) -> None:
    inside: Iterable[object] = ()
    if isinstance(value, dict):
        inside = value.values()
    elif isinstance(value, list | tuple):
        inside = value
    elif isinstance(value, float):
        raise TypeError(f"The float {value!r} cannot leave this product; use Decimal.")
    for inner in inside:
        if type(inner) not in _HARMLESS:
            _refuse_floats(inner)


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Write JSON; decimals become strings, dates ISO 8601. Raises TypeError for a float."""
    _refuse_floats(value)
    if indent is None:
        return _WRITER.encode(value)
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=indent)


class ExactEncoder(json.JSONEncoder):
    """Encoder for JSONFields: decimals as strings, dates ISO 8601, floats refused."""

    def default(self, o: object) -> object:
        return _plain(o)

    def encode(self, o: Any) -> str:
        _refuse_floats(o)
        return super().encode(o)
