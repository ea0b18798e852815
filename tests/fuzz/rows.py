"""Everything that is kept, to be compared: in memory, in a SQLite file, in a PostgreSQL database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace
from typing import Any, TypeAlias

import psycopg2
from oms_memory import MemoryBroker
from oms_memory.storage import MemoryStorage

from oms_core import Oms

Rows: TypeAlias = dict[str, Any]

# When a key was last used and which workers live is noted by requests that change nothing else.
_NOTED_ASIDE = "last_used_at"
_SIGNS_OF_LIFE = "workers"


def rows_of(oms: Oms) -> Rows:
    """Give every row by table, and the dead letters of a queue in memory."""
    url = oms.settings.database_url
    read = next(read for scheme, read in _READERS.items() if url.startswith(scheme))
    found: Rows = read(oms)
    if isinstance(oms._ports.broker, MemoryBroker):
        found["dead letters"] = [letter.id for letter in oms._ports.broker.exchange.dead]
    return found


def changed_tables(before: Rows, after: Rows) -> list[str]:
    """Name the tables that are not as they were."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _rows_in_memory(oms: Oms) -> Rows:
    assert isinstance(oms._ports.storage, MemoryStorage)
    tables = oms._ports.storage.tables
    with tables.lock:
        found = {field.name: _copy(getattr(tables, field.name)) for field in fields(tables) if field.name != "lock"}
    found.pop(_SIGNS_OF_LIFE)
    found["api_keys"] = {
        id: replace(stored, key=replace(stored.key, last_used_at=None)) for id, stored in found["api_keys"].items()
    }
    return found


def _copy(table: Any) -> Any:
    if isinstance(table, dict):
        return {key: _copy(row) for key, row in table.items()} if _holds_lists(table) else dict(table)
    return list(table) if isinstance(table, list) else table


def _holds_lists(table: dict[Any, Any]) -> bool:
    return bool(table) and isinstance(next(iter(table.values())), list)


def _rows_in_sqlite(oms: Oms) -> Rows:
    with closing(sqlite3.connect(oms.settings.database_url.removeprefix("sqlite:///"), timeout=10)) as connection:
        return _read(
            connection.cursor(), "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )


def _rows_in_postgresql(oms: Oms) -> Rows:
    with closing(psycopg2.connect(oms.settings.database_url)) as connection:
        return _read(
            connection.cursor(), "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )


def _read(cursor: Any, tables: str) -> Rows:
    cursor.execute(tables)
    found: Rows = {}
    for (name,) in cursor.fetchall():
        if name != _SIGNS_OF_LIFE:
            cursor.execute(f'SELECT * FROM "{name}"')
            kept = [index for index, column in enumerate(cursor.description) if column[0] != _NOTED_ASIDE]
            found[name] = sorted([_shown(row[index]) for index in kept] for row in cursor.fetchall())
    return found


def _shown(value: object) -> str:
    return str(bytes(value) if isinstance(value, memoryview) else value)


_READERS: dict[str, Callable[[Oms], Rows]] = {
    "memory:": _rows_in_memory,
    "sqlite:": _rows_in_sqlite,
    "postgresql:": _rows_in_postgresql,
}
