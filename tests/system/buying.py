"""Buyers in threads and processes: what each of them does, and what they may have got together."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier
from typing import Any

from oms_contracts.concurrency import run_together

from oms_core import ALL_SCOPES, Caller, Oms, OmsError, OrderLine, PlaceOrder, Settings

PROCESSES = 4
THREADS = 16
UNITS = 500
SKU = "HOT"
DEADLINE_SECONDS = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What one thread got: the ids of its orders, and the code and figures of the refusal that ended it."""

    order_ids: Sequence[str]
    refusal: tuple[str, object]


def buy_until_refused(oms: Oms, caller: Caller) -> Bought:
    """Buy one unit after another until an order is refused."""
    order_ids: list[str] = []
    while True:
        order = PlaceOrder(customer_id=caller.name, lines=[OrderLine(sku=SKU, quantity=1)])
        try:
            order_ids.append(str(oms.orders.place(order, caller=caller).order.id))
        except OmsError as error:
            return Bought(order_ids=order_ids, refusal=(error.code, dict(error.data)))


def buy_in_process(url: str, number: int, begin: Barrier, answers: Any) -> None:
    """Be one process: open the system, wait for the others, and buy in sixteen threads."""
    with Oms.open(Settings(database_url=url, storage_deadline_seconds=60)) as oms:
        callers = [Caller(name=f"buyer-{number}-{thread}", scopes=ALL_SCOPES) for thread in range(THREADS)]
        oms.stock.get(SKU, caller=callers[0])
        begin.wait(DEADLINE_SECONDS)
        for bought in run_together([partial(buy_until_refused, oms, caller) for caller in callers]):
            answers.put(bought)


def buy_in_processes(url: str, meanwhile: Callable[[], object]) -> list[Bought]:
    """Let four processes buy at once, and do something over and over until they are done."""
    context = multiprocessing.get_context("spawn")
    answers, begin = context.Queue(), context.Barrier(PROCESSES + 1)
    processes = [context.Process(target=buy_in_process, args=(url, n, begin, answers)) for n in range(PROCESSES)]
    with started(processes):
        begin.wait(DEADLINE_SECONDS)
        bought: list[Bought] = []
        while len(bought) < PROCESSES * THREADS:
            assert not any(process.exitcode for process in processes), "a process died"
            meanwhile()
            while not answers.empty():
                bought.append(answers.get(timeout=DEADLINE_SECONDS))
        return bought


@contextmanager
def started(processes: Sequence[Any]) -> Iterator[None]:
    """Start processes, and insist that they end well; after a failure, end them."""
    for process in processes:
        process.start()
    try:
        yield
        for process in processes:
            process.join(DEADLINE_SECONDS)
            assert process.exitcode == 0, f"{process.name} ended with {process.exitcode}"
    finally:
        for process in processes:
            process.kill()
            process.join()


def check_exactly_sold(units: int, bought: Sequence[Bought], *, available: int) -> None:
    """Insist that the units were sold once, and that everybody was refused with the figures when none was left."""
    order_ids = [order_id for each in bought for order_id in each.order_ids]
    figures = {"shortages": [{"sku": SKU, "requested": 1, "available": 0}]}
    assert len(order_ids) == len(set(order_ids)) == units
    assert [each.refusal for each in bought] == [("insufficient_inventory", figures)] * len(bought)
    assert available == 0
