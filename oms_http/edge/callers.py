"""Who calls: found out before a route under /v1 runs, by the key that a request brings or by where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.errors import ErrorKind, OmsError
from oms_core.oms import Oms
from oms_core.ports.metrics import AUTHENTICATION_REFUSALS
from oms_http.edge.local_requests import check_local_request
from oms_http.requests import Request

FindCaller = Callable[[Request], Caller]

CHALLENGE = "WWW-Authenticate"
_REALM = 'Bearer realm="oms"'
_BAD_TOKEN = f'{_REALM}, error="invalid_token"'
_NO_SCOPE = f'{_REALM}, error="insufficient_scope", scope="%s"'


def callers_of(oms: Oms) -> FindCaller:
    """Return how callers are known in this deployment: by their keys, or whoever is on this machine."""
    if oms.settings.auth_in_force == "off":
        return partial(local_caller, origins=frozenset(oms.settings.cors_origins))
    return partial(_key_caller, oms)


def local_caller(request: Request, *, origins: Collection[str] = ()) -> Caller:
    """Return the caller without authentication: whoever is on this machine, told apart by its own address.

    Raises `forbidden` for a request that is not this machine's own, or a page's of another site than `origins`.
    """
    check_local_request(request.environ, origins=origins)
    return Caller(name="local", scopes=ALL_SCOPES, request_id=request.request_id, address=request.remote_addr)


def challenges(error: OmsError, request: Request) -> list[tuple[str, str]]:
    """Return the header that tells how to authenticate (RFC 6750, 3), where that would help.

    It says whether the key that was sent is not good, or lacks a scope, and which.
    """
    is_keyed = _bearer_token(request) is not None
    if error.kind is ErrorKind.UNAUTHENTICATED:
        return [(CHALLENGE, _BAD_TOKEN if is_keyed else _REALM)]
    if error.kind is ErrorKind.FORBIDDEN and is_keyed and "scope" in error.data:
        return [(CHALLENGE, _NO_SCOPE % error.data["scope"])]
    return []


def _key_caller(oms: Oms, request: Request) -> Caller:
    """Return the caller whose key stands in the Authorization header, and nowhere else. Raises `unauthenticated`.

    A request without a key is no guess, and not counted.
    """
    token = _bearer_token(request)
    if token is None:
        oms.metrics.count(AUTHENTICATION_REFUSALS, "no_key")
        raise OmsError("unauthenticated", "send an API key in the header Authorization: Bearer oms_...")
    return oms.authenticate(token, address=request.remote_addr, request_id=request.request_id)


def _bearer_token(request: Request) -> str | None:
    # Read as werkzeug does, whose object for it costs as much as looking the key up.
    scheme, _, token = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
