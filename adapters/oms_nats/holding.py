"""What an inbox has been given and not finished yet, and the acknowledgements that the broker has not confirmed."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from oms_core.ports.broker import MessageKind
from oms_nats.pulling import Delivery


class Holdings:
    """The deliveries of one inbox, between the thread that works on them and the loop that talks to the broker.

    A delivery waits until it is taken, and is unfinished until it is finished. It is kept until the broker has
    confirmed its acknowledgement. All of that outlives a connection. Thread-safe; `wait` and `awake` are the loop's.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Delivery] = deque()
        self._unfinished: dict[MessageKind, dict[Delivery, None]] = {kind: {} for kind in MessageKind}
        self._finished: dict[Delivery, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waking = asyncio.Event()
        self.is_stopping = False

    def put(self, delivery: Delivery) -> None:
        """Let a delivery wait."""
        with self._changed:
            self._unfinished[delivery.kind][delivery] = None
            self._waiting.append(delivery)
            self._changed.notify()

    def take(self, limit: int, timeout_seconds: float) -> list[Delivery]:
        """Wait for deliveries, and take those that are there, the oldest first."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, timeout_seconds)
            return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    def holds(self, delivery: Delivery) -> bool:
        """Return whether a delivery is unfinished here."""
        return delivery in self._unfinished[delivery.kind]

    def finish(self, deliveries: Iterable[Delivery]) -> None:
        """Have the unfinished ones among these acknowledged."""
        with self._changed:
            for delivery in deliveries:
                if self._unfinished[delivery.kind].pop(delivery, self) is None:
                    self._finished[delivery] = None
            self._wake()

    def unfinished(self, kind: MessageKind) -> list[Delivery]:
        """Return what is unfinished, in the order of delivery."""
        with self._changed:
            return list(self._unfinished[kind])

    def finished(self) -> list[Delivery]:
        """Return those whose acknowledgement is not confirmed."""
        with self._changed:
            return list(self._finished)

    def forget(self, delivery: Delivery) -> None:
        """Keep a finished delivery no longer."""
        with self._changed:
            self._finished.pop(delivery, None)

    def stop(self) -> None:
        """Let the loop end its work."""
        with self._changed:
            self.is_stopping = True
            self._wake()

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Let the running loop hear of changes within the block."""
        with self._changed:
            self._loop, self._waking = asyncio.get_running_loop(), asyncio.Event()
        try:
            yield
        finally:
            with self._changed:
                self._loop = None

    def wake(self) -> None:
        """End a `wait` of the loop. To be called on it."""
        self._waking.set()

    async def wait(self, seconds: float) -> None:
        """Wait until something is finished, the work is to end, or the time is over."""
        if not self.is_stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._waking.wait(), seconds)
        self._waking.clear()

    async def pause(self, seconds: float) -> None:
        """Wait until the work is to end, or the time is over."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not self.is_stopping and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await self.wait(left)

    def _wake(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._waking.set)
