"""Two batches at a time: one is read and decided while the one before it is being written."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial

from oms_core.ports.queue_storage import WaitForTurn, at_once
from oms_core.runtime.thread_pool import thread_pool

LANES = 2

_TURN_SECONDS_MAX = 1.0

Work = Callable[[WaitForTurn], object]


def run_in_turn(works: Iterable[Work], *, done: Callable[[], None]) -> None:
    """Do works in LANES threads, and hear on this thread, in their order, that one after the other is `done`.

    Each work is given what waits for the work before it, whether that succeeds or fails, a second at most: the order
    is worth that much and no more, since other workers keep none. The next work is asked for when a lane is free. What
    a work raises is raised here once every work that was begun has ended; those after it are not heard of.
    """
    begun: deque[Future[object]] = deque()
    wait_for_turn: WaitForTurn = at_once
    with thread_pool(LANES, name="oms-lane") as threads:
        for work in works:
            ended = threading.Event()
            begun.append(threads.submit(partial(_run, work, wait_for_turn, ended)))
            wait_for_turn = partial(ended.wait, _TURN_SECONDS_MAX)
            if len(begun) == LANES:
                _hear_of(begun, done)
        while begun:
            _hear_of(begun, done)


def _run(work: Work, wait_for_turn: WaitForTurn, ended: threading.Event) -> object:
    try:
        return work(wait_for_turn)
    finally:
        ended.set()


def _hear_of(begun: deque[Future[object]], done: Callable[[], None]) -> None:
    begun.popleft().result()
    done()
