"""A WSGI environ (PEP 3333) from a request's head, as cheaply as can be: this runs on the event loop."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from oms_http.server.answers import FileAnswer
from oms_http.server.early_refusals import RefusedError, ambiguous, unreadable_headers
from oms_http.server.rsgi import Scope

_COMMON = (
    "host user-agent accept accept-encoding accept-language connection authorization idempotency-key if-match "
    "if-none-match prefer cookie referer origin cache-control x-request-id x-forwarded-for forwarded expect"
)
_KEYS: Mapping[str, str] = MappingProxyType(
    {name: "HTTP_" + name.upper().replace("-", "_") for name in _COMMON.split()}
    | {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}
)


def base_environ(*, processes: int, threads: int) -> dict[str, Any]:
    """Return what all requests of one process share."""
    return {
        "SCRIPT_NAME": "",
        "SERVER_SOFTWARE": "oms",
        "wsgi.version": (1, 0),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": threads > 1,
        "wsgi.multiprocess": processes > 1,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileAnswer,
        "wsgi.input_terminated": True,  # The body ends where wsgi.input ends; werkzeug then trusts it.
    }


def wsgi_environ(base: Mapping[str, Any], scope: Scope, path: str) -> dict[str, Any]:
    """Return the environ of one request, whose path was read before, without its body.

    Raise RefusedError: a header's value is not ASCII (granian leaves such headers out), or a second Idempotency-Key
    would make a third of the two.
    """
    host, port = _address(scope.server)
    client, client_port = _address(scope.client)
    environ = {
        **base,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": _latin_1(path),
        "QUERY_STRING": _latin_1(scope.query_string),
        "SERVER_PROTOCOL": "HTTP/1.1" if scope.http_version == "1.1" else "HTTP/1.0",
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "REMOTE_ADDR": client,
        "REMOTE_PORT": client_port,
        "wsgi.url_scheme": scope.scheme,
    }
    _add_headers(environ, scope)
    return environ


def _add_headers(environ: dict[str, Any], scope: Scope) -> None:
    headers = scope.headers
    items = headers.items()
    names = {name for name, _ in items}
    if len(names) != len(headers):
        raise RefusedError(unreadable_headers(set(headers.keys()) - names))
    for name, value in items:
        key = _KEYS.get(name) or _key(name)
        if key in environ:
            if name == "idempotency-key":
                raise RefusedError(ambiguous("The Idempotency-Key header must be there once."))
            environ[key] += ("; " if name == "cookie" else ",") + value
        elif key:
            environ[key] = value


def _key(name: str) -> str:
    """Return the environ's key, or none for a name with an underscore: it would pass for the one with a dash."""
    return "" if "_" in name else "HTTP_" + name.upper().replace("-", "_")


def _latin_1(text: str) -> str:
    """Return the bytes of `text` in UTF-8 as a str of latin-1, which is how WSGI carries bytes."""
    return text if text.isascii() else text.encode().decode("latin-1")


def _address(text: str) -> tuple[str, str]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), port
