"""What a look at one thing costs in a database that has grown, beside one that is new: medians, taken in turns."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from uuid import UUID

from oms_core import Settings
from oms_core.bootstrap import open_ports
from oms_core.domain.orders.order import OrderFilter
from oms_core.domain.orders.placement import Placed
from oms_core.ports.storage import Storage
from tests.bench.bench_placing import decide, prepared
from tests.bench.checkouts import SKUS
from tests.services.postgresql import connected

PAGE = 50
LOOKS = 200
AN_HOUR = 3_600.0
# The first key behind a random place of the index, and its order.
KEYED = "SELECT order_id::text, idempotency_key FROM order_keys WHERE idempotency_key > %s ORDER BY 2 LIMIT 1"


def look_seconds(grown: str, new: str) -> dict[str, tuple[float, float]]:
    """Look at each thing in both by turns; the median seconds in the grown one, and in the new one."""
    with ExitStack() as ending:
        looks = [
            looks_of(ending.enter_context(closing(open_ports(Settings(database_url=url)).storage)), keyed(url))
            for url in (grown, new)
        ]
        return {name: medians([each[name] for each in looks]) for name in looks[0]}


def keyed(url: str) -> Sequence[tuple[UUID, str]]:
    """Choose orders with their keys."""
    found = []
    with connected(url) as connection, connection.cursor() as cursor:
        for _ in range(LOOKS):
            cursor.execute(KEYED, (f"{random.getrandbits(60):x}",))
            if row := cursor.fetchone():
                found.append((UUID(row[0]), row[1]))
    return found


def looks_of(storage: Storage, orders: Sequence[tuple[UUID, str]]) -> Mapping[str, Callable[[], object]]:
    """List what is looked at: each call takes another order."""
    ids, keys = (iter(each * 2) for each in zip(*orders, strict=True))

    def order() -> object:
        return storage.orders.get(next(ids), owner=None)

    def key() -> object:
        placement = prepared(hot=False, skus=SKUS)
        command = replace(placement.command, idempotency_key=next(keys))
        (outcome,) = storage.orders.place([replace(placement, command=command)], decide)
        if isinstance(outcome, Placed):
            raise TypeError("an order was placed under a key that was taken")
        return outcome

    return {
        "a key": key,
        "an order": order,
        "a page": partial(storage.orders.find, OrderFilter(), after=None, limit=PAGE),
        "the queue's head": partial(storage.queue.sweep, older_than_seconds=AN_HOUR, limit=PAGE, lease_seconds=AN_HOUR),
    }


def medians(looks: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """Take turns; the median seconds of either."""
    grown, new = zip(*(tuple(seconds_of(look) for look in looks) for _ in range(LOOKS)), strict=True)
    return statistics.median(grown), statistics.median(new)


def seconds_of(work: Callable[[], object]) -> float:
    """Time it."""
    began_at = time.perf_counter()
    work()
    return time.perf_counter() - began_at
