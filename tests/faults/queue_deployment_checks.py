"""What holds after any fault: each accepted order is settled, once, with the stock and events that belong to it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from oms_rabbitmq.addresses import read_addresses
from pika import BlockingConnection, URLParameters
from pika.exceptions import AMQPError

from oms_core import Oms, OrderStatus
from tests.adapters.nats_broker import NatsEvents
from tests.faults.queue_deployment import BUYER
from tests.services import wait_until
from tests.services.postgresql import connected

SETTLED_SECONDS = 240
FINAL = {"pending", "rejected", "failed"}

ORDERS = "SELECT id::text, status FROM orders"
PLACED_EVENTS = """SELECT o.id::text, count(e.id) FROM orders AS o
LEFT JOIN events AS e ON e.order_id = o.id AND e.type = 'order.placed' GROUP BY o.id"""
RESERVED = """SELECT order_id::text, line_no, sku, sum(reserved_delta), count(*) FROM stock_movements
WHERE order_id IS NOT NULL GROUP BY order_id, line_no, sku"""
LINES = """SELECT o.id::text, l.line_no, l.sku, l.quantity, 1 FROM orders AS o
JOIN order_lines AS l ON l.order_id = o.id WHERE o.status = 'pending'"""
LEVELS = """SELECT sku, sum(reserved) FROM stock_levels GROUP BY sku"""
DEMAND = """SELECT p.sku, coalesce(sum(l.quantity) FILTER (WHERE o.status = 'pending'), 0) FROM products AS p
LEFT JOIN order_lines AS l ON l.sku = p.sku LEFT JOIN orders AS o ON o.id = l.order_id GROUP BY p.sku"""
OVERSOLD = "SELECT sku FROM stock_levels WHERE reserved > on_hand OR on_hand < 0"
EVENTS = "SELECT order_id::text, order_version, type FROM events WHERE order_id IS NOT NULL ORDER BY order_id, id"


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Ask the database itself."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def is_settled(oms: Oms, accepted: Collection[UUID]) -> bool:
    """Tell whether none of the orders waits any more."""
    waiting = rows(oms.settings.database_url, "SELECT id::text FROM orders WHERE status = 'queued'")
    return not {str(order_id) for order_id in accepted} & {order_id for (order_id,) in waiting}


def check(oms: Oms, accepted: Collection[UUID], *, others: int = 0) -> Counter[str]:
    """Wait until every accepted order is settled; prove that nothing was lost, done twice or oversold.

    `others` are orders beside the accepted ones. Gives how many orders have each status.
    """
    url = oms.settings.database_url
    wait_until(lambda: is_settled(oms, accepted), SETTLED_SECONDS, "every accepted order is settled")
    statuses = dict(rows(url, ORDERS))
    assert {str(order_id) for order_id in accepted} <= statuses.keys(), "an accepted order is gone"
    assert len(statuses) == len(set(accepted)) + others, "orders that nobody was told of"
    assert set(statuses.values()) <= FINAL, "each is settled"
    for order_id, count in rows(url, PLACED_EVENTS):
        assert count == (statuses[order_id] == "pending"), f"placed {count} times: {order_id}"
    assert sorted(rows(url, RESERVED)) == sorted(rows(url, LINES)), "each placed line is reserved once"
    assert sorted(rows(url, LEVELS)) == sorted(rows(url, DEMAND)), "levels hold what is ordered"
    assert rows(url, OVERSOLD) == [], "nothing is oversold"
    assert oms.audit(caller=BUYER).discrepancies == (), "the audit agrees"
    return Counter(statuses.values())


def all_placed(oms: Oms, accepted: Collection[UUID]) -> None:
    """Check the same, and that stock was there for all, and no try was held against any."""
    counted = check(oms, accepted)
    assert counted == {OrderStatus.PENDING.value: len(set(accepted))}, "each is placed"
    tried = rows(oms.settings.database_url, "SELECT count(*) FROM orders WHERE failure IS NOT NULL")
    assert tried == [(0,)], "no try is held against any"


class RabbitmqEvents:
    """A queue that is bound to every event of orders, and outlives the broker's restarts; `url` may name many nodes."""

    def __init__(self, url: str, prefix: str) -> None:
        self._parameters = [URLParameters(address.url) for address in read_addresses(url)]
        self._queue = f"{prefix}.subscriber"
        connection = BlockingConnection(self._parameters)
        channel = connection.channel()
        channel.exchange_declare(f"{prefix}.events", "topic", durable=True)
        channel.queue_declare(self._queue, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(self._queue, f"{prefix}.events", "order.#")
        connection.close()

    def read(self) -> Iterator[bytes]:
        """Give what has come; nothing while the broker is away."""
        try:
            connection = BlockingConnection(self._parameters)
        except AMQPError:
            return
        channel = connection.channel()
        while (answer := channel.basic_get(self._queue, auto_ack=True))[0] is not None:
            yield answer[2] or b""
        connection.close()


class Subscriber:
    """Another service that listens to every event of orders, whatever the broker."""

    def __init__(self, url: str, prefix: str) -> None:
        is_nats = urlsplit(url).scheme == "nats"
        self._events = NatsEvents(url, prefix) if is_nats else RabbitmqEvents(url, prefix)
        self.heard: list[tuple[str, int]] = []

    def check(self, database_url: str) -> None:
        """Wait until every event of every order was heard; prove that each order's came in their order."""
        written = [(order_id, version) for order_id, version, _ in rows(database_url, EVENTS)]
        assert written
        assert len(written) == len(set(written)), "two events of one version"
        wait_until(lambda: self._listen() >= set(written), SETTLED_SECONDS, "every event is heard")
        assert set(self.heard) == set(written), "an event that never was"
        versions: dict[str, list[int]] = defaultdict(list)
        for order_id, version in dict.fromkeys(self.heard):  # Repetitions are allowed: at least once.
            versions[order_id].append(version)
        assert all(heard == sorted(heard) for heard in versions.values()), "out of order"

    def _listen(self) -> set[tuple[str, int]]:
        for document in map(json.loads, self._events.read()):
            self.heard.append((document["subject"], document["data"]["order_version"]))
        return set(self.heard)
