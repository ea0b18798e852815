"""Refuses heads that another server, a proxy say, might read differently: a request must never hide a second one.

What hyper (granian's parser) lets through is meant; the rest it refuses itself (tests/http/test_smuggling.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from oms_http.server.early_refusals import NO_ROUTE, RefusedError, ambiguous, too_long

# RFC 3986, 3.2.2, but for the comma, which is how a second Host header looks here.
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+;=-]*)(:[0-9]*)?").fullmatch


def check_path(path: str) -> None:
    """Raise RefusedError for a path with an empty segment, which no route has.

    WSGI applications read `//metrics` as `/metrics` (werkzeug strips slashes in front), and would then answer it with
    the pool and the bounds of another path.
    """
    if "//" in path:
        raise RefusedError(NO_ROUTE)


def check_head(environ: Mapping[str, Any], *, target_bytes_max: int) -> None:
    """Raise RefusedError for a method that is not in capitals, a target that is too long or no path, a Host that is
    none, and codings we do not know.
    """
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if len(path) + len(environ["QUERY_STRING"]) > target_bytes_max:
        raise RefusedError(too_long(target_bytes_max))
    if method != method.upper():  # Methods are case-sensitive (RFC 9110, 9.1), and WSGI applications read them in any.
        raise RefusedError(ambiguous("The method must be written in capitals."))
    if not path.startswith("/") and (path, method) != ("*", "OPTIONS"):
        raise RefusedError(ambiguous("The request's target must be a path."))
    host = environ.get("HTTP_HOST")
    if host is None:
        if environ["SERVER_PROTOCOL"] != "HTTP/1.0":
            raise RefusedError(ambiguous("The Host header is missing."))
    elif not _HOST(host):
        raise RefusedError(ambiguous("The Host header must be one host, with or without a port."))
    if environ.get("HTTP_TRANSFER_ENCODING", "chunked").lower() != "chunked":
        raise RefusedError(ambiguous("Transfer-Encoding must be chunked, once, and no other coding."))
