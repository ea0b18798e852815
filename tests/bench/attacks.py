"""What is sent at a service beside an honest client: by strangers, by a customer's key, by a key that has ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.bench.load import Load, always, get, post
from tests.bench.served import Served

ATTACKER_ADDRESS = "127.0.0.2"
LINES = 100
SKUS = [f"SKU-{number}" for number in range(LINES)]
BATCH_ORDERS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What is sent: over so many connections, each with a request under way; `shares_address` with the honest one."""

    name: str
    make_request: Callable[[int], bytes]
    connections: int
    shares_address: bool = False

    def load(self, service: Served, seconds: float) -> Load:
        """Give the load on a service."""
        return Load(
            host=service.host,
            port=service.port,
            make_request=self.make_request,
            connections=self.connections,
            seconds=seconds,
            source=service.host if self.shares_address else ATTACKER_ADDRESS,
        )


def attacks(*, customer: Mapping[str, str], ended: Mapping[str, str]) -> Iterator[Attack]:
    """Give them all, with the headers of a customer's good key and of one that has ended."""
    yield _reading("strangers at /docs' script", "/docs/swagger-ui-bundle.js", 32)
    yield _reading("strangers at /openapi.json", "/openapi.json", 32)
    yield _reading("40 clients at /metrics", "/metrics", 40)
    yield _reading("40 clients at /readyz", "/readyz", 40)
    unreadable = post("/v1/orders/batch", unreadable_batch(), headers=customer)
    yield Attack(name="unreadable batches by one key", make_request=always(unreadable), connections=16)
    large = post("/v1/orders/batch", large_batch(), headers=customer)
    yield Attack(name="16 large batches by one key", make_request=always(large), connections=16)
    pages = get("/v1/orders?limit=500", headers=customer)
    yield Attack(name="limit=500 by one key", make_request=always(pages), connections=16)
    order = json.dumps({"customer_id": "C1", "lines": [{"sku": SKUS[0], "quantity": 1, "unit_price": "1"}]}).encode()
    stale = post("/v1/orders", order, headers=ended)
    yield Attack(name="a stale key at the same address", make_request=always(stale), connections=4, shares_address=True)


def _reading(name: str, path: str, connections: int) -> Attack:
    return Attack(name=name, make_request=always(get(path)), connections=connections)


def unreadable_batch() -> bytes:
    """Make 2 MB of which no order can be read."""
    line = {"sku": "", "quantity": "1", "unit_price": "x", "colour": "red"}
    order = {"customer": "C1", "idempotency_key": 7, "lines": [line] * 120}
    return json.dumps({"orders": [order] * BATCH_ORDERS}).encode()


def large_batch() -> bytes:
    """Make 7.5 MB of orders that are placed."""
    lines = [{"sku": sku, "quantity": 1, "unit_price": "1.00"} for sku in SKUS]
    metadata = {f"note-{number}": "x" * 480 for number in range(50)}
    orders = [{"customer_id": "C1", "lines": lines, "metadata": metadata}] * BATCH_ORDERS
    return json.dumps({"orders": orders}, separators=(",", ":")).encode()
