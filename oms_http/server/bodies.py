"""Receives request bodies on the event loop: complete before a thread is taken, within limits of bytes and time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import BytesIO
from typing import IO, Any, NamedTuple

from oms_core.domain.numbers import parse_digits
from oms_http.server.early_refusals import BODY_CUT, NO_ROOM, TIMED_OUT, RefusedError, too_large
from oms_http.server.options import BodyLimit, ServerOptions
from oms_http.server.rsgi import BodyErrors, HTTPProtocol
from oms_http.server.stores import BodyStore, MemoryBudget, SpoolDirectory

SMALL_BYTES_MAX = 64 * 1024
DISCARD_SECONDS = 2.0
_UNKNOWN = -1

_log = logging.getLogger(__name__)


class Body(NamedTuple):
    """A whole body at its start, and what to call when it is done with."""

    input: IO[bytes]
    release: Callable[[], None]


class BodyReceiver:
    """Receives the bodies of one process and bounds what they hold; belongs to the event loop's thread."""

    def __init__(self, options: ServerOptions, spools: SpoolDirectory) -> None:
        self._options = options
        self._spools = spools
        self._memory = MemoryBudget(options.bodies_bytes_max)

    async def receive(
        self,
        proto: HTTPProtocol,
        environ: dict[str, Any],
        limit: BodyLimit,
        welcome: Callable[[], Awaitable[str | None]],
    ) -> Body:
        """Await the body that `environ` announces; one sent in chunks is then described there by its length.

        `welcome` is awaited before a body that costs memory or disk. It returns whose body it is, or raises what keeps
        it from being received.
        Raise RefusedError: too large, too slow, cut short (the client may be gone), or there is no room.
        """
        chunked = environ.pop("HTTP_TRANSFER_ENCODING", None) is not None
        length = _UNKNOWN if chunked else parse_digits(environ.get("CONTENT_LENGTH", "0"))
        if length == 0:
            return Body(BytesIO(), _nothing)
        if length > limit.bytes_max:
            raise RefusedError(too_large(limit.bytes_max))
        try:
            if 0 < length <= SMALL_BYTES_MAX and not limit.spooled:
                async with asyncio.timeout(self._options.body_timeout_seconds):
                    return Body(BytesIO(await proto()), _nothing)
            owner = await welcome()
            return await self._kept(proto, environ, limit, length, self._open_store(limit, length, owner))
        except TimeoutError as error:
            raise RefusedError(TIMED_OUT) from error
        except BodyErrors as error:
            raise RefusedError(BODY_CUT) from error
        except OSError as error:
            _log.exception("a body could not be spooled")
            raise RefusedError(NO_ROOM) from error

    async def discard(self, proto: HTTPProtocol) -> None:
        """Read away what still arrives, for a short while, so that a client that only writes sees our answer.

        Closing a connection with unread data resets it (RFC 9112, 9.6), and the answer is lost with it.
        """
        with suppress(*BodyErrors):  # It is being read already.
            aiter(proto)
        with suppress(TimeoutError, StopAsyncIteration, *BodyErrors):
            async with asyncio.timeout(DISCARD_SECONDS):
                while True:
                    await anext(proto)

    def _open_store(self, limit: BodyLimit, length: int, owner: str | None) -> BodyStore:
        if limit.spooled:
            return self._spools.open_store(owner=owner)
        return self._memory.open_store(owner=owner, length=max(0, length))

    async def _kept(
        self, proto: HTTPProtocol, environ: dict[str, Any], limit: BodyLimit, length: int, store: BodyStore
    ) -> Body:
        piece_seconds = self._options.body_timeout_seconds
        whole_seconds = self._options.spool_timeout_seconds if limit.spooled else piece_seconds
        try:
            async with asyncio.timeout(whole_seconds), asyncio.timeout(piece_seconds) as deadline:
                received = await _fill(store, proto, limit.bytes_max, lambda: _postpone(deadline, piece_seconds))
                if length not in (received, _UNKNOWN):
                    raise RefusedError(BODY_CUT)
                environ["CONTENT_LENGTH"] = str(received)
                return Body(await store.finish(), store.close)
        except BaseException:
            store.close()
            raise


async def _fill(store: BodyStore, proto: HTTPProtocol, bytes_max: int, on_piece: Callable[[], None]) -> int:
    """Put the body into the store and return its size. Raise RefusedError: too large, or it did not end as it should.

    granian tells the end, an error and trailers all by an empty piece; only the end is not followed by another.
    """
    received = 0
    ended = False
    async for piece in proto:
        if ended:
            raise RefusedError(BODY_CUT)
        ended = not piece
        on_piece()
        received += len(piece)
        if received > bytes_max:
            raise RefusedError(too_large(bytes_max))
        await store.add(piece)
    return received


def _postpone(deadline: asyncio.Timeout, seconds: float) -> None:
    deadline.reschedule(asyncio.get_running_loop().time() + seconds)


def _nothing() -> None:
    """Free nothing: a small body is not counted."""
