"""A connection for callers on threads: its event loop has a thread of its own, so that it lives while nobody calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import Any, TypeVar

from oms_core.runtime.background_thread import start_thread
from oms_core.runtime.forks import begin_in_children
from oms_nats.addresses import Address
from oms_nats.connections import ANSWER_SECONDS, OPENING_SECONDS, Connection, connect
from oms_nats.faults import unavailable
from oms_nats.topology import Names, declare

T = TypeVar("T")

Question = Callable[[Connection], Coroutine[Any, Any, T]]

_LOOP_SECONDS = 0.5  # What a loop that is itself starved of CPU may take beyond the bound that it keeps.
_CLOSING_SECONDS = 2.0


class Link:
    """An open connection and the thread of its loop. For one thread at a time, within the process that made it."""

    def __init__(self, role: str) -> None:
        """Start the thread. Raise `overloaded` when the system has none to give."""
        self._loop = asyncio.SelectorEventLoop()
        self._ending = asyncio.Event()
        self._connection: Connection | None = None
        try:
            self._thread = start_thread(self._run, name=f"oms-nats-{role.replace(' ', '-')}")
        except BaseException:
            self._loop.close()
            raise

    @property
    def fault(self) -> str | None:
        """Why the connection was lost; None as long as it is open."""
        return self._connection.fault if self._connection is not None else "it was not opened"

    @property
    def message_bytes_max(self) -> int:
        """The server's bound on a message with its headers."""
        return self._connection.client.max_payload if self._connection is not None else 0

    def open(self, address: Address, names: Names | None, role: str, first: int) -> None:
        """Connect, and declare what is missing if there are names. Raise `queue_unavailable` within three seconds."""
        self._wait(self._open(address, names, role, first), OPENING_SECONDS + ANSWER_SECONDS)

    def ask(self, question: Question[T], seconds: float = ANSWER_SECONDS) -> T:
        """Ask over the connection. Raise `queue_unavailable` at a fault, a refusal or the timeout."""
        connection = self._connection
        if connection is None or connection.fault is not None:
            raise unavailable(self.fault or "it was not opened")
        return self._wait(connection.answered(question(connection), seconds), seconds)

    def close(self) -> None:
        """Close the connection, which takes a second at most, and end the thread."""
        with suppress(RuntimeError):  # The loop has ended.
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(_CLOSING_SECONDS)

    async def _open(self, address: Address, names: Names | None, role: str, first: int) -> None:
        connection = self._connection = await connect(address, role, first)
        if names is not None:
            await connection.answered(
                declare(connection.jetstream, names, replicas=address.replicas, in_cluster=connection.in_cluster)
            )

    def _wait(self, question: Coroutine[Any, Any, T], seconds: float) -> T:
        try:
            asking = asyncio.run_coroutine_threadsafe(question, self._loop)
        except RuntimeError:
            question.close()
            raise unavailable("the connection was lost") from None
        try:
            return asking.result(seconds + _LOOP_SECONDS)
        except FutureTimeoutError:
            asking.cancel()
            raise unavailable(f"no answer within {seconds:g} seconds") from None

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        await self._ending.wait()
        if self._connection is not None:
            await self._connection.close()


class Line:
    """A link that is opened when it is needed, and again after a fault or a fork. For one thread at a time."""

    def __init__(self, address: Address, role: str, names: Names | None = None) -> None:
        """`names` are what is declared at each opening."""
        self._address = address
        self._role = role
        self._names = names
        self._openings = 0
        self._link: Link | None = None
        self._inherited: list[Link] = []
        begin_in_children(self._begin)

    def _begin(self) -> None:
        # A child must not close its parent's connection, nor let its loop be collected, which would do that.
        if self._link is not None:
            self._inherited.append(self._link)
        self._link = None

    def current(self) -> Link | None:
        """Return the open link; None when there is none."""
        if self._link is not None and self._link.fault is not None:
            self.drop()
        return self._link

    def open(self) -> Link:
        """Open a new link in place of any other, at another server if there are several.

        Raise `queue_unavailable` within three seconds, `overloaded` when no thread can start.
        """
        self.drop()
        link = Link(self._role)
        try:
            link.open(self._address, self._names, self._role, self._openings)
        except BaseException:
            self._openings += 1
            link.close()
            raise
        self._link = link
        return link

    def drop(self) -> None:
        """Close the link."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    close = drop
