"""A pipeline of two batches: one is read and decided while the one before it is being written."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial

from oms_core.ports.queue_storage import WaitForTurn, at_once
from oms_core.runtime.thread_pool import thread_pool

THREADS = 2

_TURN_SECONDS_MAX = 1.0

Work = Callable[[WaitForTurn], object]


def run_in_turn(works: Iterable[Work], *, done: Callable[[], None]) -> None:
    """Do works on THREADS threads; call `done` on this thread after each, in the order of the works.

    A work gets a function that waits until the work before it has ended, well or badly. It waits a second at most:
    other workers keep no order either, so ours is worth no more. The next work is taken when a thread is free. The
    error of a work is raised here once all works that were begun have ended. `done` is not called for it, nor after it.
    """
    begun: deque[Future[object]] = deque()
    wait_for_turn: WaitForTurn = at_once
    with thread_pool(THREADS, name="oms-pipeline") as threads:
        for work in works:
            ended = threading.Event()
            begun.append(threads.submit(partial(_run, work, wait_for_turn, ended)))
            wait_for_turn = partial(ended.wait, _TURN_SECONDS_MAX)
            if len(begun) == THREADS:
                _await_first(begun, done)
        while begun:
            _await_first(begun, done)


def _run(work: Work, wait_for_turn: WaitForTurn, ended: threading.Event) -> object:
    try:
        return work(wait_for_turn)
    finally:
        ended.set()


def _await_first(begun: deque[Future[object]], done: Callable[[], None]) -> None:
    begun.popleft().result()
    done()
