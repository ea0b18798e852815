"""No statement has what a distributed PostgreSQL refuses, so that a shop can move to one by its URL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from oms_contracts.storage_contract import importing
from oms_contracts.storage_contract.importing import ADJUST, SET, entry
from oms_contracts.storage_contract.shop import new_shop, placed
from oms_peewee.postgresql import open_postgresql
from oms_peewee.postgresql.connections import PostgresqlSession
from oms_peewee.postgresql.dialect import SCHEMA
from oms_peewee.postgresql.scripts import statements_of
from oms_peewee.postgresql.session_settings import connection_parameters
from oms_peewee.schema import migrations

from oms_core.domain.orders.queueing import WorkerState
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.ports.storage import StorageOptions
from tests.adapters.distributed_texts import GENERIC_PLAN, REFUSED, TABLES, refused_in
from tests.adapters.test_peewee_plans import FILTERS, KEY

PLANTED = {
    GENERIC_PLAN: "-c plan_cache_mode=force_generic_plan",
    "the place of a row": "UPDATE products SET name = '' WHERE ctid = '(0,1)'",
    "a SELECT of no columns": "SELECT count(*) FROM (SELECT FROM products) AS p",
    "nextval beside a table": "SELECT nextval('queue_no') FROM orders WHERE id = $1",
    "what changes by itself in DO UPDATE": "INSERT INTO workers VALUES (1) ON CONFLICT (id) DO UPDATE SET at = now()",
    "what changes with the session, of a column, in UPDATE": (
        "UPDATE waiting_orders SET due_at = now() + make_interval(secs => h.seconds) FROM h WHERE order_id = h.id"
    ),
    "locks over several tables": "SELECT 1 FROM orders JOIN order_lines ON order_id = id WHERE id = $1 FOR UPDATE",
    "SKIP LOCKED outside the queue": "SELECT 1 FROM stock_levels WHERE sku = $1 FOR UPDATE SKIP LOCKED",
    "DDL sent with another statement": "CREATE TABLE a (id integer); COMMENT ON TABLE a IS 'a; b'",
    "a column added with its constraint": "ALTER TABLE a ADD COLUMN b bigint NOT NULL CHECK (b >= 0)",
    "a constraint changed with something else": "ALTER TABLE a DROP COLUMN b, DROP CONSTRAINT c",
    "several arrays in one unnest": "SELECT 1 FROM unnest($1, $2) AS wanted(id, at) JOIN orders USING (id)",
}
HARMLESS = [
    "SELECT count(*) FROM unnest($1) AS wanted(sku) CROSS JOIN LATERAL (SELECT 1 FROM stock_levels AS l"
    " WHERE l.sku = wanted.sku ORDER BY l.location FOR UPDATE) AS locked",
    "WITH n AS (SELECT nextval('queue_no') FROM generate_series(1, 3)) INSERT INTO orders SELECT 1 FROM n",
    "BEGIN;SET LOCAL jit = off;SELECT 'ctid; DROP ' || sku FROM products",
    "INSERT INTO workers (id, at) VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET at = EXCLUDED.at",
    "WITH h AS (SELECT id, now() + make_interval(secs => s.seconds) AS until FROM s) UPDATE orders"
    " SET hold_until = h.until FROM h WHERE orders.id = h.id",
]


def live(url: str, options: StorageOptions) -> None:
    """Do once with a storage whatever it can do."""
    storage = open_postgresql(url, options)
    storage.schema.upgrade()
    storage.schema.check()
    storage.keys.create(KEY)
    shop = new_shop(storage, seed=int(options.prepared_statements))  # So the second time has orders of its own.
    for mode, sku in ((SET, "WIDGET"), (SET, "OTHER"), (ADJUST, "WIDGET")):
        importing.apply(shop, mode, entry(sku, 9, name=sku), entry(sku, 5, "north"), key=importing.key_of(sku + mode))
    shop.set("WIDGET", 1_000)
    shop.buy(("WIDGET", 1), idempotency_key="K")
    shop.buy(("WIDGET", 1), ("OTHER", 1))
    shop.settle(shop.queue_up(("WIDGET", 1)).id, shop.queue_up(("WIDGET", 5_000)).id)
    waiting = shop.queue_up(("OTHER", 1)).id
    storage.queue.claim([waiting], lease_seconds=0)
    storage.queue.unclaim(storage.queue.claim([waiting], lease_seconds=0))
    shop.fail(waiting, attempts=3)
    shop.retry(waiting)
    shop.sweep()
    storage.queue.sample()
    shop.move(shop.buy(("WIDGET", 1)).id, OrderStatus.CANCELLED)
    held = placed(shop.accept(shop.order_to_hold(("WIDGET", 1)))[0]).order.id
    shop.settle(held)
    shop.extend(held, 900)
    shop.confirm(held, f"PAID {held}")
    shop.expire(shop.hold(("WIDGET", 1), seconds=-1).id)
    now = shop.clock.now()
    storage.workers.beat(WorkerState(id="w", started_at=now, seen_at=now, orders_per_second=1.0, settled=0))
    storage.outbox.lease("relay", seconds=1)
    for wanted in FILTERS.values():
        storage.orders.find(wanted, after=None, limit=5)
    assert not shop.audit().discrepancies
    storage.close()


def test_no_statement_sent_has_what_a_distributed_server_refuses(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    execute: Callable[..., Any] = PostgresqlSession._execute

    def recorded(session: PostgresqlSession, sql: str, params: Sequence[object] | None) -> Any:
        texts.append(sql)
        return execute(session, sql, params)

    monkeypatch.setattr(PostgresqlSession, "_execute", recorded)
    live(postgresql_url, StorageOptions(keeps_outbox=True))
    live(postgresql_url, StorageOptions(prepared_statements=False))
    found = {text: refused for text in texts if (refused := refused_in(text))}
    assert not found
    assert any(text.startswith("PREPARE place_queued") for text in texts)
    assert any("DO UPDATE SET" in text for text in texts)


def test_no_session_is_opened_with_what_a_distributed_server_refuses() -> None:
    assert not refused_in(connection_parameters(StorageOptions(), {})["options"])


def test_no_migration_has_what_a_distributed_server_refuses() -> None:
    statements = [each for migration in migrations("postgresql") for each in SCHEMA.statements(migration.sql)]
    assert not {text: refused for text in statements if (refused := refused_in(text))}
    assert len(statements) > len(TABLES)


@pytest.mark.parametrize("what", [GENERIC_PLAN, *REFUSED])
def test_what_is_planted_is_refused(what: str) -> None:
    assert refused_in(PLANTED[what]) == [what]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_a_distributed_server_takes_is_not_refused(text: str) -> None:
    assert refused_in(text) == []


def test_a_script_is_cut_at_the_semicolons_that_end_a_statement() -> None:
    script = """-- One; of two.
    CREATE TABLE a (b text DEFAULT 'it''s; "one"', "c;d" text); /* ; */
    DO $x$ BEGIN PERFORM 1; END $x$;
    COMMENT ON TABLE a IS '-- a; b' -- no end;
    """
    assert [" ".join(each.split()) for each in statements_of(script)] == [
        "-- One; of two. CREATE TABLE a (b text DEFAULT 'it''s; \"one\"', \"c;d\" text)",
        "/* ; */ DO $x$ BEGIN PERFORM 1; END $x$",
        "COMMENT ON TABLE a IS '-- a; b' -- no end;",
    ]
    assert list(statements_of("-- nothing;\n ;; ")) == []
