"""Hands answers to granian, large ones at the pace of their readers and only so many at a time."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from oms_http.server.answers import MEMORY_BYTES_MAX, Answer
from oms_http.server.rsgi import HTTPProtocol


class AnswerSender:
    """Sends the answers of one process; belongs to the event loop's thread.

    granian's response_stream takes whatever it is given, also for a client that reads nothing, and no call of it tells
    when an answer is gone. So it is told to send a file that is a pipe, which it reads as its client reads: some
    hundred KiB ahead. A pipe without a reader says that the client has gone.

    `static_max`: bodies of the application's own, which take no room, under way at a time. A client that takes nothing
    for `send_timeout_seconds` is cut off: the pipe ends too early for the answer's length.
    """

    def __init__(self, *, static_max: int, send_timeout_seconds: float) -> None:
        self._static_free = static_max
        self._send_timeout_seconds = send_timeout_seconds

    def has_room(self, answer: Answer) -> bool:
        """Return whether an answer can be sent; there is always room for small ones and for those that took it."""
        return self._static_free > 0 or not _is_static(answer)

    async def send(self, proto: HTTPProtocol, answer: Answer) -> None:
        """Send an answer; return when nothing is held for it any more."""
        if len(answer.body) <= MEMORY_BYTES_MAX:
            proto.response_bytes(answer.status, answer.headers, bytes(answer.body))
            return
        self._static_free -= _is_static(answer)
        try:
            with suppress(BrokenPipeError, TimeoutError):
                await self._send_large(proto, answer)
        finally:
            self._static_free += _is_static(answer)
            if answer.share is not None:
                answer.share.room.give_back(answer.share)

    async def _send_large(self, proto: HTTPProtocol, answer: Answer) -> None:
        """Raise BrokenPipeError, TimeoutError: the client has gone, or takes nothing."""
        reading, writing = os.pipe()
        try:
            os.set_blocking(writing, False)
            rest = memoryview(answer.body)[os.write(writing, answer.body) :]
            headers = [*answer.headers, ("content-length", str(len(answer.body)))]
            proto.response_file(answer.status, headers, f"/dev/fd/{reading}")
            try:
                await self._writable(writing)  # Only granian can have read from it, so it has opened it.
            finally:
                os.close(reading)
            while rest:
                rest = rest[os.write(writing, rest) :]
                if rest:
                    await self._writable(writing)
        finally:
            os.close(writing)

    async def _writable(self, writing: int) -> None:
        """Return when granian has read from the pipe or closed it. Raise TimeoutError."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        loop.add_writer(writing, _set, future)
        try:
            async with asyncio.timeout(self._send_timeout_seconds):
                await future
        finally:
            loop.remove_writer(writing)


def _is_static(answer: Answer) -> bool:
    return answer.share is None and len(answer.body) > MEMORY_BYTES_MAX


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
