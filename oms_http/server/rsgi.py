"""The parts of granian's RSGI that the bridge stands on, with the types that its stubs leave out.

Source: https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Protocol

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]

BodyErrors: tuple[type[Exception], ...] = (ProtocolClosed, ProtocolError)


class Headers(Protocol):
    """A request's headers, names in lower case; values that are not ASCII are left out of all but the names."""

    def __len__(self) -> int:
        """Count the different names."""

    def keys(self) -> list[str]:
        """Return the different names."""

    def items(self) -> list[tuple[str, str]]:
        """Return names and values, a name once per value."""

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return the first value of a name."""


class Scope(Protocol):
    """A request's head; `path` is percent-decoded, `server` and `client` are host:port."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: Headers


class HTTPProtocol(Protocol):
    """A request's body and the way to answer it. Reading a lost connection raises one of BodyErrors."""

    def __call__(self) -> Awaitable[bytes]:
        """Return the whole body, however large."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the body in pieces as they arrive, then an empty piece. Raise one of BodyErrors the second time."""

    async def __anext__(self) -> bytes:
        """Return the next piece."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer; the first answer counts."""

    def response_file(self, status: int, headers: list[tuple[str, str]], file: str) -> None:
        """Answer with the file of this path, read at the client's pace."""
