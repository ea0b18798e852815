"""Planted faults of every kind: the databases' comparison lets through what the rule finds in memory, and nothing else.

Memory suspects every balance, so there the plain Python of `oms_core.domain.stock.balances` alone decides. What it is
given is read row by row from the database that was tampered with.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock
from uuid import UUID

import pytest
from oms_contracts.storage_contract.auditing import PATHS, orders_in_every_status
from oms_contracts.storage_contract.shop import CLERK, Shop, new_shop
from oms_memory import audits
from oms_memory.storage import MemoryStorage
from oms_memory.tables import Tables
from oms_peewee.fields import read_time
from oms_peewee.postgresql import open_postgresql
from oms_peewee.rows import rows_of
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.balances import Waiting
from oms_core.domain.stock.products import ProductFilter
from oms_core.ports.storage import Storage, StorageOptions
from oms_core.use_cases import audit as use_case
from oms_core.use_cases.audit import AuditReport, audit
from oms_core.use_cases.databases import Databases
from tests.services.postgresql import connected

MOVE = """INSERT INTO stock_movements
  (sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, actor, created_at)
  SELECT 'B', '{place}', 'adjust', {on_hand}, {reserved}, '{order}', {line}, 'thief', created_at
  FROM orders WHERE id = '{order}'"""
LEVELS = {
    "a unit more on hand": "UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = 'B' AND location = 'north'",
    "a unit less reserved": "UPDATE stock_levels SET reserved = reserved - 1 WHERE sku = 'A'",
    "a level lost": "DELETE FROM stock_levels WHERE sku = 'B' AND location = 'main'",
    "a unit that is kept back and nobody asked for": "UPDATE stock_levels SET withheld = 1 WHERE sku = 'A'",
    "a safety stock that is not kept back": "UPDATE stock_levels SET kept_back = 2 WHERE sku = 'A'",
    "a location that still sells": "UPDATE locations SET sells = false, ships = false WHERE name = 'north'",
    "a ledger lost": "DELETE FROM stock_movements WHERE sku = 'A'",
    "oversold, and the ledger agrees": "UPDATE stock_levels SET reserved = 99 WHERE sku = 'C';"
    " INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, actor, created_at)"
    " SELECT 'C', 'main', 'adjust', 0, 99, 'thief', created_at FROM products WHERE sku = 'C'",
    "less than nothing reserved, and the ledger agrees": "UPDATE stock_levels SET reserved = -1 WHERE sku = 'C';"
    " INSERT INTO stock_movements (sku, location, kind, on_hand_delta, reserved_delta, actor, created_at)"
    " SELECT 'C', 'main', 'adjust', 0, -1, 'thief', created_at FROM products WHERE sku = 'C'",
}
# What is done to one order. Of its lines the first and the third are of B, the first at two places.
ORDERS = {
    "a unit more reserved": MOVE.format(place="north", on_hand=0, reserved=1, line=1, order="{order}"),
    "a unit less reserved": MOVE.format(place="north", on_hand=0, reserved=-1, line=3, order="{order}"),
    "a unit more shipped": MOVE.format(place="main", on_hand=-1, reserved=0, line=3, order="{order}"),
    "a unit moved between places": MOVE.format(place="main", on_hand=0, reserved=1, line=1, order="{order}")
    + ";"
    + MOVE.format(place="north", on_hand=0, reserved=-1, line=1, order="{order}"),
    "a unit moved between lines": MOVE.format(place="main", on_hand=0, reserved=1, line=1, order="{order}")
    + ";"
    + MOVE.format(place="main", on_hand=0, reserved=-1, line=3, order="{order}"),
    "a line that nobody ordered": MOVE.format(place="main", on_hand=0, reserved=1, line=9, order="{order}")
    + ";"
    + MOVE.format(place="main", on_hand=0, reserved=-1, line=9, order="{order}"),
    "a ledger row lost": "DELETE FROM stock_movements WHERE order_id = '{order}' AND line_no = 2",
    "all ledger rows lost": "DELETE FROM stock_movements WHERE order_id = '{order}'",
    "the order lost": "DELETE FROM orders WHERE id = '{order}'; DELETE FROM order_lines WHERE order_id = '{order}'",
    "a line lost": "DELETE FROM order_lines WHERE order_id = '{order}' AND line_no = 2",
    "a quantity changed": "UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = '{order}' AND line_no = 2",
    "all shipments cancelled": "UPDATE shipments SET status = 'cancelled', delivered_at = NULL"
    " WHERE order_id = '{order}'",
    "all shipments delivered": "UPDATE shipments SET status = 'delivered', delivered_at = updated_at"
    " WHERE order_id = '{order}'",
    "a shipment on its way": "UPDATE shipments SET status = 'shipped', delivered_at = NULL"
    " WHERE order_id = '{order}' AND shipment_no = 1",
    "a shipment lost": "DELETE FROM shipments WHERE order_id = '{order}' AND shipment_no = 1",
    "a shipment of nothing": "INSERT INTO shipments (order_id, shipment_no, act_id, status, location, created_at,"
    " updated_at) SELECT id, 9, id, 'shipped', 'main', created_at, updated_at FROM orders WHERE id = '{order}'",
    "a unit more came back than was shipped": MOVE.format(
        place="main", on_hand=9, reserved=0, line=1, order="{order}"
    ).replace("'adjust'", "'return'"),
    "units came back to another place": "UPDATE stock_movements SET location = 'north'"
    " WHERE order_id = '{order}' AND kind = 'return' AND location = 'main'",
    "the ledger rows of a return lost": "DELETE FROM stock_movements WHERE order_id = '{order}' AND kind = 'return'",
    "the lines of a return lost": "DELETE FROM return_lines WHERE order_id = '{order}'",
    "more discarded than was shipped": "UPDATE return_lines SET quantity = quantity + 9"
    " WHERE order_id = '{order}' AND disposition = 'discard'",
    "nothing": "SELECT 1",
    "nobody looks for it": "DELETE FROM waiting_orders WHERE order_id = '{order}'",
    "it is due at no time": "UPDATE waiting_orders SET due_at = NULL WHERE order_id = '{order}'",
    **{f"now {status}": f"UPDATE orders SET status = '{status}' WHERE id = '{{order}}'" for status in OrderStatus},
}
UNCHECKED = (
    "ALTER TABLE stock_levels DROP CONSTRAINT IF EXISTS reserved_within_on_hand,"
    " DROP CONSTRAINT IF EXISTS stock_levels_reserved_check"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampered:
    """A shop with orders in every status, and a way to write into its database that asks no CHECK."""

    shop: Shop
    storage: PeeweeStorage
    orders: list[Order]
    tamper: Callable[[str], object]


@pytest.fixture(params=["sqlite", "postgresql"])
def tampered(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tampered]:
    if request.param == "sqlite":
        file = tmp_path / "oms.db"
        storage, tamper = open_sqlite(f"sqlite:///{file}", StorageOptions()), sqlite_tamperer(file)
    else:
        url = request.getfixturevalue("postgresql_url")
        storage, tamper = open_postgresql(url, StorageOptions()), postgresql_tamperer(url)
    storage.schema.upgrade()
    shop = replace(new_shop(storage), locations=("main", "north"))
    shop.set("C", 0)
    yield Tampered(shop=shop, storage=storage, orders=orders_in_every_status(shop), tamper=tamper)
    storage.close()


def sqlite_tamperer(file: Path) -> Callable[[str], object]:
    def tamper(sql: str) -> None:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.executescript(f"PRAGMA ignore_check_constraints = ON; {sql}")

    return tamper


def postgresql_tamperer(url: str) -> Callable[[str], object]:
    def tamper(sql: str) -> None:
        with connected(url) as connection, connection.cursor() as cursor:
            if "stock_levels SET reserved" in sql:
                cursor.execute(UNCHECKED)
            cursor.execute(sql)

    return tamper


def report_of(storage: Storage) -> AuditReport:
    return audit(caller=CLERK, databases=Databases(primary=storage))


def in_memory(storage: PeeweeStorage) -> Storage:
    """Read all rows; have them judged without the database."""
    tables = Tables()
    tables.locations = {location.name: location for location in storage.locations.find()}
    for product in storage.stock.find(ProductFilter(), after=None, limit=99):
        tables.products[product.sku] = product
        tables.movements[product.sku] = storage.stock.movements(product.sku, after=None, limit=999)
    for order in storage.orders.find(OrderFilter(), after=None, limit=99):
        tables.orders[order.id] = order
        tables.order_movements[order.id] = []
        shipments = storage.orders.shipments([order.id], owner=None).get(order.id, [])
        tables.shipments[order.id] = {shipment.shipment_no: shipment for shipment in shipments}
        tables.returns[order.id] = storage.orders.returns([order.id], owner=None).get(order.id, [])
    for row in (row.movement for rows in tables.movements.values() for row in rows):
        if row.order_id is not None:
            tables.order_movements.setdefault(row.order_id, []).append(row)
    return MemoryStorage(tables)


def waiting_of(storage: PeeweeStorage) -> dict[UUID, Waiting]:
    """Read all that waits."""
    sql = "SELECT CAST(order_id AS text), waits_for, due_at FROM waiting_orders"
    rows = storage.database.read(lambda session: rows_of(session, sql, []))
    return {
        UUID(order_id): Waiting(waits_for=waits_for, due_at=None if due_at is None else read_time(due_at))
        for order_id, waits_for, due_at in rows
    }


def check(tampered: Tampered) -> AuditReport:
    """Compare the reports; see that nothing was suspected without a reason."""
    waiting = waiting_of(tampered.storage)
    with mock.patch.object(audits, "_waiting", lambda order: waiting.get(order.id)):
        expected = report_of(in_memory(tampered.storage))
    found = report_of(tampered.storage)
    assert found == expected
    suspects = [
        *tampered.storage.audits.compare_levels(after=None, limit=99).suspects,
        *tampered.storage.audits.compare_orders(after=None, limit=99).suspects,
    ]
    assert len(suspects) == len(found.discrepancies)
    return found


@pytest.mark.parametrize("fault", LEVELS)
def test_a_fault_of_a_level_is_told_as_the_rule_tells_it(tampered: Tampered, fault: str) -> None:
    assert not check(tampered).discrepancies
    tampered.tamper(LEVELS[fault])
    assert check(tampered).discrepancies


def test_a_return_whose_lines_alone_are_left_is_told(tampered: Tampered) -> None:
    (order,) = (each for each in tampered.orders if each.status is OrderStatus.PARTLY_RETURNED)
    tampered.tamper("DELETE FROM returns")
    details = {each.subject: each.detail for each in report_of(tampered.storage).discrepancies}
    told = details[f"order {order.id}"]
    assert told.startswith("partly_returned: line 1 of return 1 brings 1 to ")
    assert told.endswith(", and its ledger rows 0")


@pytest.mark.parametrize("fault", ORDERS)
def test_a_fault_of_an_order_in_any_status_is_told_as_the_rule_tells_it(tampered: Tampered, fault: str) -> None:
    for order in tampered.orders:
        tampered.tamper(ORDERS[fault].format(order=order.id))
    found = {each.subject for each in check(tampered).discrepancies if each.subject.startswith("order")}
    harmless = fault in {"nothing", "a unit moved between places"}
    assert bool(found) is not harmless
    assert len(found) <= len(PATHS)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_all_faults_at_once_are_found_page_by_page(
    tampered: Tampered, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, fault in enumerate(ORDERS.values()):
        tampered.tamper(fault.format(order=tampered.orders[number % len(PATHS)].id))
    for fault in LEVELS.values():
        tampered.tamper(fault)
    whole = check(tampered)
    assert len(whole.discrepancies) > len(PATHS)
    monkeypatch.setattr(use_case, "_LEVELS_A_PAGE", limit)
    monkeypatch.setattr(use_case, "_ORDERS_A_PAGE", limit)
    assert check(tampered) == whole
