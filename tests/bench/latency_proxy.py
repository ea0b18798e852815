"""A TCP proxy in front of a database, in a process of its own, which makes it slow, per answer and per byte."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from urllib.parse import urlsplit, urlunsplit

from tests.services.tcp import LOOPBACK

CHUNK_BYTES = 65_536
STANDARD_PORT = 5432


class LatencyProxy:
    """A running proxy; `url` leads through it.

    `set_pace` takes the seconds that each answer is held back, and the bytes a second that all connections together may
    send to the database, one after another as a busy one would take them (0: as many as come).
    """

    def __init__(self, url: str, pipe: Connection) -> None:
        self._pipe = pipe
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")[0]
        netloc = f"{user}@{LOOPBACK}:{pipe.recv()}"
        self.url = urlunsplit(parts._replace(netloc=netloc, query="sslmode=disable&gssencmode=disable"))

    def set_pace(self, *, answer_seconds: float, bytes_per_second: float) -> None:
        """Change the pace; it holds when this returns."""
        self._pipe.send((answer_seconds, bytes_per_second))
        self._pipe.recv()


@contextmanager
def latency_proxy(url: str) -> Iterator[LatencyProxy]:
    """Run a proxy in front of the PostgreSQL of `url`, at first without any delay."""
    fresh = multiprocessing.get_context("spawn")
    ours, theirs = fresh.Pipe()
    parts = urlsplit(url)
    process = fresh.Process(
        target=_run, args=(parts.hostname or LOOPBACK, parts.port or STANDARD_PORT, theirs), daemon=True
    )
    process.start()
    try:
        yield LatencyProxy(url, ours)
    finally:
        process.terminate()
        process.join()


def _run(host: str, port: int, pipe: Connection) -> None:
    asyncio.run(_Pacer(host, port, pipe).serve())


class _Pacer:
    def __init__(self, host: str, port: int, pipe: Connection) -> None:
        self._address = host, port
        self._pipe = pipe
        self._answer_seconds = 0.0
        self._bytes_per_second = 0.0
        self._busy_until = 0.0

    async def serve(self) -> None:
        server = await asyncio.start_server(self._pass_on, LOOPBACK, 0)
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._change)
        self._pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    def _change(self) -> None:
        self._answer_seconds, self._bytes_per_second = self._pipe.recv()
        self._pipe.send(None)

    async def _pass_on(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(*self._address)
        with suppress(OSError):
            await asyncio.gather(self._write(client, to_server), self._answer(server, to_client))

    async def _write(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while received := await source.read(CHUNK_BYTES):
            if self._bytes_per_second:
                begins_at = max(time.monotonic(), self._busy_until)
                self._busy_until = begins_at + len(received) / self._bytes_per_second
                await asyncio.sleep(self._busy_until - time.monotonic())
            sink.write(received)
        sink.close()

    async def _answer(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while received := await source.read(CHUNK_BYTES):
            if self._answer_seconds:
                await asyncio.sleep(self._answer_seconds)
            sink.write(received)
        sink.close()
