"""Roles of PostgreSQL that may not do what the service needs, and what the operator is told of each."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from operator import le

import pytest
from oms_contracts.storage_contract.shop import CLERK, Shop, new_shop
from oms_peewee.postgresql.session_settings import RIGHTS

from oms_core import (
    ChangeOrderStatus,
    CreateApiKey,
    DeleteProduct,
    ImportMode,
    ImportStock,
    Oms,
    OrderLine,
    OrderStatus,
    PlaceOrder,
    RetryOrder,
    Scope,
    SetStock,
    Settings,
)
from oms_core.domain.orders.queueing import WorkerState
from oms_core.errors import Retry
from tests.faults.rivals import on, opened, told
from tests.faults.test_worker_without_room import Stop
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected


@pytest.fixture
def role(postgresql_server: PostgresqlServer, postgresql_url: str, unique_name: str) -> Iterator[str]:
    """The URL of the test's database for a role without any right; PostgreSQL 15 grants CREATE to nobody."""
    on(postgresql_server.url, f"CREATE ROLE {unique_name} LOGIN")
    on(postgresql_url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    scheme, _, place = postgresql_url.partition("://")
    try:
        yield f"{scheme}://{unique_name}@{place.rpartition('@')[2]}"
    finally:
        on(postgresql_url, f"DROP OWNED BY {unique_name}")
        on(postgresql_server.url, f"DROP ROLE {unique_name}")


def name_of(url: str) -> str:
    return url.partition("://")[2].partition("@")[0]


def assert_unusable(work: Callable[[], object], *words: str) -> None:
    error = told(work)
    assert (error.code, error.retry) == ("storage_unusable", Retry.AFTER_CHANGE)
    assert all(word in error.detail for word in words), error.detail
    assert "database" in error.public_detail
    assert not any(word in error.public_detail for word in words)


def test_a_role_that_may_not_create_tables_is_told_in_the_servers_words(role: str) -> None:
    with opened(role) as storage:
        assert_unusable(storage.schema.upgrade, "permission denied for schema public", "grant")


def test_an_upgrade_that_has_nothing_to_do_needs_no_right_to_change_the_schema(
    shop: Shop, role: str, postgresql_url: str
) -> None:
    on(postgresql_url, f"GRANT SELECT ON schema_migrations TO {name_of(role)}")
    with opened(role) as storage:
        assert storage.schema.upgrade() == ()


def test_a_role_that_sees_no_schema_is_told(shop: Shop, role: str, postgresql_url: str) -> None:
    on(postgresql_url, "REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    with opened(role) as storage:
        assert_unusable(storage.schema.check, "no schema to work in")
        assert_unusable(storage.schema.upgrade, "no schema has been selected", "search_path")


def test_a_role_without_a_right_is_not_ready_and_its_work_is_refused_in_the_servers_words(
    shop: Shop, role: str, postgresql_url: str
) -> None:
    name = name_of(role)
    with opened(role) as storage:
        assert_unusable(storage.schema.check, "SELECT on schema_migrations", "grant")
        assert_unusable(lambda: storage.stock.get("WIDGET"), "permission denied for table")
    on(postgresql_url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    with opened(role) as storage:
        buying = new_shop(storage, seed=1)
        assert buying.product("WIDGET").on_hand == 10
        assert_unusable(storage.schema.check, "INSERT on orders", "UPDATE on stock_levels")
        assert_unusable(lambda: buying.place(buying.order(("WIDGET", 1))), "permission denied for table")


def test_the_rights_that_the_manual_lists_are_enough(shop: Shop, role: str, postgresql_url: str) -> None:
    rights = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public", "USAGE ON ALL SEQUENCES IN SCHEMA public"
    on(postgresql_url, *(f"GRANT {each} TO {name_of(role)}" for each in rights))
    with opened(role) as storage:
        storage.schema.check()
        buying = new_shop(storage, seed=1)
        buying.move(buying.buy(("WIDGET", 2)).id, OrderStatus.CANCELLED)
        buying.queue_up(("WIDGET", 1))


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ("NOLOGIN", "storage_unusable", ["is not permitted to log in", "pg_hba.conf"]),
        ("CONNECTION LIMIT 0", "storage_unavailable", ["too many connections for role", "max_connections"]),
    ],
)
def test_a_role_that_may_not_connect_is_told_why_and_what_helps(
    role: str, postgresql_url: str, change: str, code: str, words: list[str]
) -> None:
    on(postgresql_url, f"ALTER ROLE {name_of(role)} {change}")
    with opened(role) as storage:
        error = told(storage.schema.check)
        assert error.code == code
        assert all(word in error.detail for word in words), error.detail


def test_a_role_and_a_database_that_are_not_there_are_told(postgresql_url: str) -> None:
    for url, words in [
        (f"{postgresql_url}_missing", ["does not exist", "create the database"]),
        (f"postgresql://nobody_of_that_name@{postgresql_url.rpartition('@')[2]}", ["does not exist"]),
    ]:
        with opened(url) as storage:
            assert_unusable(lambda storage=storage: storage.stock.get("WIDGET"), *words)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("sslmode=nonsense", ['invalid sslmode value: "nonsense"', "correct OMS_DATABASE_URL"]),
        ("target_session_attrs=nope", ["invalid target_session_attrs value", "correct OMS_DATABASE_URL"]),
        ("require_auth=nobody", ["invalid require_auth value", "correct OMS_DATABASE_URL"]),
        ("sslmode=require", ["does not support SSL", "have the server speak TLS"]),
    ],
)
def test_what_the_url_asks_for_and_nobody_can_give_is_for_the_operator_to_correct(
    postgresql_url: str, parameters: str, words: list[str]
) -> None:
    with opened(f"{postgresql_url}?{parameters}") as storage:
        assert_unusable(lambda: storage.stock.get("WIDGET"), *words)


