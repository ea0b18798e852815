"""Statements that PostgreSQL prepares once per connection, several of which travel in one round trip."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """SQL with parameters $1, $2, ... of these types, each used once and in this order.

    `prepare` prepares it; `execute` runs it prepared, and `direct` unprepared, for psycopg2's placeholders.
    """

    name: str
    types: tuple[str, ...]
    sql: str
    prepare: str = field(init=False, repr=False, compare=False)
    execute: str = field(init=False, repr=False, compare=False)
    direct: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        used = [int(number) for number in _PARAMETER.findall(self.sql)]
        if used != list(range(1, len(self.types) + 1)):
            raise ValueError(f"{self.name} must use its {len(self.types)} parameters once, in order")
        # Made here, for a cached property's lock in Python 3.11 may be held by another thread when a process is forked.
        texts = {
            "prepare": f"PREPARE {self.name} ({', '.join(self.types)}) AS {self.sql}",
            "execute": f"EXECUTE {self.name} ({', '.join(['%s'] * len(self.types))})",
            "direct": _PARAMETER.sub(lambda found: f"%s::{self.types[int(found[1]) - 1]}", self.sql),
        }
        for name, text in texts.items():
            object.__setattr__(self, name, text)


def with_outbox(statement: Statement) -> Statement:
    """Make a statement that inserts events mark them for publishing too."""
    marking = "INSERT INTO outbox (event_id) SELECT id FROM written"
    return replace(statement, sql=f"WITH written AS ({statement.sql} RETURNING id) {marking}")


Call: TypeAlias = tuple[Statement, Sequence[object]]
