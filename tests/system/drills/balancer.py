"""A balancer that learns late: it asks /readyz now and then, and believes the answer until it asks again."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from itertools import cycle

from tests.services.tcp import LOOPBACK, free_port
from tests.services.waiting import wait_until

ANSWER_SECONDS = 10
STARTING_SECONDS = 30
_ASK = b"GET /readyz HTTP/1.1\r\nHost: service\r\nConnection: close\r\n\r\n"


class LateBalancer:
    """Passes each connection to the next service that was ready when it was last asked. It never tries a second one."""

    def __init__(self, services: Sequence[int], *, poll_seconds: float) -> None:
        """`services` are ports of this machine."""
        self.port = free_port()
        self.ready: frozenset[int] = frozenset()
        self._services = services
        self._turns = cycle(services)
        self._poll_seconds = poll_seconds
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Serve until `stop` is called."""
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._pass_on, LOOPBACK, self.port)
        while not self._stopped.is_set():
            answers = await asyncio.gather(*map(_is_ready, self._services))
            self.ready = frozenset(port for port, ready in zip(self._services, answers, strict=True) if ready)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), self._poll_seconds)
        server.close()

    def stop(self) -> None:
        """End `run`, from another thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _pass_on(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Join a client and a service until both have nothing to say; without a service the client is hung up on."""
        with contextlib.suppress(OSError), contextlib.closing(to_client):
            port = next(port for port in self._turns if port in self.ready or not self.ready)
            service, to_service = await asyncio.open_connection(LOOPBACK, port)
            with contextlib.closing(to_service):
                await asyncio.gather(_copy(client, to_service), _copy(service, to_client))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _is_ready(port: int) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            with contextlib.closing(writer):
                writer.write(_ASK)
                return b" 200 " in await reader.readline()
    except (OSError, TimeoutError):
        return False


@contextlib.contextmanager
def balancing(services: Sequence[int], *, poll_seconds: float) -> Iterator[LateBalancer]:
    """Run a balancer on a thread; it begins once all services are ready."""
    balancer = LateBalancer(services, poll_seconds=poll_seconds)
    thread = threading.Thread(target=lambda: asyncio.run(balancer.run()), name="balancer")
    thread.start()
    try:
        wait_until(lambda: balancer.ready == {*services}, STARTING_SECONDS, "the balancer finds all services ready")
        yield balancer
    finally:
        balancer.stop()
        thread.join()
