"""Draw the pages that are made from data: statuses.md from the status table, data-model.md from the migrations,
authorisation.md from the rules of access, owasp.md from the defences against each risk, and the tables of
measurements.md from what `make bench` has measured.

python docs/draw.py        writes the pages beside this file
"""

from __future__ import annotations

import json
import re
import sqlite3
from importlib.resources import files
from pathlib import Path

from docs.status_page import draw_statuses
from oms_core.domain.access import ACCESS_RULES, AccessRule
from oms_core.domain.callers import Scope
from oms_http.openapi.operation import Operation
from oms_http.operations import operations_of
from oms_http.settings import HttpSettings
from tests.bench.goals import FOLDER, goal_table
from tests.bench.results import read_results
from tests.security.owasp import RISKS, Defence, Risk, mutations_of

MEASUREMENTS = Path(__file__).with_name("measurements.md")
MEASURED = re.compile(r"(<!-- measured: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)

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
   every other scope. Where the order decides which scope a change of its lines takes, it is looked for in between.
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
| `OMS_COMMANDS_CALLER` | accepts other services' orders | [the broker's permissions](queue.md#who-may-publish) |
| `OMS_LOCAL_CALLER` | all, while authentication is off or with `oms` | loopback; the database's password |

[One key at every door](api.md#one-key-at-every-door) says what these names are by default.
"""

OWASP_HEAD = """\
# OWASP API Security Top 10 (2023)

Drawn from `tests/security/owasp.py` by `make docs`; a test compares. [security.md](security.md) has the threat model.

The third column says what `make mutants` has changed, one change of one source file each
([tests/security/mutations](../tests/security/mutations)). With the change, the tests in the second column fail.
`make test` checks that every change still fits its file, and that every test exists.
"""

# What each table is for.
PURPOSES = json.loads(Path(__file__).with_name("tables.json").read_text())

GROWING = ("orders_", "order_keys_", "order_lines_", "stock_movements_", "events_")
INDEX = re.compile(r"INDEX (\w+) ON \w+ USING btree (\(.*\)(?: WHERE .*)?);")
PRIMARY_KEY = re.compile(r"CONSTRAINT (\w+) PRIMARY KEY \((.*)\)")
INDEXES_HEAD = """\
## Indexes

PostgreSQL's, of the tables that grow with orders. Each is there for what is asked, since placing pays for it: *entries*
is what an order of two lines with an idempotency key adds, 14 together. SQLite has one index of status for all orders,
and none begins with a period of time.

| index | entries | who needs it |
|---|---:|---|
"""
# Entries of an order of two lines, and who needs the index.
INDEXES = json.loads(Path(__file__).with_name("indexes.json").read_text())

# Links without a foreign key: the price per order would be paid on the hot path.
LINKS_WITHOUT_KEY = (
    ("orders", "order_lines", "order_id"),
    ("orders", "order_keys", "order_id"),
    ("orders", "waiting_orders", "order_id"),
    ("orders", "payment_references", "order_id"),
    ("orders", "shipments", "order_id"),
    ("shipments", "stock_movements", "act_id"),
    ("orders", "returns", "order_id"),
    ("returns", "return_lines", "order_id, return_no"),
    ("returns", "stock_movements", "act_id"),
    ("orders", "stock_movements", "order_id"),
    ("stock_levels", "stock_movements", "sku, location"),
    ("products", "order_lines", "sku"),
    ("orders", "events", "order_id"),
    ("products", "events", "sku"),
    ("events", "outbox", "event_id"),
)


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
    head = ["```", "", "| table | what it is for |", "|---|---|"]
    return "\n".join([DATA_MODEL_HEAD, *picture, *head, *purposes, "", INDEXES_HEAD + "\n".join(_indexes()), ""])


def _indexes() -> list[str]:
    """Return a row for each index of the tables that grow, as PostgreSQL's whole schema has them."""
    schema = Path(__file__).parents[1].joinpath("ddl", "postgresql.sql").read_text()
    created = {name: what for name, what in INDEX.findall(schema) if name.startswith(GROWING)}
    keys = {name: f"({columns})" for name, columns in PRIMARY_KEY.findall(schema) if name.startswith(GROWING)}
    rows = sorted((keys | created).items(), key=lambda row: [*INDEXES].index(row[0]))
    return [f"| {name} `{what}` | {INDEXES[name][0]} | {INDEXES[name][1]} |" for name, what in rows]


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


def draw_measurements() -> str:
    """Return measurements.md as it is, but for what stands between `<!-- measured: part/name -->` and `<!-- end -->`.

    That is the table `name` of docs/measurements/part.json, or, of `part/plot`, its plot; of `goals`, the table of all.
    """
    return MEASURED.sub(lambda found: f"{found[1]}\n{_measured(found[2])}\n\n{found[3]}", MEASUREMENTS.read_text())


def _measured(name: str) -> str:
    part, _, table = name.partition("/")
    if part == "goals":
        return goal_table().for_page()
    path = FOLDER / f"{part}.json"
    if not path.exists():
        return f"Not measured since the last change: `python -m tests.bench --only {part}`, then `make docs`."
    results = read_results(path)
    if table == "plot":
        return f"![{part.replace('_', ' ')}](measurements/{part}.svg)"
    return results.tables[table].for_page() if table in results.tables else ""


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
        "measurements.md": draw_measurements(),
    }
    for name, text in pages.items():
        (folder / name).write_text(text)
