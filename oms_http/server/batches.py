"""Which requests are answered in batches, and what becomes of them when their thread does not come round."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from oms_core.errors import OmsError
from oms_http.server.answers import Answer, WsgiRunner
from oms_http.server.batch_thread import Answered, BatchThread, Call
from oms_http.server.threads import RequestThreads

STALL_SECONDS = 0.5
RENEW_SECONDS = 5.0
# The bridge looks at what the application has set in such an environ; those of a batch are copies.
HEAD_ONLY = "oms.head_only"

_log = logging.getLogger(__name__)


class RequestBatches:
    """Answers requests on one thread that takes all that wait; those that do not join go to `threads`.

    A batch that is being written for long holds up nobody else: who waits then goes to the threads. A thread whose
    request does not come back before it hands in is given up: the others of its batch are answered by the threads, and
    a new thread takes what comes. All methods belong to the event loop's thread.
    """

    def __init__(
        self,
        runner: WsgiRunner,
        *,
        joins: Callable[[Mapping[str, Any]], bool],
        threads: RequestThreads,
        in_flight_max: int,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._runner = runner
        self._joins = joins
        self._threads = threads
        self._in_flight = 0
        self._in_flight_max = in_flight_max
        self._loop = loop
        self._turns_seen = -1
        self._is_watched = False
        self._is_stalled = False
        self._thread: BatchThread | None = None
        self._renew()

    @property
    def full(self) -> bool:
        """Return whether a further request has to be refused."""
        return self._in_flight + self._threads.in_flight >= self._in_flight_max

    async def answer(self, environ: dict[str, Any]) -> Answer:
        """Return the application's answer."""
        if self._thread is None or self._is_stalled or HEAD_ONLY in environ or not self._joins(environ):
            return await self._threads.answer(environ)
        call = Call(self._loop.create_future(), environ)
        self._in_flight += 1
        self._thread.put(call)
        if not self._is_watched:
            self._is_watched = True
            self._loop.call_later(STALL_SECONDS, self._watch)
        try:
            answer = await call.future
            if answer.share is None:
                return answer
            return await self._threads.run(partial(self._runner.given_room, answer, environ))
        finally:
            self._in_flight -= 1

    def close(self, *, timeout_seconds: float) -> None:
        """Let the thread finish what was handed in, and end it."""
        if self._thread is not None and not self._thread.close(timeout_seconds=timeout_seconds):
            _log.warning("a batch of requests was still under way when the process stopped")

    def _renew(self) -> None:
        self._turns_seen = -1
        try:
            self._thread = BatchThread(self._runner.answered, deliver=self._deliver, elsewhere=self._threads.put)
        except OmsError as error:
            self._thread = None
            self._loop.call_later(RENEW_SECONDS, self._renew)
            _log.warning("requests are not answered in batches for %g s: %s", RENEW_SECONDS, error.detail)

    def _deliver(self, answered: Sequence[Answered]) -> None:
        with suppress(RuntimeError):  # The loop is closed once the server has ended: nobody waits for an answer.
            self._loop.call_soon_threadsafe(_set_all, answered)

    def _watch(self) -> None:
        thread = self._thread
        self._is_watched, self._is_stalled = self._in_flight > 0 and thread is not None, False
        if thread is None or not self._is_watched:
            return
        self._loop.call_later(STALL_SECONDS, self._watch)
        turns, self._turns_seen = self._turns_seen, thread.turns
        if turns == thread.turns and not thread.is_idle:
            self._go_round(thread)

    def _go_round(self, thread: BatchThread) -> None:
        """Have the requests that wait answered by the threads."""
        calls = thread.give_up()
        if calls is None:
            calls, self._is_stalled = thread.take_waiting(), True
        else:
            _log.error("a request did not come back within %g s; %d others go on elsewhere", STALL_SECONDS, len(calls))
            self._renew()
        for call in calls:
            self._answer_elsewhere(call)

    def _answer_elsewhere(self, call: Call) -> None:
        """Have a request answered that was taken away; of one that has written, nobody will know what came of it."""
        call.given.get("oms.give_back", _nothing)()
        if call.is_written:
            _set_all([(call.future, self._runner.lost(call.environ))])
            return
        call.environ["wsgi.input"].seek(0)
        self._threads.begin(call.future, call.environ)


def _set_all(answered: Sequence[Answered]) -> None:
    for future, answer in answered:
        if not future.done():
            future.set_result(answer)


def _nothing() -> None:
    """Give nothing back: the request was taken away before it held anything."""
