"""Databases with enough rows that reading a whole table would show: 20,000 orders, of which few are open or wait."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from oms_peewee.fields import to_microseconds
from psycopg2.extras import execute_values

from oms_core.domain.identifiers import uuid7
from tests.services.postgresql import connected

ORDERS = 20_000
PRODUCTS = 10_000
CUSTOMERS = 1_000
BEGINNING = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
Rows = dict[str, list[tuple[object, ...]]]

COLUMNS = {
    "products": "sku, name, low_stock_threshold, created_at, updated_at",
    "stock_levels": "sku, location, on_hand, reserved, version, updated_at",
    "orders": "id, status, customer_id, reference, currency, metadata, caller, created_at, updated_at, failure",
    "order_keys": "created_at, order_id, answer_status, act, caller, idempotency_key, fingerprint",
    "waiting_orders": "order_id, queue_no, since, waits_for",
    "order_lines": "order_id, line_no, sku, quantity",
    "stock_movements": "sku, location, kind, on_hand_delta, reserved_delta, order_id, line_no, actor, created_at",
    "outbox": "event_id",
    "workers": "id, started_at, seen_at, orders_per_second, settled",
    "events": "type, order_id, order_version, data, actor, created_at",
}


def fill_postgresql(url: str) -> None:
    """Fill a migrated database; its planner does not know yet."""
    with connected(url) as connection, connection.cursor() as cursor:
        for table, rows in rows_of_all().items():
            execute_values(cursor, f"INSERT INTO {table} ({COLUMNS[table]}) VALUES %s", rows, page_size=2_000)


def analyze(url: str) -> None:
    """Let the planner know what there is."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def fill_sqlite(file: Path) -> None:
    """Fill a migrated file."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for table, rows in rows_of_all().items():
            marks = ", ".join("?" * len(rows[0]))
            stored = ([to_microseconds(each) if isinstance(each, datetime) else each for each in row] for row in rows)
            connection.executemany(f"INSERT INTO {table} ({COLUMNS[table]}) VALUES ({marks})", stored)


def order_id(number: int) -> UUID:
    """Give the id of an order."""
    return uuid7(created_at(number), number)


def created_at(number: int) -> datetime:
    """Give the time of an order: one a second."""
    return BEGINNING + timedelta(seconds=number)


def sku(number: int) -> str:
    """Name a product."""
    return f"SKU-{number % PRODUCTS:05}"


def status(number: int) -> str:
    """Give an order's status: 1 in 200 is pending, as many are cancelled, wait or failed; the others are delivered."""
    return {0: "pending", 1: "cancelled", 2: "queued", 3: "failed"}.get(number % 200, "delivered")


def moved(number: int) -> tuple[str, int, int]:
    """Give the kind of an order's ledger rows, and what they change: what is delivered reserves nothing any more."""
    return ("ship", -1, 0) if status(number) == "delivered" else ("reserve", 0, 1)


def failure(number: int) -> str | None:
    """Give why an order failed, as JSON."""
    return json.dumps({"code": f"code-{number % 3}", "detail": ""}) if status(number) == "failed" else None


def rows_of_all() -> Rows:
    """Make the rows of every table; nothing depends on the counters being right."""
    orders = [(number, str(order_id(number)), created_at(number)) for number in range(ORDERS)]
    lines = [(number, id, at, line_no) for number, id, at in orders for line_no in (1, 2)]
    return {
        "products": [
            (sku(number), "", 5 if number % 100 == 0 else None, BEGINNING, BEGINNING) for number in range(PRODUCTS)
        ],
        "stock_levels": [(sku(number), "main", 1_000, 40, 1, BEGINNING) for number in range(PRODUCTS)],
        "orders": [
            (
                *(id, status(number), f"C{number % CUSTOMERS}", f"R{number}", "EUR", "{}", "shop", at, at),
                failure(number),
            )
            for number, id, at in orders
        ],
        "order_keys": [(at, id, 201, "place", "shop", f"key-{number}", b"f" * 32) for number, id, at in orders],
        "waiting_orders": [(id, number, at, "place") for number, id, at in orders if status(number) == "queued"],
        "order_lines": [(id, line_no, sku(number + line_no), 1) for number, id, _, line_no in lines],
        "stock_movements": [
            (sku(number + line_no), "main", *moved(number), id, line_no, "shop", at)
            for number, id, at, line_no in lines
        ],
        "outbox": [(number,) for number in range(1, ORDERS, 4)],
        "workers": [(f"worker-{number}", BEGINNING, BEGINNING, 1.0, 1) for number in range(50)],
        "events": [("order.placed", id, 1, json.dumps({}), "shop", at) for _, id, at in orders],
    }
