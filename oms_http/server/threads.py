"""The threads that run the application, and the bound on what may wait for them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any

from oms_core.errors import OmsError
from oms_core.runtime.background_thread import start_threads
from oms_http.server.answers import Answer

_log = logging.getLogger(__name__)


class RequestThreads:
    """Threads fed by one queue, as many as asked for where the system gives them; at most `in_flight_max` requests run
    or wait.

    A SimpleQueue and one future per request cost less than an executor, and less than handing each request to the
    thread that was idle last. `answer` must not raise. A thread rests `rest_seconds` after each answer. All methods
    but `put` belong to the event loop's thread.
    """

    def __init__(
        self,
        answer: Callable[[dict[str, Any]], Answer],
        *,
        name: str,
        threads: int,
        in_flight_max: int,
        loop: asyncio.AbstractEventLoop,
        rest_seconds: float = 0.0,
    ) -> None:
        self._answer = answer
        self._rest_seconds = rest_seconds
        self._loop = loop
        self._in_flight = 0
        self._in_flight_max = in_flight_max
        self._queue: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._threads = start_threads(self._work, threads, name=name)
        if not self._threads:
            raise OmsError("overloaded", f"{name}: not one thread can start")

    @property
    def in_flight(self) -> int:
        """How many requests run or wait."""
        return self._in_flight

    @property
    def full(self) -> bool:
        """Return whether a further request has to be refused."""
        return self._in_flight >= self._in_flight_max

    async def answer(self, environ: dict[str, Any]) -> Answer:
        """Return the application's answer, worked out on one of the threads."""
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._in_flight += 1
        self.begin(future, environ)
        try:
            return await future
        finally:
            self._in_flight -= 1

    def begin(self, future: asyncio.Future[Answer], environ: dict[str, Any]) -> None:
        """Have one of the threads work out an answer for somebody who waits for it already."""
        self.put(partial(self._answer_to, future, environ))

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Return what work gives that may wait, and does not raise, done on one of the threads."""
        future: asyncio.Future[Answer] = self._loop.create_future()
        self.put(lambda: self._loop.call_soon_threadsafe(_set, future, work()))
        return await future

    def put(self, work: Callable[[], object]) -> None:
        """Have one of the threads do work that must not raise; any thread may ask for it."""
        self._queue.put(work)

    def close(self, *, timeout_seconds: float) -> None:
        """Let the threads finish what was handed in, also for clients that are gone, and end them."""
        for _ in self._threads:
            self._queue.put(None)
        deadline = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        unfinished = sum(thread.is_alive() for thread in self._threads)
        if unfinished:
            _log.warning("%d threads were still busy when the process stopped", unfinished)

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
            if self._rest_seconds:
                time.sleep(self._rest_seconds)

    def _answer_to(self, future: asyncio.Future[Answer], environ: dict[str, Any]) -> None:
        self._loop.call_soon_threadsafe(_set, future, self._answer(environ))


class OnTheLoop:
    """Answers on the event loop itself, which then waits: for what takes no longer than to hand it to a thread."""

    full = False

    def __init__(self, answer: Callable[[dict[str, Any]], Answer]) -> None:
        self._answer = answer

    async def answer(self, environ: dict[str, Any]) -> Answer:
        """Return the application's answer at once."""
        return self._answer(environ)

    def close(self, *, timeout_seconds: float) -> None:
        """Do nothing: nothing is ever under way."""


def _set(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)
