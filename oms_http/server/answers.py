"""Runs a WSGI application to the end of its answer (PEP 3333), within bounds on what large answers hold together."""

from __future__ import annotations

import logging
import mmap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from io import SEEK_END, BytesIO
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from oms_http.edge.answer_headers import AnswerHeaders
from oms_http.server.admission import SAFE_METHODS
from oms_http.server.answer_room import AnswerRoom, AnswerShare, NoRoomError
from oms_http.server.early_refusals import FAILED, LOST, OVERLOADED, SERVER_HEADER, STALLED, Refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MEMORY_BYTES_MAX = 64 * 1024

# The connection is the server's business (PEP 3333, "Other HTTP Features"), and so is the banner.
_NOT_THE_APPLICATIONS = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade server".split()
)
_log = logging.getLogger(__name__)

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class FileAnswer:
    """A body that is a file (PEP 3333's `wsgi.file_wrapper`), of which nothing is copied into memory.

    BytesIO is over bytes that the application keeps, and costs nothing. A file of the disk is mapped.
    """

    def __init__(self, file: IO[bytes], block_bytes: int = MEMORY_BYTES_MAX) -> None:
        self._file = file
        self._block_bytes = block_bytes

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self._file.read(self._block_bytes), b"")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def is_kept(self) -> bool:
        """Whether the application has the body in memory for whoever asks."""
        return isinstance(self._file, BytesIO)

    def body(self) -> bytes | mmap.mmap:
        """Return the whole of it; what is mapped stays on the disk until nothing refers to it."""
        if isinstance(self._file, BytesIO):
            return self._file.getvalue()
        if self._file.seek(0, SEEK_END) <= MEMORY_BYTES_MAX:
            self._file.seek(0)
            return self._file.read()
        return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)


class Answer(NamedTuple):
    """What to send. A large body takes a share of the room for such, unless the application keeps it for everybody."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | mmap.mmap
    share: AnswerShare | None = None


class AbandonedError(BaseException):
    """What this request was about to do is done by another thread; no answer is wanted here."""


class ApplicationError(Exception):
    """The application broke the WSGI contract, so what it meant cannot be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WsgiRunner:
    """Calls `app` and collects its answer; nothing is sent before all of it is there.

    A failure half-way is thus a clean 500 and never a cut answer that looks whole, and a client that reads slowly
    holds no thread. What passes 64 KiB takes a share of `room`, and `bytes_max` bounds it. A file of the disk takes a
    place of `file_room` instead, if there is one, and what the application keeps in memory takes none.
    """

    app: WSGIApplication
    answer_headers: AnswerHeaders
    room: AnswerRoom
    bytes_max: int
    file_room: AnswerRoom | None = None

    def __call__(self, environ: dict[str, Any]) -> Answer:
        """Return the answer, once there is room for it; any failure becomes an answer too."""
        answer = self.answered(environ)
        return answer if answer.share is None else self.given_room(answer, environ)

    def answered(self, environ: dict[str, Any]) -> Answer:
        """Return the answer, without room for a large one; any failure is logged with its traceback, and is a 500."""
        try:
            return self._run(environ)
        except AbandonedError:
            raise
        except BaseException:  # noqa: BLE001  # Not even SystemExit may end a thread of the pool.
            request_id = environ["oms.request_id"]
            _log.exception(
                "%s %s failed, request %s", environ["REQUEST_METHOD"], ascii(environ["PATH_INFO"])[1:-1], request_id
            )
            return self._refusal(FAILED, environ)

    def given_room(self, answer: Answer, environ: Mapping[str, Any]) -> Answer:
        """Take the room of a large answer, which may wait; return it, or a refusal if there was none in time."""
        assert answer.share is not None  # noqa: S101  Only large answers need room.
        try:
            answer.share.room.take(answer.share)
        except NoRoomError:
            return self._refusal(OVERLOADED if environ["REQUEST_METHOD"] in SAFE_METHODS else LOST, environ)
        return answer

    def lost(self, environ: Mapping[str, Any]) -> Answer:
        """Return the answer to a request that may have done what it asked for, or may not."""
        return self._refusal(STALLED, environ)

    def _refusal(self, refusal: Refusal, environ: Mapping[str, Any]) -> Answer:
        request_id = environ["oms.request_id"]
        given = self.answer_headers.of(scheme=environ["wsgi.url_scheme"], origin=environ.get("HTTP_ORIGIN"))
        headers = [*refusal.headers(request_id), *given]
        if refusal.status == OVERLOADED.status:
            headers.append(("retry-after", "1"))
        return Answer(refusal.status, headers, refusal.body(request_id))

    def _run(self, environ: dict[str, Any]) -> Answer:
        start = _StartResponse()
        iterable = self.app(environ, start)
        room: AnswerRoom | None = self.room
        try:
            if isinstance(iterable, FileAnswer):
                room = None if iterable.is_kept else self.file_room or self.room
                body = iterable.body()
            else:
                body = self._collect(iterable, start)
        finally:
            close: Callable[[], None] | None = getattr(iterable, "close", None)
            if close is not None:
                close()
        answer = start.answer(body, environ)
        if room is None or len(body) <= MEMORY_BYTES_MAX:
            return answer
        return answer._replace(share=AnswerShare(owner=environ.get("oms.caller"), size=len(body), room=room))

    def _collect(self, iterable: Iterable[bytes], start: _StartResponse) -> bytes:
        pieces = start.written
        size = 0
        for piece in iterable:
            pieces.append(piece)
            size += len(piece)
            if size > self.bytes_max:
                raise ApplicationError(f"the answer is larger than {self.bytes_max} bytes")
        return b"".join(pieces)


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

    def answer(self, body: bytes | mmap.mmap, environ: dict[str, Any]) -> Answer:
        if not 200 <= self.status <= 599:  # noqa: PLR2004
            raise ApplicationError(f"start_response was not called with a final status but {self.status}")
        return Answer(self.status, self._sendable(len(body), environ), body)

    def _sendable(self, size: int, environ: dict[str, Any]) -> list[tuple[str, str]]:
        """Add the server's own headers. Raise ApplicationError if Content-Length does not say `size`."""
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
