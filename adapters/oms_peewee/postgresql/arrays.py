"""PostgreSQL array literals: a column of a batch as one parameter, which beats any other way to send it.

Measured for 500 orders, per order: these literals with unnest 63 microseconds, COPY 60 (but 91 to 88 for 20 orders,
533 to 412 for one), a JSON parameter 75, psycopg2's own lists 100. In a SELECT list unnest is a quarter faster than
in FROM, which keeps its rows in a temporary store first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import eq, is_
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

from oms_peewee.faults import UnstorableValueError

Value = TypeVar("Value")
Written = TypeVar("Written")

_NOTHING: Any = object()

# Cannot stand in a text of PostgreSQL, so it may stand between two of them.
_BETWEEN = "\x00"


def of(kind: str, values: Sequence[Any]) -> str:
    """Write an array of a type: text, integer, smallint, bigint, uuid, timestamptz or bytea."""
    return _BY_KIND[kind](values)


def texts(values: Sequence[str | None]) -> str:
    """Write text[]. Raises UnstorableValueError for a NUL."""
    if not values:
        return "{}"
    if None in values:
        if values.count(None) == len(values):
            return "{}"  # unnest fills a column that is too short with NULL.
        return "{" + ",".join(["NULL" if value is None else _quoted([value]) for value in values]) + "}"
    return "{" + _quoted(values) + "}"  # type: ignore[arg-type]  # None is not among them.


def numbers(values: Sequence[int | None]) -> str:
    """Write smallint[], integer[] or bigint[]."""
    return "{" + ",".join(map(str, values)).replace("None", "NULL") + "}"


def ids(values: Sequence[UUID | None]) -> str:
    """Write uuid[]."""
    return "{" + ",".join(_each_neighbour_once(values, lambda value: "NULL" if value is None else value.hex)) + "}"


def times(values: Sequence[datetime]) -> str:
    """Write timestamptz[] of aware times."""
    return texts(_each_neighbour_once(values, str))


def documents(values: Sequence[Mapping[str, object] | None]) -> str:
    """Write jsonb[]."""
    return texts(_each_neighbour_once(values, lambda value: None if value is None else json.dumps(dict(value)), eq))


def flags(values: Sequence[bool]) -> str:
    """Write boolean[]."""
    return "{" + ",".join(["t" if value else "f" for value in values]) + "}"


def digests(values: Sequence[bytes | None]) -> str:
    """Write bytea[]."""
    return texts([None if value is None else "\\x" + value.hex() for value in values])


_BY_KIND: Mapping[str, Callable[[Sequence[Any]], str]] = MappingProxyType(
    {
        "text": texts,
        "integer": numbers,
        "smallint": numbers,
        "bigint": numbers,
        "uuid": ids,
        "timestamptz": lambda values: texts([None if value is None else str(value) for value in values]),
        "bytea": digests,
    }
)


def _each_neighbour_once(
    values: Sequence[Value], write: Callable[[Value], Written], same: Callable[[Any, Any], bool] = is_
) -> list[Written]:
    """Write values of which many follow their like: lines share id and time of their order, orders their data."""
    written: list[Written] = []
    last: Any = _NOTHING
    text: Any = None
    for value in values:
        if not same(value, last):
            last, text = value, write(value)
        written.append(text)
    return written


def _quoted(values: Sequence[str]) -> str:
    joined = _BETWEEN.join(values)
    if joined.count(_BETWEEN) != len(values) - 1:
        raise UnstorableValueError("a text has a NUL")
    return '"' + joined.replace("\\", "\\\\").replace('"', '\\"').replace(_BETWEEN, '","') + '"'
