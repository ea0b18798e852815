"""Writes the whole current schema of both databases, for reading: what all migrations together have made.

python ddl/dump.py postgresql://user@host/empty_database        writes sqlite.sql and postgresql.sql beside this file
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from oms_peewee.postgresql import open_postgresql
from oms_peewee.sqlite import open_sqlite

from oms_core.ports.storage import StorageOptions

_SQLITE = """SELECT tbl_name, sql FROM sqlite_master
WHERE sql IS NOT NULL AND tbl_name NOT LIKE 'sqlite_%' ORDER BY rowid"""
_HEADER = "-- The whole schema as the migrations in oms_ddl/{dialect}/ make it. Written by ddl/dump.py; change those.\n"

_TABLES = """SELECT c.oid, c.relname, obj_description(c.oid), array_to_string(c.reloptions, ', ')
FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY c.oid"""
_SEQUENCES = """SELECT 'CREATE SEQUENCE ' || quote_ident(c.relname) || ';', obj_description(c.oid) FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'S'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype IN ('a', 'i')) ORDER BY c.oid"""
_COLUMNS = """SELECT quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
  || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE "' || l.collname || '"' ELSE '' END
  || CASE WHEN a.attidentity = 'a' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE '' END
  || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
  || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_CONSTRAINTS = """SELECT 'CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid, true)
FROM pg_constraint WHERE conrelid = %s AND contype IN ('p', 'u', 'f', 'c') ORDER BY contype <> 'p', contype, conname"""
_INDEXES = """SELECT pg_get_indexdef(i.indexrelid, 0, true)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = %s AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid AND conrelid = i.indrelid)
ORDER BY c.relname"""


def main() -> None:
    """Write both files."""
    if len(sys.argv) != 2:  # noqa: PLR2004  The program and its argument.
        sys.exit(__doc__)
    here = Path(__file__).parent
    here.joinpath("sqlite.sql").write_text(dump_sqlite())
    here.joinpath("postgresql.sql").write_text(dump_postgresql(sys.argv[1]))


def dump_sqlite() -> str:
    """Migrate a file of its own; give its tables and indexes as they were written."""
    with tempfile.TemporaryDirectory() as folder:
        with closing(open_sqlite(f"sqlite:///{folder}/schema.db", StorageOptions())) as storage:
            storage.schema.upgrade()
        with closing(sqlite3.connect(f"{folder}/schema.db")) as connection:
            created = connection.execute(_SQLITE)
            rows = created.fetchall()
    tables = dict.fromkeys(table for table, _ in rows)
    parts = ["\n".join(f"{sql};" for table, sql in rows if table == name) for name in tables]
    return "\n\n".join([_HEADER.format(dialect="sqlite").strip(), *parts]) + "\n"


def dump_postgresql(url: str) -> str:
    """Migrate a database; give its sequences, and its tables with their constraints, indexes and comments."""
    with closing(open_postgresql(url, StorageOptions())) as storage:
        storage.schema.upgrade()
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(_SEQUENCES)
        sequences = [f"-- {comment}\n{created}" for created, comment in cursor.fetchall()]
        cursor.execute(_TABLES)
        parts = [*sequences, *(_table(cursor, *row) for row in cursor.fetchall())]
    return "\n\n".join([_HEADER.format(dialect="postgresql").strip(), *parts]) + "\n"


def _table(cursor: Any, table: int, name: str, comment: str | None, options: str | None) -> str:
    columns = _each(cursor, _COLUMNS, table)
    constraints = _each(cursor, _CONSTRAINTS, table)
    body = ",\n".join(f"  {line}" for line in [*columns, *constraints])
    created = f"CREATE TABLE {name} (\n{body}\n){f' WITH ({options})' if options else ''};"
    indexes = [f"{index};" for index in _each(cursor, _INDEXES, table)]
    return "\n".join([*(f"-- {line}" for line in (comment or "").splitlines()), created, *indexes])


def _each(cursor: Any, sql: str, table: int) -> Sequence[str]:
    cursor.execute(sql, (table,))
    return [text for (text,) in cursor.fetchall()]


if __name__ == "__main__":
    main()
