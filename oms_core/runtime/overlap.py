"""Batches that overlap: while one waits for the database, the next computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import TypeVar

from oms_core.runtime.thread_pool import thread_pool

Item = TypeVar("Item")
Result = TypeVar("Result")


def overlapped(
    items: Iterable[Item],
    begin: Callable[[Item], Callable[[], Result]],
    *,
    at_once: int,
    follows: Callable[[Item, Item], bool],
    name: str,
) -> Generator[tuple[Item, Callable[[], Result]]]:
    """Yield the items in their order, each with what gives the result of its work, or raises its error.

    `begin` is called on this thread and gives the work of an item; up to `at_once` works are under way, in threads of
    this name. One that `follows` the one before begins when that has been yielded. Whoever does not exhaust this closes
    it, which waits for what was begun.
    """
    with thread_pool(at_once, name=name) as threads:
        under_way: deque[tuple[Item, Future[Result]]] = deque()
        for item in items:
            while under_way and (len(under_way) == at_once or follows(item, under_way[-1][0])):
                yield _first(under_way)
            under_way.append((item, threads.submit(begin(item))))
        while under_way:
            yield _first(under_way)


def _first(under_way: deque[tuple[Item, Future[Result]]]) -> tuple[Item, Callable[[], Result]]:
    """Take the first that was begun, and wait until it is done."""
    item, future = under_way.popleft()
    future.exception()
    return item, future.result
