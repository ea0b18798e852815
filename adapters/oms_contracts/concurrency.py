"""Threads for tests: started together, or let in at a named point; what they raise is not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")

DEADLINE_SECONDS = 120.0
GIVE_WAY_SECONDS = 0.3


def run_together(works: Sequence[Callable[[], T]]) -> list[T]:
    """Run each piece of work on a thread of its own, all begun at once; give the results in the order of `works`.

    What one raises is raised here. Raises TimeoutError when one is not done within two minutes.
    """
    gate = threading.Barrier(len(works))

    def begin(work: Callable[[], T]) -> T:
        gate.wait(DEADLINE_SECONDS)
        return work()

    pool = ThreadPoolExecutor(len(works))
    try:
        futures = [pool.submit(begin, work) for work in works]
        return [future.result(DEADLINE_SECONDS) for future in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class Rival(Generic[T]):
    """A piece of work that another thread does at a point of the test's choosing: inside a `decide`, mostly.

    `let_in` begins it, once, and gives it 0.3 seconds to finish: where nothing keeps it out, it has finished by then;
    where a lock does, it finishes after the lock was let go of. Either is right, if the outcome is.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._future: Future[T] = Future()
        self._thread: threading.Thread | None = None

    def let_in(self) -> None:
        """Begin the work, unless it has begun, and give it the chance to finish first."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rival", daemon=True)
            self._thread.start()
            self._thread.join(GIVE_WAY_SECONDS)

    def outcome(self) -> T:
        """Wait for the work, and give its result or raise what it raised."""
        assert self._thread is not None, "the rival was never let in"
        return self._future.result(DEADLINE_SECONDS)

    def _run(self) -> None:
        try:
            self._future.set_result(self._work())
        except BaseException as error:  # noqa: BLE001  It is raised where the outcome is asked for.
            self._future.set_exception(error)
