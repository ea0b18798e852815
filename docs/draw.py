"""Draw the pages that are made from data: statuses.md from the status table, data-model.md from the migrations,
authorisation.md from the rules of access, and owasp.md from the defences against each risk.

python docs/draw.py        writes the pages beside this file
"""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from pathlib import Path

from oms_core.domain.access import ACCESS_RULES, AccessRule
from oms_core.domain.callers import Scope
from oms_core.domain.orders.statuses import MOVES, SETTABLE, OrderStatus, scope_needed
from oms_http.openapi.operation import Operation
from oms_http.operations import operations_of
from oms_http.settings import HttpSettings
from tests.security.owasp import RISKS, Defence, Risk, mutations_of

STATUSES_HEAD = """\
# Statuses

Drawn from `oms_core/domain/orders/statuses.py` by `make docs`; a test compares.

- Placing leads to `pending`, `rejected` or `failed`. Accepting or a retry leads to `queued`.
- `PUT /v1/orders/{id}/status` and `oms orders set-status` make all other moves.
- A move to the status that an order already has changes nothing and succeeds.
"""

DATA_MODEL_HEAD = """\
# Data model

Drawn from the migrations in `ddl/oms_ddl/` by `make docs`; a test compares.

- The types are SQLite's. [ddl/postgresql.sql](../ddl/postgresql.sql) has PostgreSQL's: uuid, timestamptz, jsonb,
  bytea.
- The files of the whole schema, for both databases, have every CHECK and index.
- Amounts (`*_e4`) are integer ten-thousandths. SQLite keeps times as microseconds since 1970 UTC, and ids as text.
- A level is the sum of its movements; a CHECK keeps `0 <= reserved <= on_hand`.
- A solid line is a foreign key, a dotted line a link without one.
"""

AUTHORISATION_HEAD = """\
# Who may do what

Drawn from `oms_core/domain/access.py` by `make docs`; a test compares. `tests/core/test_access.py` and
`tests/http/test_access.py` test every cell: each use case and each route, with every single scope, all of them and
none, for a caller of no customer, one bound to the order's customer, and one bound to another.

A caller has a name and scopes, and may be bound to a customer. The name is the actor in the ledger and in events, and
each name has its own idempotency keys. The core decides on access, so it is the same for HTTP, the command line and a
program that embeds OMS. A driver only finds out who calls.

1. The scope is checked first. A missing scope is `forbidden` (403), and the answer's `scope` names it. `admin` holds
   every other scope.
2. The binding to a customer is checked next.

What a caller bound to a customer meets:

- **Another customer's order does not exist**: `order_not_found` (404), as for an id that no order has. Lists, and
  retrying by a filter, find its own orders only. The customer is part of the query, so a forged cursor shows no more.
- **Placing for another customer is `forbidden`**. In a batch or a file, only that order is.
- **An idempotency key shows no other customer's order.** The customer is part of what a key was used for. A name that
  is bound anew, and repeats a key of its former customer's order, meets `idempotency_key_reused`.
- **What shows all customers at once is `forbidden`**: the ledger (each reservation names an order), the state of the
  queue, dead letters, the audit. So is every change of stock, which belongs to no customer.
- **Stock is the same for all**: with `inventory:read` it sees a product's figures, sums over all customers.

What whoever places an order learns, without any further scope:

- `available` of the products that are short (`insufficient_inventory`), since nobody could order otherwise;
- that a SKU does not exist;
- the order as it now is, in the answer to what it placed or moved;
- the place of its own order in the queue.

With `orders:read` the history of an order names the actors of its moves, also to a caller bound to a customer.

Callers without an API key are bound to no customer:

| caller | does | guarded by |
|---|---|---|
| `worker` | settles accepted orders | the database's password |
| `commands` | accepts other services' orders, for any customer | [the broker's permissions](queue.md#who-may-publish) |
| `local` | whatever it likes, while authentication is off | the loopback address |
"""

OWASP_HEAD = """\
# OWASP API Security Top 10 (2023)

Drawn from `tests/security/owasp.py` by `make docs`; a test compares. [security.md](security.md) has the threat model.

The third column says what `make mutants` has changed, one change of one source file each
([tests/security/mutations](../tests/security/mutations)). With the change, the tests in the second column fail.
`make test` checks that every change still fits its file, and that every test exists.
"""

