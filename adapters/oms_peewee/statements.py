"""Statements that PostgreSQL prepares once per connection, several of which travel in one round trip."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """SQL with parameters $1, $2, ... of these types, each used once and in this order."""

    name: str
    types: tuple[str, ...]
    sql: str

    def __post_init__(self) -> None:
        used = [int(number) for number in _PARAMETER.findall(self.sql)]
        if used != list(range(1, len(self.types) + 1)):
            raise ValueError(f"{self.name} must use its {len(self.types)} parameters once, in order")

    @cached_property
    def prepare(self) -> str:
        """The SQL that prepares it."""
        return f"PREPARE {self.name} ({', '.join(self.types)}) AS {self.sql}"

    @cached_property
    def execute(self) -> str:
        """The SQL that runs it prepared, for psycopg2's placeholders."""
        return f"EXECUTE {self.name} ({', '.join(['%s'] * len(self.types))})"

    @cached_property
    def direct(self) -> str:
        """The SQL that runs it unprepared, for psycopg2's placeholders."""
        return _PARAMETER.sub(lambda found: f"%s::{self.types[int(found[1]) - 1]}", self.sql)


def with_outbox(statement: Statement) -> Statement:
    """Make a statement that inserts events mark them for publishing too."""
    marking = "INSERT INTO outbox (event_id) SELECT id FROM written"
    return replace(statement, sql=f"WITH written AS ({statement.sql} RETURNING id) {marking}")


Call: TypeAlias = tuple[Statement, Sequence[object]]
