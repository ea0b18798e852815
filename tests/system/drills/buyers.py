"""Buyers who order again and again, and remember what they were answered and when."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.services.tcp import LOOPBACK
from tests.services.waiting import wait_until

ANSWER_SECONDS = 30
ENOUGH_SECONDS = 60
PAUSE_SECONDS = 0.02  # So that the drill leaves processor time to what it waits for.
SKU = "WIDGET"
UNITS = 1_000_000
ORDER = {"customer_id": "C1", "lines": [{"sku": SKU, "quantity": 1}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """An order that was confirmed, and the Unix times at which it was sent and answered."""

    order_id: str
    sent_at: float
    answered_at: float


@dataclass(slots=True)
class Purchases:
    """What became of the orders so far; `failures` has those that were not confirmed, each by what came instead."""

    bought: list[Bought] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def wait_for_more(self, number: int) -> None:
        """Wait until so many further orders were answered."""
        wanted = len(self.bought) + len(self.failures) + number
        wait_until(
            lambda: len(self.bought) + len(self.failures) >= wanted,
            ENOUGH_SECONDS,
            f"{number} more orders were answered",
        )


@contextlib.contextmanager
def buying(buy: Callable[[], str], *more: Callable[[], str]) -> Iterator[Purchases]:
    """Let each of these order again and again on a thread of its own, until the block ends.

    `buy` gives the id of a confirmed order, and raises what came instead of one.
    """
    purchases, is_over = Purchases(), threading.Event()

    def go_on(buy: Callable[[], str]) -> None:
        while not is_over.wait(PAUSE_SECONDS):
            sent_at = time.time()
            try:
                order_id = buy()
            except (OSError, http.client.HTTPException, LookupError) as error:
                purchases.failures.append(repr(error))
            else:
                purchases.bought.append(Bought(order_id=order_id, sent_at=sent_at, answered_at=time.time()))

    threads = [threading.Thread(target=go_on, args=(each,), name="buyer") for each in (buy, *more)]
    for thread in threads:
        thread.start()
    try:
        yield purchases
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


class HttpBuyer:
    """Orders over HTTP, on a connection that it keeps or on a new one for each order. It tries nothing twice."""

    def __init__(self, port: int, *, keeps_connection: bool) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_SECONDS)
        self._keeps_connection = keeps_connection

    def __call__(self) -> str:
        """Place an order and give its id. Raise LookupError with any other answer, OSError and HTTPException."""
        try:
            self._connection.request("POST", "/v1/orders", json.dumps(ORDER), {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        if not self._keeps_connection:
            self._connection.close()
        if answer.status != http.client.CREATED:
            raise LookupError(f"{answer.status} {body.decode()}")
        order_id: str = json.loads(body)["id"]
        return order_id
