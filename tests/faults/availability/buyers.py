"""Buyers of a database whose servers change, and what is left of their orders afterwards."""

from __future__ import annotations

import threading
import time
from collections import Counter
from uuid import UUID

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderLine, PlaceOrder, SetStock, Settings
from tests.services.postgresql import connected
from tests.services.waiting import wait_until

BUYER = Caller(name="buyer", scopes=ALL_SCOPES)
SKU = "WIDGET"
STOCK = 1_000_000
PACE_SECONDS = 0.01
ANSWER_SECONDS = 60


def open_shop(url: str) -> Oms:
    """Open a system on an empty database, and put one product into it."""
    oms = Oms.open(Settings(database_url=url))
    oms.schema.upgrade()
    oms.stock.set(SetStock(sku=SKU, on_hand=STOCK), caller=BUYER)
    return oms


class Buyers:
    """Buyers who place one order after the other, each repeated under its key until it is answered with 201."""

    def __init__(self, oms: Oms, *, buyers: int = 8) -> None:
        self._oms = oms
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._buy, args=(number,)) for number in range(buyers)]
        self.keys_begun: list[str] = []
        self.answered: dict[UUID, float] = {}  # Each order, and when it was answered.
        self.told: Counter[str] = Counter()
        self.slowest_seconds = 0.0

    def __enter__(self) -> Buyers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def buy_more(self, orders: int) -> None:
        """Wait until so many more orders are answered."""
        before = len(self.answered)
        wait_until(lambda: len(self.answered) >= before + orders, ANSWER_SECONDS, f"{orders} more orders are answered")

    def silence_after(self, moment: float) -> float:
        """Return how long after a moment of the monotonic clock the next order was answered."""
        return min(at for at in self.answered.values() if at > moment) - moment

    def _buy(self, buyer: int) -> None:
        number = 0
        while not self._stop.is_set():
            self._insist(f"{buyer}-{number}")
            number += 1
            self._stop.wait(PACE_SECONDS)

    def _insist(self, key: str) -> None:
        self.keys_begun.append(key)
        wanted = PlaceOrder(customer_id="C1", lines=[OrderLine(sku=SKU, quantity=1)], idempotency_key=key)
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                placed = self._oms.orders.place(wanted, caller=BUYER)
            except OmsError as error:
                self.told[error.code] += 1
                self._stop.wait(PACE_SECONDS)
            else:
                self.answered[placed.order.id] = time.monotonic()
                return
            finally:
                self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)


def orders_in(url: str) -> set[UUID]:
    """Return the ids of all orders that a server has."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM orders")
        return {UUID(id) for (id,) in cursor.fetchall()}


def check_books(buyers: Buyers, url: str) -> None:
    """Check that a server has every answered order, no key twice, and books that agree."""
    there = orders_in(url)
    assert not buyers.answered.keys() - there, "an answered order is missing"
    assert len(there) <= len(buyers.keys_begun), "a key has two orders"
    with Oms.open(Settings(database_url=url)) as oms:
        assert not oms.audit(caller=BUYER).discrepancies
        assert oms.stock.get(SKU, caller=BUYER).reserved == len(there)
