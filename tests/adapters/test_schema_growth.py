"""The migration that gives keys and waiting orders tables of their own: what was there before is found there after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop, placed
from oms_peewee.fields import to_microseconds
from oms_peewee.postgresql import dialect as postgresql
from oms_peewee.postgresql import open_postgresql
from oms_peewee.schema import PeeweeSchema, migrations
from oms_peewee.sqlite import dialect as sqlite
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from oms_core.domain.commands import AdjustStock, OrderLine, PlaceOrder
from oms_core.domain.fingerprints import order_fingerprint, stock_fingerprint
from oms_core.domain.orders.order import OrderFilter
from oms_core.domain.orders.placement import EnteredAs
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.ports.import_storage import ImportRun
from oms_core.ports.storage import StorageOptions

LAST_BEFORE = "0006_order_indexes"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PENDING, QUEUED = UUID(int=1), UUID(int=2)
ORDER = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=2)])
ADJUSTMENT = AdjustStock(sku="WIDGET", delta=3, reason="found", idempotency_key="A")
RUN = ImportRun(actor="clerk", key="I", fingerprint=b"i" * 32, rows=9)

ORDERS = """INSERT INTO orders (id, status, customer_id, currency, metadata, caller, idempotency_key, fingerprint,
  accepted_status, attempts, queue_no, created_at, updated_at)
VALUES (?, ?, 'C1', 'EUR', '{}', 'clerk', ?, ?, ?, ?, ?, ?, ?)"""
MOVEMENT = """INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no,
  reason, actor, idempotency_key, fingerprint, created_at)
VALUES ('WIDGET', 'main', ?, ?, ?, ?, ?, ?, 'clerk', ?, ?, ?)"""


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[PeeweeStorage]:
    """A database with orders, as the release before has left it."""
    if request.param == "sqlite":
        storage, dialect = open_sqlite(f"sqlite:///{tmp_path}/oms.db", StorageOptions()), sqlite.SCHEMA
    else:
        storage, dialect = (
            open_postgresql(request.getfixturevalue("postgresql_url"), StorageOptions()),
            postgresql.SCHEMA,
        )
    before = [each for each in migrations(dialect.name) if each.name <= LAST_BEFORE]
    PeeweeSchema(storage.database, dialect, before).upgrade()
    fill(storage, to_microseconds(AT) if request.param == "sqlite" else AT)
    yield storage
    storage.close()


def fill(storage: PeeweeStorage, at: object) -> None:
    """Write a pending and a queued order with keys, an adjustment with a key, and an import under way."""
    fingerprint = order_fingerprint(ORDER, "EUR")
    adjusted = stock_fingerprint(ADJUSTMENT, "main")
    rows = [
        ("INSERT INTO products (sku, name, created_at, updated_at) VALUES ('WIDGET', '', ?, ?)", (at, at)),
        ("INSERT INTO stock_levels VALUES ('WIDGET', 'main', 10, 2, 1, ?)", (at,)),
        (ORDERS, (str(PENDING), "pending", "P", fingerprint, 201, 0, None, at, at)),
        (ORDERS, (str(QUEUED), "queued", "Q", fingerprint, 202, 1, 7, at, at)),
        ("INSERT INTO order_lines VALUES (?, 1, 'WIDGET', 2, NULL)", (str(PENDING),)),
        ("INSERT INTO order_lines VALUES (?, 1, 'WIDGET', 2, NULL)", (str(QUEUED),)),
        (MOVEMENT, ("count", 7, 0, None, None, None, None, None, at)),
        (MOVEMENT, ("adjust", 3, 0, None, None, "found", "A", adjusted, at)),
        (MOVEMENT, ("reserve", 0, 2, str(PENDING), 1, None, None, None, at)),
        (
            "INSERT INTO events (type, order_id, order_version, data, actor, created_at)"
            " VALUES ('order.placed', ?, 1, '{}', 'clerk', ?)",
            (str(PENDING), at),
        ),
        (
            "INSERT INTO imports (actor, idempotency_key, fingerprint, mode, rows, applied, unchanged, refused,"
            " after_sku, after_location, created_at, updated_at, created)"
            " VALUES ('clerk', 'I', ?, 'set', 9, 4, 0, 0, 'WIDGET', 'main', ?, ?, 0)",
            (RUN.fingerprint, at, at),
        ),
    ]
    for sql, params in rows:
        storage.database.write_by_ids(
            lambda attempt, sql=sql, params=params: execute(attempt.session, sql, params),
            look_up={},  # type: ignore[misc]
        )


def execute(session: object, sql: str, params: tuple[object, ...]) -> None:
    """Run one statement in a transaction of its own."""
    with session.atomic():  # type: ignore[attr-defined]
        session.execute_sql(sql.replace("?", session.param), params)  # type: ignore[attr-defined]


@pytest.fixture
def shop(storage: PeeweeStorage) -> Shop:
    """The same database, upgraded."""
    storage.schema.upgrade()
    return new_shop(storage)


def test_orders_stand_as_they_stood_and_the_books_agree(shop: Shop) -> None:
    pending, queued = shop.storage.orders.find(OrderFilter(oldest_first=True), after=None, limit=5)
    assert (pending.id, pending.status, pending.attempts, pending.queue_no) == (PENDING, OrderStatus.PENDING, 0, None)
    assert (queued.id, queued.status, queued.attempts, queued.queue_no) == (QUEUED, OrderStatus.QUEUED, 1, 7)
    assert not shop.audit().discrepancies


def test_keys_of_orders_still_answer(shop: Shop) -> None:
    for key, order_id, entered_as in (("P", PENDING, EnteredAs.PLACED), ("Q", QUEUED, EnteredAs.QUEUED)):
        again = placed(shop.place(shop.order(("WIDGET", 2), idempotency_key=key))[0])
        assert (again.order.id, again.replayed, again.entered_as) == (order_id, True, entered_as)


def test_a_key_of_stock_still_answers(shop: Shop) -> None:
    again = shop.adjust("WIDGET", 3, reason="found", idempotency_key="A")
    assert again.replayed
    assert shop.levels("WIDGET") == {"main": (10, 2)}


def test_the_queue_goes_on(shop: Shop) -> None:
    later = shop.queue_up(("WIDGET", 1))
    assert (later.queue_no or 0) > 0
    assert set(shop.settle(QUEUED, later.id).statuses.values()) == {OrderStatus.PENDING}
    assert shop.get(QUEUED).attempts == 1
    assert not shop.audit().discrepancies


def test_an_import_goes_on_where_it_was(shop: Shop) -> None:
    state = shop.storage.imports.state(RUN)
    assert (state.applied, state.after) == (4, ("WIDGET", "main"))


def test_events_and_ledger_rows_are_numbered_on(shop: Shop) -> None:
    before = max(row.id for row in shop.movements("WIDGET"))
    order = shop.buy(("WIDGET", 1))
    assert max(row.id for row in shop.movements("WIDGET")) > before
    assert shop.events(order.id)[0].id > shop.events(PENDING)[0].id
