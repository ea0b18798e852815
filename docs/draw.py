"""Draws the pages that are made from data: statuses.md from the status table, data-model.md from the migrations.

python docs/draw.py        writes both pages beside this file
"""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from pathlib import Path

from oms_core.domain.statuses import MOVES, SETTABLE, OrderStatus, scope_needed

STATUSES_HEAD = """\
# Statuses

Drawn from `oms_core/domain/statuses.py` by `make docs`; a test compares.

`pending`, `rejected` and `failed` are reached only by placing, `queued` only by accepting or retry. The other moves are
made with `PUT /v1/orders/{id}/status` or `oms orders set-status`. A move to the status an order already has changes
nothing and succeeds.
"""

DATA_MODEL_HEAD = """\
# Data model

Drawn from the migrations in `ddl/oms_ddl/` by `make docs`; a test compares. The types
are SQLite's; [ddl/postgresql.sql](../ddl/postgresql.sql) has PostgreSQL's (uuid, timestamptz, jsonb, bytea). Both
files of the whole schema have every CHECK and index.

Amounts (`*_e4`) are integer ten-thousandths. SQLite keeps times as microseconds since 1970 UTC and ids as text.
A level is the sum of its movements; a CHECK keeps `0 <= reserved <= on_hand`. A solid line is a foreign key, a dotted
one a link without.
"""

PURPOSES = {
    "products": "What can be sold: a name, and the threshold below which stock counts as low.",
    "stock_levels": "The counters of a product at a location. Rows are never deleted.",
    "orders": "One row per order, with the idempotency key and fingerprint of the command that created it.",
    "order_lines": "What was ordered, at what price.",
    "stock_movements": "The ledger: every change of a level, in the transaction that made it.",
    "events": "Status history and audit trail, append only.",
    "imports": "How far an import under an idempotency key has come, so that a rerun continues.",
    "import_refusals": "Which rows such an import refused, so that a rerun reports them again.",
    "outbox": "The events that are still to be published; a row goes once the broker has confirmed its event.",
    "leases": "Who alone may do something for a while: one relay at a time publishes events.",
    "workers": "Signs of life of the processes that place queued orders.",
}

# Links without a foreign key: the price per order would be paid on the hot path, and the rows are never deleted.
LINKS_WITHOUT_KEY = (
    ("orders", "stock_movements", "order_id"),
    ("stock_levels", "stock_movements", "sku, location"),
    ("products", "order_lines", "sku"),
    ("orders", "events", "order_id"),
    ("products", "events", "sku"),
    ("events", "outbox", "event_id"),
)


def draw_statuses() -> str:
    """Draw the diagram and the table of moves as Markdown."""
    moves = [(source, target) for source, targets in MOVES.items() for target in targets]
    diagram = ["```mermaid", "stateDiagram-v2", "  [*] --> pending: placed", "  [*] --> queued: accepted"]
    diagram += [f"  {source} --> {target}" for source, target in moves]
    diagram += [f"  {status} --> [*]" for status, targets in MOVES.items() if not targets]
    table = ["| from | to | who may |", "|---|---|---|"]
    table += [f"| {source} | {target} | {_who(target)} |" for source, target in moves]
    return "\n".join([STATUSES_HEAD, *diagram, "```", "", *table, ""])


def draw_data_model() -> str:
    """Draw the entity-relationship picture and a list of columns per table as Markdown."""
    database = sqlite3.connect(":memory:")
    scripts = sorted(
        (entry for entry in files("oms_ddl").joinpath("sqlite").iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    for script in scripts:
        database.executescript(script.read_text())
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")]
    tables = [table for table in tables if not table.startswith("sqlite_")]
    picture = ["```mermaid", "erDiagram"]
    for table in tables:
        picture += [f"  {row[2]} ||--o{{ {table} : {row[3]}" for row in _foreign_keys(database, table)]
    picture += [f'  {owner} ||..o{{ {table} : "{columns}"' for owner, table, columns in LINKS_WITHOUT_KEY]
    for table in tables:
        picture += [f"  {table} {{", *(f"    {row[2]} {row[1]}{_key(row)}" for row in _columns(database, table)), "  }"]
    purposes = [f"| {table} | {PURPOSES[table]} |" for table in tables]
    return "\n".join([DATA_MODEL_HEAD, *picture, "```", "", "| table | what it is for |", "|---|---|", *purposes, ""])


def _who(target: OrderStatus) -> str:
    return f"`{scope_needed(target).value}`" if target in SETTABLE else "the system"


def _columns(database: sqlite3.Connection, table: str) -> list[tuple[str, ...]]:
    return list(database.execute("SELECT * FROM pragma_table_info(?)", (table,)))


def _foreign_keys(database: sqlite3.Connection, table: str) -> list[tuple[str, ...]]:
    return list(database.execute("SELECT * FROM pragma_foreign_key_list(?)", (table,)))


def _key(column: tuple[str, ...]) -> str:
    return " PK" if column[5] else ""


if __name__ == "__main__":
    folder = Path(__file__).parent
    for name, text in (("statuses.md", draw_statuses()), ("data-model.md", draw_data_model())):
        (folder / name).write_text(text)
