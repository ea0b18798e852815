"""Orders that wait for a worker, and a storage that one of them breaks: what the tests of queueing begin with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from werkzeug.test import TestResponse

from oms_core import Oms, Settings
from oms_core.bootstrap import open_ports
from oms_core.ports.queue_storage import DecideSettlement, SettleBatch
from tests.http.asking import order, read
from tests.http.conformance import ConformingClient
from tests.services.waiting import wait_until

ASYNC = {"Prefer": "respond-async"}
WAITING = {"Prefer": "respond-async, wait=10"}
DEADLINE_SECONDS = 20
POISON = "POISON"


class PoisonedStorage:
    """A storage that cannot settle an order whose reference is POISON; everything else is the storage's own."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self.queue = _PoisonedQueue(storage)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)


class _PoisonedQueue:
    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def settle(self, batch: SettleBatch, decide: DecideSettlement) -> Any:
        """Fail for a poisoned batch, as a bug would that one order meets."""
        orders = [self._storage.orders.get(order_id, owner=None) for order_id in batch.order_ids]
        if any(found.reference == POISON for found in orders):
            raise ZeroDivisionError("the poison works")
        return self._storage.queue.settle(batch, decide)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage.queue, name)


def open_poisoned(url: str, *, waiting_max: int | None = None, outcomes_max: int | None = None, **given: Any) -> Oms:
    """Open a system on which a poisoned order fails at its first try."""
    settings = Settings(database_url=url, max_attempts=1, **given)
    ports = open_ports(settings)
    poisoned = replace(ports, storage=PoisonedStorage(ports.storage))
    return Oms(settings=settings, ports=poisoned, waiting_max=waiting_max, outcomes_max=outcomes_max)


def accept(client: ConformingClient, quantity: int = 1, **members: Any) -> dict[str, Any]:
    """Have an order accepted; give it."""
    response = client.post("/v1/orders", json=order(quantity=quantity, **members), headers=ASYNC)
    assert response.status_code == 202
    return read(response)


def settled(client: ConformingClient, order_id: str) -> dict[str, Any]:
    """Wait until an order is queued no more; give it."""
    return wait_until(
        lambda: None if (found := look(client, order_id))["status"] == "queued" else found,
        DEADLINE_SECONDS,
        "the order is settled",
    )


def look(client: ConformingClient, order_id: str) -> dict[str, Any]:
    """Give an order as it is now."""
    return read(client.get(f"/v1/orders/{order_id}"))


def headers(response: TestResponse, *names: str) -> tuple[str | None, ...]:
    """Give these headers of an answer, None where there is none."""
    return tuple(response.headers.get(name) for name in names)
