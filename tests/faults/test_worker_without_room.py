"""A worker on a file that may not grow: its sign of life still fits, its orders do not, and none is to blame."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from operator import le
from pathlib import Path

import pytest
from oms_peewee.storage import PeeweeStorage

from oms_core import ALL_SCOPES, Caller, Oms, OrderLine, OrderStatus, PlaceOrder, SetStock, Settings
from oms_core.domain.orders.order import OrderFilter

CALLER = Caller(name="buyer", scopes=ALL_SCOPES)
ORDERS = 60


class Stop(threading.Event):
    """A stop that comes when a condition holds; it is told the pauses, for which nobody waits."""

    def __init__(self, condition: Callable[[int], bool]) -> None:
        super().__init__()
        self._condition = condition
        self._pauses = 0

    def is_set(self) -> bool:
        return self._condition(self._pauses)

    def wait(self, timeout: float | None = None) -> bool:
        self._pauses += 1
        return self.is_set()


def attempts(oms: Oms) -> dict[OrderStatus, set[int]]:
    """Give the tries that orders have behind them, by status."""
    orders = oms.orders.list(OrderFilter(), caller=CALLER, limit=500).items
    assert len(orders) == ORDERS
    return {status: {it.attempts for it in orders if it.status is status} for status in {it.status for it in orders}}


def fill(oms: Oms) -> PeeweeStorage:
    """Queue orders, and let the file grow no further."""
    storage = oms._ports.storage
    assert isinstance(storage, PeeweeStorage)
    storage.schema.upgrade()
    oms.stock.set(SetStock(sku="A", on_hand=1_000), caller=CALLER)
    for _ in range(ORDERS):
        oms.orders.accept(PlaceOrder(customer_id="C1", lines=[OrderLine(sku="A", quantity=1)]), caller=CALLER)
    storage.database.read(lambda session: session.execute_sql("PRAGMA max_page_count = 1").fetchall())
    return storage


def test_orders_for_which_a_file_has_no_room_wait_without_a_try(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/oms.db", storage_deadline_seconds=1)
    with Oms.open(settings) as oms:
        storage = fill(oms)
        with caplog.at_level(logging.WARNING):
            oms.run_worker(Stop(lambda pauses: pauses >= 60))
        before = attempts(oms)
        assert OrderStatus.QUEUED in before
        assert OrderStatus.FAILED not in before
        assert len([text for text in caplog.messages if "the worker tries again" in text]) == 1
        assert "Traceback" not in caplog.text
        storage.close()  # The next connection may let the file grow.
        oms.run_worker(Stop(lambda _: not storage.queue.sample().numbers))
        assert attempts(oms) == {OrderStatus.PENDING: {0}}


def test_a_worker_that_is_stopped_again_and_again_without_room_counts_no_try(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/oms.db", storage_deadline_seconds=1)
    with Oms.open(settings) as oms:
        storage = fill(oms)
        for _ in range(3):
            for pauses_max in (1, 12):  # Before it has tried three times, and while it waits for room.
                oms.run_worker(Stop(partial(le, pauses_max)))
                assert attempts(oms)[OrderStatus.QUEUED] == {0}
        storage.close()
        oms.run_worker(Stop(lambda _: not storage.queue.sample().numbers))
        assert attempts(oms) == {OrderStatus.PENDING: {0}}
