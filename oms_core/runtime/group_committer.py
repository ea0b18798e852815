"""Group commit: concurrent requests of one process share transactions, so they lock a product in demand only once."""

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
    """The item of one request. `ready` is locked until the outcome is there, or the error of its batch."""

    __slots__ = ("error", "item", "outcome", "ready")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.ready = threading.Lock()
        self.ready.acquire()
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None


class GroupCommitter(Generic[Item, Outcome]):
    """Commits the items that came while the last commit ran. There is no timer, so an idle service adds no delay.

    `commit` gets up to `batch_max` items in order of arrival, and returns one outcome each. At most `waiting_max`
    requests wait at a time (None: no bound); a further one is refused with `overloaded`. One that no commit has taken
    after `waiting_seconds_max` (None: no bound) is refused with `storage_unavailable`; a commit bounds its own time.
    The thread starts with the first item, also in a forked child.
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
        """Have an item committed, and return its outcome.

        Raise `overloaded`, `storage_unavailable`, or the error of its batch.
        """
        ticket: _Ticket[Item, Outcome] = _Ticket(item)
        with self._changed:
            self._admit(ticket)
        if not ticket.ready.acquire(timeout=self._waiting_seconds_max):
            self._withdraw(ticket)
            ticket.ready.acquire()
        if ticket.error is not None:
            raise ticket.error
        return ticket.outcome  # type: ignore[return-value]  # Set whenever error is not.

    def close(self) -> None:
        """Commit the items that wait, then end the thread; a further item is refused."""
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
        self._thread.start()  # First: else a request could wait for a thread that could not start.
        self._waiting.append(ticket)
        self._changed.notify()

    def _withdraw(self, ticket: _Ticket[Item, Outcome]) -> None:
        """Refuse an item that has waited too long, unless a commit has taken it and will bring its outcome."""
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
        except BaseException as error:  # noqa: BLE001  Whatever it is, each waiting request raises it.
            for ticket in batch:
                ticket.error = error
        with self._changed:
            self._drain.count(len(batch))
        self._taken = 0  # Before they are woken: a request that follows at once must not be counted twice.
        for ticket in batch:
            ticket.ready.release()
