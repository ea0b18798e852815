"""One thread that answers many requests at once: each runs in a greenlet up to where it hands its order in."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

from greenlet import getcurrent, greenlet

from oms_core.domain.orders.placement import Placement, PlacementOutcome
from oms_core.runtime.background_thread import start_thread
from oms_core.runtime.call_batches import PlaceMany, join_batch
from oms_http.server.answers import AbandonedError, Answer

CALLS_MAX = 500

Result = TypeVar("Result")
Answered = tuple[asyncio.Future[Answer], Answer]


class Call:
    """One request. `environ` stays as it came, so that the request can be answered anew by another thread.

    `given` is the environ that the application has got. `greenlet` is what runs it, once it has begun; `wakes` gives
    that what it waits for, or raises. After `is_written` its order may be there; after `is_taken` it is answered
    elsewhere.
    """

    __slots__ = ("environ", "future", "given", "greenlet", "is_taken", "is_written", "wakes")

    def __init__(self, future: asyncio.Future[Answer], environ: dict[str, Any]) -> None:
        self.future = future
        self.environ = environ
        self.given: dict[str, Any] = {}
        self.greenlet: greenlet | None = None
        self.wakes: Callable[[], object] | None = None
        self.is_written = False
        self.is_taken = False


class BatchThread:
    """Answers the requests that wait, up to 500 together, and has the orders that they hand in written together.

    It is the CallBatch of its requests. `answer` must not raise, and changes the environ that it gets. `deliver` gets
    the answers that are there at once, some perhaps twice; `elsewhere` runs a function on another thread. The other
    methods are for the one thread that puts requests in; `turns` grows as long as this one comes round.
    """

    def __init__(
        self,
        answer: Callable[[dict[str, Any]], Answer],
        *,
        deliver: Callable[[Sequence[Answered]], object],
        elsewhere: Callable[[Callable[[], object]], object],
    ) -> None:
        self.turns = 0
        self._answer = answer
        self._deliver = deliver
        self._elsewhere = elsewhere
        self._inbox: SimpleQueue[Call | None] = SimpleQueue()
        self._under_way: dict[Call, None] = {}
        self._handed_in: dict[PlaceMany, list[tuple[Call, Placement]]] = {}
        self._answered: list[Answered] = []
        self._resting: list[greenlet] = []
        self._running: Call | None = None
        self._claim = threading.Lock()  # Held by who decides whether a request goes on, is written, or taken away.
        self._is_given_up = False
        self._is_closing = False
        self._is_idle = True
        self._thread = start_thread(self._work, name="oms-http-batches")

    @property
    def is_idle(self) -> bool:
        """Return whether it waits for requests, or for another thread."""
        return self._is_idle

    def put(self, call: Call) -> None:
        """Have a request answered."""
        self._inbox.put(call)

    def close(self, *, timeout_seconds: float) -> bool:
        """Answer what was put in, then end. Return whether that is done in time."""
        self._inbox.put(None)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def take_waiting(self) -> list[Call]:
        """Take away the requests that have not begun."""
        waiting: list[Call] = []
        for _ in range(self._inbox.qsize()):
            if (call := self._next()) is None:
                break
            if call.greenlet is None:
                waiting.append(call)
            else:
                self._inbox.put(call)
        return waiting

    def give_up(self) -> list[Call] | None:
        """Take away all requests but the one that does not come back, with which this thread ends.

        The orders of some may be written already. Return None where no request runs: a transaction bounds its own time,
        and nothing is taken away then.
        """
        with self._claim:
            running = self._running
            if running is None:
                return None
            self._is_given_up = True
            taken = [call for call in list(self._under_way) if call is not running]
            for call in taken:
                call.is_taken = True
        taken += self.take_waiting()
        self._inbox.put(None)
        self._deliver(list(self._answered))  # It is delivered again if this thread comes round, which does nothing.
        return taken

    def hand_in(self, write: PlaceMany, placement: Placement) -> PlacementOutcome:
        """Pause the request that runs until its batch is written."""
        call = self._call()
        self._handed_in.setdefault(write, []).append((call, placement))
        return cast(PlacementOutcome, self._pause(call))

    def run_elsewhere(self, work: Callable[[], Result]) -> Result:
        """Pause the request that runs until another thread has done this work."""
        call = self._call()
        self._elsewhere(partial(self._do, call, work))
        return cast(Result, self._pause(call))

    def _call(self) -> Call:
        assert self._running is not None  # noqa: S101  Only requests that run here have joined this batch.
        if self._running.is_taken:
            raise AbandonedError  # It would wait for ever.
        return self._running

    def _pause(self, call: Call) -> object:
        _hub_of(getcurrent()).switch()
        assert call.wakes is not None  # noqa: S101  It is set before the request goes on.
        return call.wakes()

    def _do(self, call: Call, work: Callable[[], object]) -> None:
        try:
            call.wakes = partial(_return, work())
        except BaseException as error:  # noqa: BLE001  Whatever it is, the request raises it.
            call.wakes = partial(_raise, error)
        self._inbox.put(call)

    def _work(self) -> None:
        while not self._is_closing or self._under_way:
            self._is_idle = True
            call = self._inbox.get()
            self._is_idle = False
            if call is None:
                self._is_closing = True
                self._abandon()
            else:
                self._answer_batch(call)
            del call  # It must not outlive its answer.
        for resting in self._resting:
            resting.throw()  # It ends in its own thread.

    def _answer_batch(self, first: Call) -> None:
        self._run(first)
        for _ in range(CALLS_MAX - 1):
            if (call := self._next() or self._next_after_the_loop()) is None:
                break
            self._run(call)
        self._tell()
        while self._handed_in:
            self._write()
        self._tell()
        self._abandon()

    def _next_after_the_loop(self) -> Call | None:
        """Let the event loop have the interpreter if it waits for it: it may have more requests at hand.

        Without that a batch is often the one request that came first, and those that came with it wait for its commit.
        """
        time.sleep(0)
        return self._next()

    def _next(self) -> Call | None:
        try:
            call = self._inbox.get_nowait()
        except Empty:
            return None
        if call is None:
            self._is_closing = True
        return call

    def _run(self, call: Call) -> None:
        """Run a request until it has answered or waits."""
        with self._claim:
            if call.is_taken:
                return
            self._running = call
        self.turns += 1
        if call.greenlet is None:
            self._under_way[call] = None
            call.greenlet = self._resting.pop() if self._resting else greenlet(self._run_calls)
        call.greenlet.switch()
        self._running = None
        self._abandon()

    def _run_calls(self) -> None:
        """Run one request after another in a greenlet, which costs more to make than to switch to.

        Requests are not handed over by `switch`: the greenlet would keep the first one as long as it lives.
        """
        join_batch(self)
        this = getcurrent()
        hub = _hub_of(this)
        while True:
            self._run_whole(self._call())
            self._resting.append(this)
            hub.switch()

    def _run_whole(self, call: Call) -> None:
        call.given = dict(call.environ)
        try:
            answer = self._answer(call.given)
            if not call.is_taken:
                self._answered.append((call.future, answer))
        except AbandonedError:
            pass
        finally:
            del self._under_way[call]

    def _abandon(self) -> None:
        """End the requests that were taken away, if any were, so that they give back what they hold."""
        if not self._is_given_up:
            return
        for call in [call for call in self._under_way if call.is_taken]:
            self._running = call
            call.wakes = _abandon
            assert call.greenlet is not None  # noqa: S101  It is under way.
            call.greenlet.switch()
        self._running = None

    def _write(self) -> None:
        handed_in, self._handed_in = self._handed_in, {}
        for write, together in handed_in.items():
            if entries := self._claimed(together):
                self._write_one(write, entries)

    def _claimed(self, handed_in: Sequence[tuple[Call, Placement]]) -> list[tuple[Call, Placement]]:
        """Return what is still to be written here; it is written elsewhere no more."""
        with self._claim:
            entries = [entry for entry in handed_in if not entry[0].is_taken]
            for call, _ in entries:
                call.is_written = True
        return entries

    def _write_one(self, write: PlaceMany, entries: Sequence[tuple[Call, Placement]]) -> None:
        try:
            outcomes = write([placement for _, placement in entries])
            for (call, _), outcome in zip(entries, outcomes, strict=True):
                call.wakes = partial(_return, outcome)
        except BaseException as error:  # noqa: BLE001  Whatever it is, each request raises it.
            for call, _ in entries:
                call.wakes = partial(_raise, error)
        for call, _ in entries:
            self._run(call)

    def _tell(self) -> None:
        if self._answered:
            answered, self._answered = self._answered, []
            self._deliver(answered)


def _hub_of(current: greenlet) -> greenlet:
    assert current.parent is not None  # noqa: S101  A request runs in a greenlet of the thread's first one.
    return current.parent


def _return(result: object) -> object:
    return result


def _raise(error: BaseException) -> object:
    raise error


def _abandon() -> object:
    raise AbandonedError