def test_rows_that_a_policy_hides_are_missed(shop: Shop, postgresql_url: str, role: str) -> None:
    on(
        postgresql_url,
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name_of(role)}",
        "ALTER TABLE products ENABLE ROW LEVEL SECURITY",
    )
    with opened(role) as storage:
        assert told(lambda: storage.stock.get("WIDGET")).code == "storage_unusable"


def test_the_rights_that_are_asked_for_are_those_of_every_table_and_enough(
    shop: Shop, role: str, postgresql_url: str
) -> None:
    with connected(postgresql_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert {name for (name,) in cursor.fetchall()} == set(RIGHTS)
    on(postgresql_url, *(f"GRANT {rights} ON {table} TO {name_of(role)}" for table, rights in RIGHTS.items()))
    on(postgresql_url, f"GRANT USAGE ON SEQUENCE queue_no TO {name_of(role)}")
    settings = Settings(database_url=role, group_commit=False)
    with Oms.open(settings) as oms:
        oms.check()
        do_everything(oms)


def test_a_worker_whose_role_lacks_a_right_counts_no_order_a_try(shop: Shop, role: str, postgresql_url: str) -> None:
    on(postgresql_url, *(f"GRANT {rights} ON {table} TO {name_of(role)}" for table, rights in RIGHTS.items()))
    on(postgresql_url, f"GRANT USAGE ON SEQUENCE queue_no TO {name_of(role)}")
    order = shop.queue_up(("WIDGET", 1))
    on(postgresql_url, f"REVOKE INSERT ON stock_movements FROM {name_of(role)}")
    with Oms.open(Settings(database_url=role)) as oms:
        for pauses_max in (1, 12):
            oms.run_worker(Stop(partial(le, pauses_max)))
            assert (shop.get(order.id).status, shop.get(order.id).attempts) == (OrderStatus.QUEUED, 0)
        on(postgresql_url, f"GRANT INSERT ON stock_movements TO {name_of(role)}")
        oms.run_worker(Stop(lambda _: shop.get(order.id).status is not OrderStatus.QUEUED))
    assert (shop.get(order.id).status, shop.get(order.id).attempts) == (OrderStatus.PENDING, 0)


def do_everything(oms: Oms) -> None:
    """Write to every table in every way that the service does."""
    rows = io.BytesIO(b"sku,quantity\nGADGET,5\n")
    oms.imports.stock(ImportStock(mode=ImportMode.SET, idempotency_key="i"), rows, caller=CLERK)
    oms.stock.set(SetStock(sku="SPARE", name="never moved"), caller=CLERK)
    oms.stock.delete(DeleteProduct(sku="SPARE"), caller=CLERK)
    order = oms.orders.place(PlaceOrder(customer_id="C1", lines=[OrderLine(sku="GADGET", quantity=1)]), caller=CLERK)
    for status in (OrderStatus.SHIPPED, OrderStatus.RETURNED):
        oms.orders.change_status(ChangeOrderStatus(order_id=order.order.id, status=status), caller=CLERK)
    late = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="GADGET", quantity=99)])
    queued = oms.orders.accept(late, caller=CLERK).order.id
    shop = new_shop(oms._ports.storage, seed=9)
    shop.settle(queued)
    oms.orders.retry(RetryOrder(order_id=queued, idempotency_key="r"), caller=CLERK)
    shop.sweep()
    oms.api_keys.create(CreateApiKey(name="shop", scopes=frozenset({Scope.ORDERS_READ})), caller=CLERK)
    oms.api_keys.revoke("shop", caller=CLERK)
    assert oms._ports.storage.outbox.lease("relay", seconds=9)
    oms._ports.storage.outbox.published([event.id for event in oms._ports.storage.outbox.unpublished(limit=9)] or [1])
    oms._ports.storage.outbox.release("relay")
    now = datetime.now(UTC)
    worker = WorkerState(id="w", started_at=now, seen_at=now, orders_per_second=0.0, settled=0)
    oms._ports.storage.workers.beat(worker)
    oms._ports.storage.workers.beat(worker)
    oms._ports.storage.workers.leave("w")
