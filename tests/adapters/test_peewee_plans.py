"""Every list reads an index from its cursor on, and so does the queue: on filled tables, no plan reads a whole one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from oms_contracts.storage_contract.api_keys import new_key
from oms_contracts.storage_contract.moving_many import move_many
from oms_contracts.storage_contract.shop import CLERK, Shop, new_shop, refused
from oms_memory import MemoryStorage
from oms_peewee.postgresql import open_postgresql
from oms_peewee.session import Session
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from oms_core.domain.api_keys import StoredApiKey
from oms_core.domain.orders.order import OrderFilter
from oms_core.domain.orders.statuses import OPEN, OrderStatus
from oms_core.domain.stock.products import ProductFilter
from oms_core.ports.storage import StorageOptions
from tests.adapters.filled_databases import (
    ORDERS,
    PRODUCTS,
    analyze,
    created_at,
    fill_postgresql,
    fill_sqlite,
    order_id,
    sku,
)
from tests.adapters.plans import (
    ROWS_LOOKED_AT_MAX,
    plans_of,
    rows_looked_at,
    whole_tables_on_postgresql,
    whole_tables_on_sqlite,
)
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected

MIDDLE = 12_345
RARE = frozenset({OrderStatus.CANCELLED})
ENDED_BADLY = frozenset({OrderStatus.FAILED, OrderStatus.REJECTED})
WAITING = [order_id(number) for number in range(2, 20_000, 2_000)]
PENDING = [order_id(number) for number in range(16_000, 19_000, 200)]
DAY = timedelta(days=1)
KEY = new_key(new_shop(MemoryStorage(), seed=3))


def further_key() -> StoredApiKey:
    """Make another key of the name, with an id of its own."""
    return replace(KEY, key=replace(KEY.key, id=uuid4()))


def confirm(shop: Shop) -> None:
    """Hold a unit, and pay for it."""
    shop.confirm(shop.hold((sku(7), 1)).id, "PAY-7")


def expire(shop: Shop) -> None:
    """Hold units for a minute that is over."""
    assert shop.expire(*[shop.hold((sku(number), 1), seconds=-60).id for number in range(9)])


def delete(shop: Shop) -> None:
    """Make a product that nobody uses, and delete it."""
    shop.set("UNUSED", name="unused")
    shop.delete("UNUSED")


def archive(storage: PeeweeStorage, *, after: UUID) -> None:
    """Let finished orders leave, as the use case does."""
    found = storage.archive.finished(before=created_at(ORDERS) + DAY, after=after, limit=20)
    versions = {archived.order.id: archived.order.version for archived in found}
    assert storage.archive.remove(versions, caller=CLERK, now=created_at(ORDERS))


FILTERS = {
    "all": OrderFilter(),
    "one status": OrderFilter(statuses=RARE),
    "several statuses": OrderFilter(statuses=OPEN),
    "every status": OrderFilter(statuses=frozenset(OrderStatus)),
    "customer": OrderFilter(customer_id="C7"),
    "customer and statuses": OrderFilter(customer_id="C7", statuses=OPEN),
    "reference": OrderFilter(reference="R77"),
    "sku": OrderFilter(sku=sku(7)),
    "sku and statuses": OrderFilter(sku=sku(7), statuses=OPEN),
    "times": OrderFilter(created_from=created_at(100), created_to=created_at(200)),
    "held until": OrderFilter(hold_before=created_at(100)),
    "failure": OrderFilter(failure_code="code-1"),
    "failure and statuses": OrderFilter(failure_code="code-1", statuses=ENDED_BADLY),
    "failure and sku": OrderFilter(failure_code="code-1", sku=sku(7)),
    "times and status": OrderFilter(created_from=created_at(100), created_to=created_at(200), statuses=RARE),
}
OLDEST_FIRST = ("all", "several statuses", "customer", "sku and statuses", "times and status")
FILTERS |= {f"{name}, oldest first": replace(FILTERS[name], oldest_first=True) for name in OLDEST_FIRST}
CALLS: dict[str, Callable[[PeeweeStorage], object]] = {
    "one order": lambda storage: storage.orders.get(order_id(MIDDLE), owner=None),
    "one customer's order": lambda storage: storage.orders.get(order_id(MIDDLE), owner="C345"),
    "allocations": lambda storage: storage.orders.allocations([order_id(MIDDLE), *PENDING], owner="C345"),
    "events": lambda storage: storage.orders.events(order_id(MIDDLE), owner=None, after=None, limit=50),
    "one product": lambda storage: storage.stock.get(sku(7)),
    "products": lambda storage: storage.stock.find(ProductFilter(), after=sku(7), limit=50),
    "low stock": lambda storage: storage.stock.find(ProductFilter(low_stock=True), after=None, limit=50),
    "movements": lambda storage: storage.stock.movements(sku(7), after=20_000, limit=50),
    "sample": lambda storage: storage.queue.sample(),
    "settled": lambda storage: storage.queue.settled([order_id(MIDDLE), *WAITING]),
    "claim": lambda storage: storage.queue.claim(WAITING, lease_seconds=0),
    "sweep": lambda storage: storage.queue.sweep(older_than_seconds=60, limit=10, lease_seconds=0),
    "unpublished": lambda storage: storage.outbox.unpublished(limit=50),
    "published": lambda storage: storage.outbox.published([5, 9]),
    "lease": lambda storage: storage.outbox.lease("relay", seconds=1),
    "failed try": lambda storage: new_shop(storage).fail(WAITING[3], attempts=1),
    "retry": lambda storage: new_shop(storage).retry(order_id(3)),
    "one key": lambda storage: storage.keys.get(KEY.key.id),
    "keys of a name": lambda storage: storage.keys.of_name("shop", limit=50),
    "keys": lambda storage: storage.keys.find(after=("a", 3), limit=50),
    "use of a key": lambda storage: storage.keys.used(KEY.key.id, now=created_at(7), not_since=created_at(6)),
    "rotation": lambda storage: storage.keys.rotate(further_key(), former_end_at=created_at(7)),
    "revocation": lambda storage: storage.keys.revoke("shop", by="root", now=created_at(7)),
    "move": lambda storage: new_shop(storage).move(PENDING[0], OrderStatus.CANCELLED),
    "moves of many": lambda storage: move_many(new_shop(storage), PENDING[1:], OrderStatus.CANCELLED),
    "count": lambda storage: new_shop(storage).set(sku(8), 2_000),
    "correction": lambda storage: new_shop(storage).adjust(sku(9), 1, idempotency_key="key-of-a-correction"),
    "deletion": lambda storage: delete(new_shop(storage, seed=9)),
    "an order with a key": lambda storage: new_shop(storage).buy((sku(7), 1), idempotency_key="key-of-an-order"),
    "overdue holds": lambda storage: storage.holds.overdue(limit=50),
    "count of overdue holds": lambda storage: storage.holds.count_overdue(),
    "a hold that is confirmed": lambda storage: confirm(new_shop(storage)),
    "a hold that falls": lambda storage: expire(new_shop(storage)),
    "lease of the sweep": lambda storage: storage.holds.lease("sweep", seconds=1),
    # The second ones are of the same products, so that there are openings to add to.
    "archive": lambda storage: [archive(storage, after=order_id(first)) for first in (0, PRODUCTS)],
    "compared levels": lambda storage: storage.audits.compare_levels(after=sku(7), limit=50),
    "compared orders": lambda storage: storage.audits.compare_orders(after=order_id(MIDDLE), limit=50),
}


@pytest.fixture(scope="module")
def on_postgresql(postgresql_server: PostgresqlServer) -> Iterator[PeeweeStorage]:
    with postgresql_server.database() as url:
        storage = open_postgresql(url, StorageOptions())
        storage.schema.upgrade()
        fill_postgresql(url)
        storage.keys.create(KEY)
        analyze(url)
        yield storage
        storage.close()


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeeweeStorage]:
    file = tmp_path_factory.mktemp("filled") / "oms.db"
    storage = open_sqlite(f"sqlite:///{file}", StorageOptions())
    assert storage.orders, "what checks the schema, before the first order is read, is no part of this"
    fill_sqlite(file)
    storage.keys.create(KEY)
    yield storage
    storage.close()


@pytest.mark.parametrize("after", [None, order_id(MIDDLE)], ids=["first page", "later page"])
@pytest.mark.parametrize("wanted", FILTERS)
def test_no_list_of_orders_reads_a_whole_table_of_postgresql(
    on_postgresql: PeeweeStorage, wanted: str, after: Any
) -> None:
    work = lambda: on_postgresql.orders.find(FILTERS[wanted], after=after, limit=50)  # noqa: E731
    plan = plans_of(on_postgresql, "EXPLAIN", work)
    assert not whole_tables_on_postgresql(plan), "\n".join(plan)
    assert len(plan) > 3


@pytest.mark.parametrize("after", [None, order_id(MIDDLE)], ids=["first page", "later page"])
@pytest.mark.parametrize("wanted", FILTERS)
def test_no_list_of_orders_reads_a_whole_table_of_sqlite(on_sqlite: PeeweeStorage, wanted: str, after: Any) -> None:
    work = lambda: on_sqlite.orders.find(FILTERS[wanted], after=after, limit=50)  # noqa: E731
    plan = plans_of(on_sqlite, "EXPLAIN QUERY PLAN", work)
    assert not whole_tables_on_sqlite(plan), "\n".join(plan)
    assert len(plan) > 1


@pytest.mark.parametrize("after", [None, order_id(MIDDLE)], ids=["first page", "later page"])
@pytest.mark.parametrize("wanted", FILTERS)
def test_no_list_of_orders_looks_at_many_more_rows_than_it_shows(
    on_postgresql: PeeweeStorage, wanted: str, after: Any
) -> None:
    work = lambda: on_postgresql.orders.find(FILTERS[wanted], after=after, limit=50)  # noqa: E731
    plan = plans_of(on_postgresql, "EXPLAIN (ANALYZE, TIMING OFF)", work)
    assert rows_looked_at(plan) <= ROWS_LOOKED_AT_MAX, "\n".join(plan)


@pytest.mark.parametrize("call", CALLS)
def test_no_other_call_reads_a_whole_table_of_postgresql(on_postgresql: PeeweeStorage, call: str) -> None:
    plan = plans_of(on_postgresql, "EXPLAIN", lambda: CALLS[call](on_postgresql))
    assert not whole_tables_on_postgresql(plan), "\n".join(plan)
    assert len(plan) > 1


@pytest.mark.parametrize("call", CALLS)
def test_no_other_call_reads_a_whole_table_of_sqlite(on_sqlite: PeeweeStorage, call: str) -> None:
    plan = plans_of(on_sqlite, "EXPLAIN QUERY PLAN", lambda: CALLS[call](on_sqlite))
    assert not whole_tables_on_sqlite(plan), "\n".join(plan)
    assert plan


def test_an_archive_finds_the_openings_that_it_adds_to_by_their_own_index(on_postgresql: PeeweeStorage) -> None:
    """The ids of the ledger have no index: they come after the SKU in that of the primary key."""
    storage = on_postgresql
    plan = plans_of(storage, "EXPLAIN", lambda: archive(storage, after=order_id(MIDDLE)))
    plan = plans_of(storage, "EXPLAIN", lambda: archive(storage, after=order_id(MIDDLE - PRODUCTS)))
    deletion = next(at for at, line in enumerate(plan) if line.startswith("Delete on stock_movements"))
    assert "stock_movements_opening" in plan[deletion + 1]


def test_settling_reads_no_whole_table_of_sqlite(on_sqlite: PeeweeStorage) -> None:
    plan = plans_of(on_sqlite, "EXPLAIN QUERY PLAN", lambda: new_shop(on_sqlite).settle(*WAITING[5:]))
    assert not whole_tables_on_sqlite(plan), "\n".join(plan)
    assert on_sqlite.orders.get(WAITING[5], owner=None).status is not OrderStatus.QUEUED


def test_statements_prepared_while_tables_were_empty_serve_when_they_have_grown(postgresql_url: str) -> None:
    storage = open_postgresql(postgresql_url, StorageOptions())
    storage.schema.upgrade()
    shop = new_shop(storage)
    shop.set("WIDGET", 10)
    shop.set("PLENTY", 1_000)
    analyze(postgresql_url)
    shop.buy(("PLENTY", 1))
    shop.buy(("WIDGET", 1), idempotency_key="K")
    assert refused(shop.place(shop.order(("WIDGET", 11)))[0]).code == "insufficient_inventory"
    shop.settle(shop.queue_up(("WIDGET", 1)).id, shop.queue_up(("WIDGET", 11)).id)
    fill_postgresql(postgresql_url)
    plans = storage.database.read(prepared_plans)
    storage.close()
    assert {"read_products_and_keys", "read_ids", "lock_levels", "move_levels", "place_orders"} <= set(plans)
    assert {"read_skus_and_keys", "queue_orders", "place_queued", "reject_queued", "reserve_queued"} <= set(plans)
    assert {"read_products", "lock_known_levels", "reserve_quietly"} <= set(plans)
    assert not {name: plan for name, plan in plans.items() if whole_tables_on_postgresql(plan)}
    for name in ("place_queued", "reject_queued"):
        assert "Index Cond: (id = ANY" in "\n".join(plans[name])


def test_lines_are_written_in_the_order_of_their_orders_and_so_at_the_end_of_their_index(postgresql_url: str) -> None:
    storage = open_postgresql(postgresql_url, StorageOptions())
    storage.schema.upgrade()
    shop = new_shop(storage)
    shop.set("WIDGET", 10)
    placements = [shop.order(("WIDGET", 1), idempotency_key=key) for key in ("C", "A", "B")]
    shop.place(*placements)
    storage.close()
    with connected(postgresql_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT order_id FROM order_lines ORDER BY ctid")
        assert [str(id) for (id,) in cursor.fetchall()] == [str(placement.id) for placement in placements]


def prepared_plans(session: Session) -> dict[str, list[str]]:
    prepared = session.execute_sql("SELECT name, cardinality(parameter_types) FROM pg_prepared_statements").fetchall()
    plans = {}
    for name, parameters in prepared:
        cursor = session.execute_sql(f"EXPLAIN EXECUTE {name} ({', '.join(['NULL'] * parameters)})")
        plans[name] = [line for (line,) in cursor.fetchall()]
    return plans


def test_a_queue_that_no_statistics_tell_of_is_read_along_its_index(postgresql_url: str) -> None:
    storage = open_postgresql(postgresql_url, StorageOptions())
    storage.schema.upgrade()
    fill_postgresql(postgresql_url)
    with connected(postgresql_url) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET status = 'queued' WHERE status = 'delivered'")
        cursor.execute(
            """INSERT INTO waiting_orders (order_id, queue_no, since, waits_for)
            SELECT id, 1, created_at, 'place' FROM orders WHERE status = 'queued' ON CONFLICT DO NOTHING"""
        )
    queue, ids = "waiting_orders_queue", "waiting_orders_pkey"
    for call, index in {"sample": queue, "sweep": queue, "claim": ids}.items():
        plan = plans_of(storage, "EXPLAIN", lambda call=call: CALLS[call](storage))  # type: ignore[misc]
        assert index in "\n".join(plan)
        assert not [line for line in plan if "Sort" in line or ("waiting_orders_queue" in line and "Bitmap" in line)]


def read_whole_table(storage: PeeweeStorage) -> None:
    storage.database.read(lambda session: session.execute_sql("SELECT count(*) FROM order_lines WHERE quantity = 2"))


def test_reading_a_whole_table_would_be_found(on_postgresql: PeeweeStorage, on_sqlite: PeeweeStorage) -> None:
    plan = plans_of(on_postgresql, "EXPLAIN", lambda: read_whole_table(on_postgresql))
    assert whole_tables_on_postgresql(plan)
    plan = plans_of(on_postgresql, "EXPLAIN (ANALYZE, TIMING OFF)", lambda: read_whole_table(on_postgresql))
    assert rows_looked_at(plan) > ROWS_LOOKED_AT_MAX
    plan = plans_of(on_sqlite, "EXPLAIN QUERY PLAN", lambda: read_whole_table(on_sqlite))
    assert whole_tables_on_sqlite(plan)
