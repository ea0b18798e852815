"""A few threads for a few works at a time, and the caller's own thread where the system has none to give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TypeVar

from oms_core.runtime.background_thread import start_threads

Result = TypeVar("Result")


class ThreadPool:
    """Does works in the order in which they are handed in. Not for several threads to hand works in."""

    def __init__(self, threads: int, *, name: str) -> None:
        """Start up to so many threads; where fewer are to be had, fewer works are under way at a time."""
        self._works: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = start_threads(self._work, threads, name=name)

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Hand a work in; without a thread it is done here and now. `result` of the future raises what it raises."""
        future: Future[Result] = Future()
        if self._threads:
            self._works.put(lambda: _do(work, future))
        else:
            _do(work, future)
        return future

    def close(self) -> None:
        """Wait for all that was handed in, and for the end of the threads."""
        for _ in self._threads:
            self._works.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (work := self._works.get()) is not None:
            work()


def _do(work: Callable[[], Result], future: Future[Result]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001  Whoever waits for the result hears of it.
        future.set_exception(error)


@contextmanager
def thread_pool(threads: int, *, name: str) -> Iterator[ThreadPool]:
    """Lend threads for the time of a block, which ends when all that was handed in is done."""
    pool = ThreadPool(threads, name=name)
    try:
        yield pool
    finally:
        pool.close()
