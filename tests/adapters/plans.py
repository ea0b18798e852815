"""The plans of statements, and what in them reads more than it should."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from oms_peewee.session import Session
from oms_peewee.storage import PeeweeStorage

# The table of locations has a row for each warehouse, so it is read whole on purpose.
WHOLE_TABLE_ON_POSTGRESQL = re.compile(r"Seq Scan on (?!locations\b)\w+")
SEARCHED_INDEX_ON_POSTGRESQL = re.compile(r"Index (?:Only )?Scan (?:using|on) (\w+).*\n\s*Index Cond: (.*)")
# The first columns of indexes of several.
LEADING = {
    "stock_movements_pkey": "sku",
    "stock_levels_pkey": "sku",
    "order_lines_pkey": "order_id",
    "order_keys_pkey": "idempotency_key",
    "stock_keys_pkey": "idempotency_key",
    "events_order": "order_id",
    "orders_reference": "reference",
    "api_keys_name": "name",
}
ROWS_GIVEN = re.compile(r"\(actual rows=(\d+) loops=(\d+)\)")
ROWS_PASSED_OVER = re.compile(r"Rows Removed by \w.*: (\d+)")
# Of 20,000 orders and 40,000 lines: a page of 50 for each of the nine statuses.
ROWS_LOOKED_AT_MAX = 9 * 50
NAMED_RESULT_ON_SQLITE = re.compile(r"^(?:CO-ROUTINE|MATERIALIZE) (\w+)")
WHOLE_TABLE_ON_SQLITE = re.compile(r"^SCAN (?!locations\b)(\w+)(?! .*(?:INDEX|PRIMARY KEY))$")

EXPLAINABLE = ("WITH", "SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE")


def plans_of(storage: PeeweeStorage, explain: str, work: Callable[[], object]) -> list[str]:
    """Do something with every statement explained before it is run; give the last column of each plan."""
    plans: list[str] = []

    def explained(session: Session) -> None:
        """The pool lends the connection that was used last, so this one serves all that follows."""
        run = type(session).execute_sql

        def execute_sql(sql: str, params: Sequence[object] | None = None) -> Any:
            # Several statements in one message would be run, all but the first.
            if sql.startswith(EXPLAINABLE) and ";" not in sql:
                plans.extend(row[-1] for row in run(session, f"{explain} {sql}", params).fetchall())
            return run(session, sql, params)

        session.execute_sql = execute_sql  # type: ignore[method-assign]

    storage.database.read(explained)
    try:
        work()
    finally:
        storage.close()
    return plans


def whole_tables_on_postgresql(plan: Sequence[str]) -> list[str]:
    """Give what reads a whole table, or a whole index: all of one is read where its first column is not asked for."""
    text = "\n".join(plan)
    searches = SEARCHED_INDEX_ON_POSTGRESQL.findall(text)
    return [
        *WHOLE_TABLE_ON_POSTGRESQL.findall(text),
        *(index for index, condition in searches if not re.search(rf"\b{LEADING.get(index, '')}\b", condition)),
    ]


def rows_looked_at(plan: Sequence[str]) -> int:
    """Give the most rows that a part of the plan gave or passed over."""
    rows, loops = 0, 1
    most = 0
    for line in plan:
        if found := ROWS_GIVEN.search(line):
            rows, loops = (int(each) for each in found.groups())
        elif found := ROWS_PASSED_OVER.search(line):
            rows += int(found[1])
        most = max(most, rows * loops)
    return most


def whole_tables_on_sqlite(plan: Sequence[str]) -> list[str]:
    named = {found[1] for line in plan if (found := NAMED_RESULT_ON_SQLITE.match(line))}
    return [line for line in plan if (found := WHOLE_TABLE_ON_SQLITE.match(line)) and found[1] not in named]
