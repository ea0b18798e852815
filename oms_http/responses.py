"""Answers: JSON bodies and the headers that go with them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# ASCII only: no character can then fail to encode, and the C encoder takes its fast path.
_encode = json.JSONEncoder(separators=(",", ":")).encode

NO_STORE = ("Cache-Control", "no-store")
REVALIDATE = ("Cache-Control", "no-cache")
REPLAYED = ("Idempotent-Replayed", "true")


class _JsonResponse(Response):
    """An answer whose body and headers are complete, so that werkzeug works nothing out when it is sent."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:  # noqa: ARG002  The signature is werkzeug's.
        """Return the headers as they are: Content-Length was set with the body, and every Location is quoted."""
        return self.headers


def json_response(
    document: object,
    *,
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
    media_type: str = "application/json",
) -> Response:
    """Answer with a JSON document."""
    return _JsonResponse(_encode(document).encode(), status, [("Content-Type", media_type), *headers])


def not_modified(etag: str, cache_control: tuple[str, str]) -> Response:
    """Answer that the client's copy is still right."""
    return Response(status=304, headers=[cache_control, ("ETag", f'"{etag}"')])