PURPOSES = {
    "products": "What can be sold: a name, and the threshold below which stock counts as low.",
    "stock_levels": "The counters of a product at a location. They are deleted with a product that was never used.",
    "orders": "One row per order, with the idempotency key and fingerprint of the command that created it.",
    "order_lines": "What was ordered, at what price.",
    "stock_movements": "The ledger: every change of a level, written in the transaction that made it.",
    "events": "Status history and audit trail, append only.",
    "imports": "How far an import under an idempotency key has come, so that a repetition goes on.",
    "idempotency_keys": "Idempotency keys of commands that create no row: a retry, a product's name, a batch.",
    "import_refusals": "Which rows such an import refused, so that a repetition reports them again.",
    "outbox": "The events that are still to be published. A row is deleted once the broker has confirmed its event.",
    "leases": "Which process alone may do something for a while: one relay at a time publishes events.",
    "api_keys": "API keys, with the SHA-256 of each secret. Rows are never deleted, so no name is given twice.",
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
    """Return the diagram and the table of moves as Markdown."""
    moves = [(source, target) for source, targets in MOVES.items() for target in targets]
    diagram = ["```mermaid", "stateDiagram-v2", "  [*] --> pending: placed", "  [*] --> queued: accepted"]
    diagram += [f"  {source} --> {target}" for source, target in moves]
    diagram += [f"  {status} --> [*]" for status, targets in MOVES.items() if not targets]
    table = ["| from | to | who may |", "|---|---|---|"]
    table += [f"| {source} | {target} | {_who(target)} |" for source, target in moves]
    return "\n".join([STATUSES_HEAD, *diagram, "```", "", *table, ""])


def draw_data_model() -> str:
    """Return the entity-relationship picture and a list of columns per table as Markdown."""
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


def draw_authorisation() -> str:
    """Return the rules by route, then those of the library's methods, as Markdown."""
    operations = operations_of(HttpSettings())
    routes = [_access_row(_route(each, rule), rule) for each in operations for rule in each.access_rules]
    methods = [_access_row(f"`{rule.use_case}`{_when(rule)}", rule) for rule in ACCESS_RULES]
    open_to_all = ", ".join(f"`{each.path}`" for each in operations if not each.access_rules)
    return "\n".join(
        [
            AUTHORISATION_HEAD,
            "## Routes",
            "",
            f"{open_to_all} answer everybody.",
            "",
            *_access_table("route", routes),
            "",
            "## Methods of `Oms`, and what the command line calls",
            "",
            *_access_table("method", methods),
            "",
        ]
    )


def draw_owasp() -> str:
    """Return each risk as Markdown, with its defences, their tests, and what is taken out to prove the tests."""
    return "\n".join([OWASP_HEAD, *(line for risk in RISKS for line in _risk(risk))])


def _risk(risk: Risk) -> list[str]:
    table = ["| defence | tests | without it |", "|---|---|---|", *map(_defence_row, risk.defences)]
    return [f"## {risk.id} {risk.title}", "", risk.concerns, "", *table, ""]


def _defence_row(defence: Defence) -> str:
    mutations = mutations_of(defence)
    tests = dict.fromkeys(test.partition("[")[0] for each in mutations for test in each.tests)
    links = (f"[{test.rpartition('::')[2]}](../{test.partition('::')[0]})" for test in tests)
    return f"| {defence.text} | {', '.join(links)} | {'; '.join(each.name for each in mutations)} |"


def _access_table(first: str, rows: list[str]) -> list[str]:
    scopes = [scope for scope in Scope if scope is not Scope.ADMIN]
    titles = [first, *(f"`{scope}`" for scope in scopes), "`admin`", "a caller bound to a customer"]
    return [f"| {' | '.join(titles)} |", f"|---|{':-:|' * len(Scope)}---|", *rows]


def _access_row(subject: str, rule: AccessRule) -> str:
    """Return a row that marks the scopes needed. Where two are needed, one alone is not enough."""
    one = "yes" if len(rule.scopes) == 1 else "with the other"
    cells = [one if scope in rule.scopes else "" for scope in Scope if scope is not Scope.ADMIN]
    return f"| {subject} | {' | '.join(cells)} | yes | {rule.binding.value} |"


def _route(operation: Operation, rule: AccessRule) -> str:
    return f"{operation.method} `{operation.path}`{_when(rule)}"


def _when(rule: AccessRule) -> str:
    return f" {rule.when}" if rule.when else ""


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
    pages = {
        "statuses.md": draw_statuses(),
        "data-model.md": draw_data_model(),
        "authorisation.md": draw_authorisation(),
        "owasp.md": draw_owasp(),
    }
    for name, text in pages.items():
        (folder / name).write_text(text)
