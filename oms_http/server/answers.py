"""Runs a WSGI application to the end of its answer (PEP 3333), holding a large one on disk instead of in memory."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from oms_http.answer_headers import AnswerHeaders
from oms_http.server.problems import FAILED, SERVER_HEADER

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MEMORY_BYTES_MAX = 256 * 1024

# The connection is the server's business (PEP 3333, "Other HTTP Features"), and so is the banner.
_NOT_THE_APPLICATIONS = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade server".split()
)
_log = logging.getLogger(__name__)

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class Answer(NamedTuple):
    """What to send: a whole body, or a file that holds it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | IO[bytes]


class ApplicationError(Exception):
    """The application broke the WSGI contract, so what it meant cannot be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WsgiRunner:
    """Calls `app` on a thread of the pool and collects its answer; nothing is sent before all of it is there.

    A failure half-way is thus a clean 500 and never a cut answer that looks whole, and a client that reads slowly
    holds no thread. What passes 256 KiB goes to a temporary file in `spool_directory`, at most `spool_bytes_max`.
    """

    app: WSGIApplication
    answer_headers: AnswerHeaders
    spool_directory: str | None
    spool_bytes_max: int

    def __call__(self, environ: dict[str, Any]) -> Answer:
        """Give the answer; any failure is logged with its traceback and becomes a 500 without internals."""
        try:
            return self._run(environ)
        except BaseException:  # noqa: BLE001  # Not even SystemExit may end a thread of the pool.
            request_id = environ["oms.request_id"]
            _log.exception(
                "%s %s failed, request %s", environ["REQUEST_METHOD"], ascii(environ["PATH_INFO"])[1:-1], request_id
            )
            given = self.answer_headers.of(scheme=environ["wsgi.url_scheme"], origin=environ.get("HTTP_ORIGIN"))
            return Answer(FAILED.status, [*FAILED.headers(request_id), *given], FAILED.body(request_id))

    def _run(self, environ: dict[str, Any]) -> Answer:
        start = _StartResponse()
        iterable = self.app(environ, start)
        try:
            body = self._collect(iterable, start)
        finally:
            close: Callable[[], None] | None = getattr(iterable, "close", None)
            if close is not None:
                close()
        return start.answer(body, environ)

    def _collect(self, iterable: Iterable[bytes], start: _StartResponse) -> bytes | IO[bytes]:
        pieces = start.written
        size = 0
        rest = iter(iterable)
        for piece in rest:
            pieces.append(piece)
            size += len(piece)
            if size > MEMORY_BYTES_MAX:
                return self._spool(pieces, rest)
        return b"".join(pieces)

    def _spool(self, pieces: list[bytes], rest: Iterator[bytes]) -> IO[bytes]:
        file = tempfile.TemporaryFile(dir=self.spool_directory)  # noqa: SIM115  # It outlives this function.
        try:
            size = file.write(b"".join(pieces))
            for piece in rest:
                size += file.write(piece)
                if size > self.spool_bytes_max:
                    raise ApplicationError(f"the answer is larger than {self.spool_bytes_max} bytes")
            file.flush()
        except BaseException:
            file.close()
            raise
        return file


class _StartResponse:
    """The `start_response` of one request."""

    __slots__ = ("headers", "status", "written")

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.written: list[bytes] = []

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: _ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        if self.status and exc_info is None:
            raise ApplicationError("start_response was called twice without exc_info")
        self.status = int(status[:3])
        self.headers = headers
        return self.written.append

    def answer(self, body: bytes | IO[bytes], environ: dict[str, Any]) -> Answer:
        if not 200 <= self.status <= 599:  # noqa: PLR2004
            raise ApplicationError(f"start_response was not called with a final status but {self.status}")
        size = len(body) if isinstance(body, bytes) else body.tell()
        return Answer(self.status, self._sendable(size, environ), body)

    def _sendable(self, size: int, environ: dict[str, Any]) -> list[tuple[str, str]]:
        """Add the server's own headers. Raises ApplicationError if Content-Length does not say `size`."""
        answers_head = environ["REQUEST_METHOD"] == "HEAD"
        sendable = [SERVER_HEADER]
        echoed = False
        for field in self.headers:
            name = field[0].lower()
            if name == "content-length" and not answers_head:
                if int(field[1]) != size and self.status != HTTPStatus.NOT_MODIFIED:
                    raise ApplicationError(f"Content-Length is {field[1]}, the body has {size} bytes")
            elif name not in _NOT_THE_APPLICATIONS:
                sendable.append(field)
                echoed = echoed or name == "x-request-id"
        if not echoed:
            sendable.append(("x-request-id", environ["oms.request_id"]))
        return sendable
