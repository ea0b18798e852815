"""Rows that are inserted many at a time: what peewee has no fast words for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BulkInsert:
    """An INSERT of any number of rows: a table, its columns with PostgreSQL's types, and what stands at the end.

    The types are text, integer, smallint, bigint, uuid, timestamptz and bytea; any value may be None.
    """

    table: str
    columns: Mapping[str, str]
    ending: str = ""

    @property
    def head(self) -> str:
        """`INSERT INTO table (columns)`."""
        return f"INSERT INTO {self.table} ({', '.join(self.columns)})"
