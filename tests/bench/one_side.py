"""One side of `tests.bench.before_after`: does a work on an empty database, in whichever checkout it runs.

It imports nothing of tests, and knows the names of the library before and after the parts of Oms.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from wsgiref.util import setup_testing_defaults

from oms_core import ALL_SCOPES, Caller, Oms, OrderLine, PlaceOrder, SetStock, Settings

CALLER = Caller(name="bench", scopes=ALL_SCOPES)
SKUS = 20
ORDERS = {"post": 2_000, "batch": 10_000, "drain": 6_000}


def named(oms: Oms, now: str, before: str) -> Callable[..., Any]:
    """Return a method by its name now, such as "stock.set", or before the parts."""
    part, _, name = now.partition(".")
    return getattr(getattr(oms, part), name) if hasattr(oms, "stock") else getattr(oms, before)


def order(number: int) -> PlaceOrder:
    """Make an order of two lines, one of them of the product that everybody wants."""
    lines = [
        OrderLine(sku="S0", quantity=1, unit_price=Decimal("1.00")),
        OrderLine(sku=f"S{number % SKUS}", quantity=1),
    ]
    return PlaceOrder(customer_id="C1", lines=lines, idempotency_key=uuid.uuid4().hex)


def post(oms: Oms) -> Callable[[], None]:
    """Place orders over WSGI, from eight threads."""
    from oms_http.app import create_app

    app = create_app(oms)

    def one(number: int) -> None:
        lines = [{"sku": f"S{number % SKUS}", "quantity": 1, "unit_price": "1.00"}, {"sku": "S0", "quantity": 1}]
        body = json.dumps({"customer_id": "C1", "lines": lines}).encode()
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/v1/orders",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_IDEMPOTENCY_KEY": uuid.uuid4().hex,
            "wsgi.input": io.BytesIO(body),
        }
        setup_testing_defaults(environ)
        statuses: list[str] = []
        answer: Any = app(environ, lambda status, *_: statuses.append(status))
        b"".join(answer)
        answer.close()
        if not statuses[0].startswith("201"):
            sys.exit(statuses[0])

    def work() -> None:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(one, range(ORDERS["post"])))

    return work


def batch(oms: Oms) -> Callable[[], None]:
    """Place orders 500 at a time; they are made beforehand."""
    place = named(oms, "orders.place_many", "place_orders")
    batches = [[order(number) for number in range(500)] for _ in range(ORDERS["batch"] // 500)]

    def work() -> None:
        for each in batches:
            place(each, caller=CALLER)

    return work


def drain(oms: Oms) -> Callable[[], None]:
    """Have a worker place queued orders; they are accepted beforehand."""
    accept = named(oms, "orders.accept", "accept_order")
    status = named(oms, "queue.status", "get_queue_status")
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda number: accept(order(number), caller=CALLER), range(ORDERS["drain"])))

    def work() -> None:
        stop = threading.Event()
        worker = threading.Thread(target=oms.run_worker, args=(stop,))
        worker.start()
        while status(caller=CALLER).depth:
            stop.wait(0.02)
        stop.set()
        worker.join()

    return work


def measure(work: Callable[[], None], orders: int) -> Iterable[float]:
    """Return orders a second, and orders a second of processor time."""
    begun, processor = time.perf_counter(), time.process_time()
    work()
    return orders / (time.perf_counter() - begun), orders / (time.process_time() - processor)


def main(name: str, url: str) -> None:
    """Print the two rates."""
    with Oms.open(Settings(database_url=url)) as oms:
        # The table of the schema was below the storage before.
        (oms.schema if hasattr(oms, "stock") else oms.storage.schema).upgrade()
        put = named(oms, "stock.set", "set_stock")
        for number in range(SKUS):
            put(SetStock(sku=f"S{number}", on_hand=10**9), caller=CALLER)
        work = {"post": post, "batch": batch, "drain": drain}[name](oms)
        print(*measure(work, ORDERS[name]), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
