"""A few threads that work for one block of code; its own thread does the work where the system has none to give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TypeVar

from oms_core.runtime.background_thread import start_threads

Result = TypeVar("Result")


class ThreadPool:
    """Begins works in the order in which one thread hands them in."""

    def __init__(self, threads: int, *, name: str) -> None:
        """Start `threads` threads, or as many as the system has to give: fewer works are then under way at a time."""
        self._works: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = start_threads(self._work, threads, name=name)

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Have a work done; without any thread, do it now. `result` of the future raises the error of the work."""
        future: Future[Result] = Future()
        if self._threads:
            self._works.put(lambda: _do(work, future))
        else:
            _do(work, future)
        return future

    def close(self) -> None:
        """Wait until all works are done, and the threads have ended."""
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
    except BaseException as error:  # noqa: BLE001  It is raised where the result is asked for.
        future.set_exception(error)


@contextmanager
def thread_pool(threads: int, *, name: str) -> Iterator[ThreadPool]:
    """Lend threads to a block of code. The block ends when all works are done."""
    pool = ThreadPool(threads, name=name)
    try:
        yield pool
    finally:
        pool.close()
