"""Content that is the same for everybody as long as the process runs, with an entity tag made from its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import IO

from flask import Response
from werkzeug.wsgi import wrap_file

from oms_http.requests import Request, matches
from oms_http.responses import REVALIDATE, not_modified

_ETAG_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticContent:
    """A body with its media type, its size in bytes and its entity tag, unquoted."""

    media_type: str
    size: int
    etag: str
    open: Callable[[], IO[bytes]]

    @classmethod
    def of_bytes(cls, content: bytes, *, media_type: str) -> StaticContent:
        """Make it of bytes, which are kept: every answer shares them."""
        return cls(media_type=media_type, size=len(content), etag=_etag(content), open=partial(BytesIO, content))


def static_response(request: Request, content: StaticContent) -> Response:
    """Answer with it, or that the client's copy is still right; a server with a file wrapper copies nothing."""
    if matches(request, content.etag):
        return not_modified(content.etag, REVALIDATE)
    headers = [
        ("Content-Type", content.media_type),
        ("Content-Length", str(content.size)),
        ("ETag", f'"{content.etag}"'),
        REVALIDATE,
    ]
    return Response(wrap_file(request.environ, content.open()), headers=headers, direct_passthrough=True)


def _etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_ETAG_LENGTH]
