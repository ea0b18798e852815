"""Buyers in processes of their own, each with many threads, who buy one product until there is none left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.order_races import buy_until_refused
from oms_contracts.storage_contract.shop import Shop, new_shop

from oms_core import Settings
from oms_core.bootstrap import open_ports
from oms_core.domain.orders.placement import Refused

PROCESSES = 4
THREADS = 16


@contextmanager
def begin_buying(url: str, sku: str) -> Iterator[list[Future[Counter[str]]]]:
    """Begin to buy; each process counts what its threads were told, the refusals by their code."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        yield [pool.submit(buy, url, sku, seed) for seed in range(1, PROCESSES + 1)]


def buy(url: str, sku: str, seed: int) -> Counter[str]:
    """Buy in one process."""
    storage = open_ports(Settings(database_url=url, storage_deadline_seconds=60)).storage
    shops: list[Shop] = [new_shop(storage, seed=seed * 1_000 + number) for number in range(THREADS)]
    told = run_together([partial(buy_until_refused, shop, sku) for shop in shops])
    storage.close()
    return Counter(
        outcome.error.code if isinstance(outcome, Refused) else "placed" for outcomes in told for outcome in outcomes
    )
