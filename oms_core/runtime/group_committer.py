"""Group commit: concurrent requests of one process share transactions, so a hot product costs one lock per batch."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from oms_core.errors import OmsError
from oms_core.runtime.drain_rate import DrainRate

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

_CLOSE_TIMEOUT_SECONDS = 30.0


class _Ticket(Generic[Item, Outcome]):
    """One request's hand-in: a closed gate until its outcome, or the error that met its batch, is there."""

    __slots__ = ("error", "gate", "item", "outcome")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.gate = threading.Lock()
        self.gate.acquire()
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None


class GroupCommitter(Generic[Item, Outcome]):
    """Commits whatever has gathered while the last commit ran; no timer, so an idle service adds no delay.

    `commit` gets up to `batch_max` items in order of arrival and gives one outcome each. At most `waiting_max` requests
    wait at a time (None: no bound): a further one is refused with `overloaded`. The thread starts with the first item,
    and anew in a forked child.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[Outcome]],
        *,
        batch_max: int,
        waiting_max: int | None,
    ) -> None:
        self._commit = commit
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._closed = False
        self._beginning = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._waiting: deque[_Ticket[Item, Outcome]] = deque()
        self._taken = 0
        self._drain = DrainRate()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._process_id = os.getpid()  # Last, for whoever sees it goes by what stands above.

    def _begin_in_child(self) -> None:
        """Begin anew after a fork: the parent's thread is not here, and its lock may have been copied as held."""
        if self._process_id != os.getpid():
            with self._beginning:
                if self._process_id != os.getpid():
                    self._begin()

    def submit(self, item: Item) -> Outcome:
        """Hand an item in and wait for its outcome. Raises `overloaded`, or what met its batch."""
        self._begin_in_child()
        ticket: _Ticket[Item, Outcome] = _Ticket(item)
        with self._changed:
            self._admit(ticket)
        ticket.gate.acquire()
        if ticket.error is not None:
            raise ticket.error
        return ticket.outcome  # type: ignore[return-value]  # Set whenever error is not.

    def close(self) -> None:
        """Commit what has gathered, then end the thread; a further item is refused."""
        self._begin_in_child()
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT_SECONDS)

    def _admit(self, ticket: _Ticket[Item, Outcome]) -> None:
        if self._closed:
            raise OmsError("overloaded", "the service is stopping", retry_after_seconds=1)
        ahead = len(self._waiting) + self._taken
        if self._waiting_max is not None and ahead >= self._waiting_max:
            seconds = self._drain.retry_after_seconds(ahead)
            raise OmsError("overloaded", "too many orders are being placed at once", retry_after_seconds=seconds)
        self._waiting.append(ticket)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="oms-group-committer", daemon=True)
            self._thread.start()
        self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch_max))]
                self._taken = len(batch)
            if not batch:
                return
            self._settle(batch)

    def _settle(self, batch: Sequence[_Ticket[Item, Outcome]]) -> None:
        try:
            outcomes = self._commit([ticket.item for ticket in batch])
            for ticket, outcome in zip(batch, outcomes, strict=True):
                ticket.outcome = outcome
        except BaseException as error:  # noqa: BLE001  Whatever it is, the waiting requests must hear of it.
            for ticket in batch:
                ticket.error = error
        with self._changed:
            self._drain.count(len(batch))
        self._taken = 0  # Before they are woken: who is served may come again at once, and must not count twice.
        for ticket in batch:
            ticket.gate.release()
