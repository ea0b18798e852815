"""Group commit: concurrent requests of one process share transactions, so a hot product costs one lock per batch."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from oms_core.errors import OmsError
from oms_core.runtime.background_thread import BackgroundThread
from oms_core.runtime.drain_rate import DrainRate
from oms_core.runtime.forks import begin_in_each_process

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
    wait at a time (None: no bound): a further one is refused with `overloaded`. One that no commit has taken after
    `waiting_seconds_max` (None: no bound) is given back with `storage_unavailable`; from then on `commit` has a
    deadline of its own. The thread starts with the first item, and anew in a forked child.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[Outcome]],
        *,
        batch_max: int,
        waiting_max: int | None,
        waiting_seconds_max: float | None = None,
    ) -> None:
        self._commit = commit
        self._waiting_seconds_max = -1.0 if waiting_seconds_max is None else waiting_seconds_max
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._closed = False
        self._thread = BackgroundThread(self._run, name="oms-group-committer")
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._waiting: deque[_Ticket[Item, Outcome]] = deque()
        self._taken = 0
        self._drain = DrainRate()
        self._changed = threading.Condition()

    def submit(self, item: Item) -> Outcome:
        """Hand an item in and wait for its outcome.

        Raises `overloaded`, `storage_unavailable`, or what met its batch.
        """
        ticket: _Ticket[Item, Outcome] = _Ticket(item)
        with self._changed:
            self._admit(ticket)
        if not ticket.gate.acquire(timeout=self._waiting_seconds_max):
            self._give_back(ticket)
            ticket.gate.acquire()
        if ticket.error is not None:
            raise ticket.error
        return ticket.outcome  # type: ignore[return-value]  # Set whenever error is not.

    def close(self) -> None:
        """Commit what has gathered, then end the thread; a further item is refused."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(_CLOSE_TIMEOUT_SECONDS)

    def _admit(self, ticket: _Ticket[Item, Outcome]) -> None:
        if self._closed:
            raise OmsError("overloaded", "the service is stopping", retry_after_seconds=1)
        ahead = len(self._waiting) + self._taken
        if self._waiting_max is not None and ahead >= self._waiting_max:
            seconds = self._drain.retry_after_seconds(ahead)
            raise OmsError("overloaded", "too many orders are being placed at once", retry_after_seconds=seconds)
        self._thread.start()  # First: nobody may wait for a thread that is not there.
        self._waiting.append(ticket)
        self._changed.notify()

    def _give_back(self, ticket: _Ticket[Item, Outcome]) -> None:
        """Refuse what has waited long enough, unless a commit has taken it: its outcome is on the way."""
        with self._changed:
            if ticket not in self._waiting:
                return
            self._waiting.remove(ticket)
        detail = "the commits before this one took too long"
        raise OmsError("storage_unavailable", detail, retry_after_seconds=1)

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
