"""Who calls, and whether they may: found out before a route under /v1 runs.

Callers are known by the API key that a request brings, or by where it comes from.
While authentication is off, a request must come from this machine, and be meant by whoever sits at it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from oms_core import Oms
from oms_core.domain.access import AccessRule, Binding
from oms_core.domain.callers import ALL_SCOPES, Caller, Scope
from oms_core.domain.metrics import AUTHENTICATION_REFUSALS
from oms_core.errors import ErrorKind, OmsError
from oms_http.edge.forwarding import PEER
from oms_http.requests import Request
from oms_http.settings import HttpSettings

FindCaller = Callable[[Request], Caller]

CHALLENGE = "WWW-Authenticate"
_REALM = 'Bearer realm="oms"'
_BAD_TOKEN = f'{_REALM}, error="invalid_token"'
_NO_SCOPE = f'{_REALM}, error="insufficient_scope", scope="%s"'
# What proxies add. Without authentication they would lend this machine's rights to their whole network.
_OF_PROXIES = {
    "HTTP_FORWARDED": "Forwarded",
    "HTTP_X_FORWARDED_FOR": "X-Forwarded-For",
    "HTTP_X_FORWARDED_HOST": "X-Forwarded-Host",
    "HTTP_X_FORWARDED_PROTO": "X-Forwarded-Proto",
    "HTTP_X_REAL_IP": "X-Real-IP",
    "HTTP_VIA": "Via",
}
_USUAL_HOST = "127.0.0.1:"
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]*)?").fullmatch
_ADVICE = "; set OMS_AUTH=keys to serve others"


def callers_of(oms: Oms, settings: HttpSettings) -> FindCaller:
    """Return how callers are known in this deployment: by their keys, or whoever is on this machine."""
    if oms.settings.auth_in_force == "off":
        name, origins = oms.settings.local_caller_in_force, frozenset(settings.cors_origins)
        return partial(local_caller, name=name, origins=origins)
    return partial(_api_key_caller, oms)


def local_caller(request: Request, *, name: str, origins: Collection[str] = ()) -> Caller:
    """Return the caller without authentication: whoever is on this machine, told apart by its own address.

    Raises `forbidden` for a request that is not this machine's own, or a page's of another site than `origins`.
    """
    check_local_request(request.environ, origins=origins)
    return Caller(name=name, scopes=ALL_SCOPES, request_id=request.request_id, address=request.remote_addr)


def access_check(rules: Sequence[AccessRule]) -> Callable[[Caller], None]:
    """Return what raises `forbidden` for a caller whom these rules would refuse whatever the request's body says."""
    always = frozenset[Scope].intersection(*(frozenset(rule.scopes) for rule in rules)) if rules else frozenset()
    scopes, is_for_unbound = sorted(always), bool(rules) and all(rule.binding is Binding.FORBIDDEN for rule in rules)

    def check(caller: Caller) -> None:
        for scope in scopes:
            caller.require(scope)
        if is_for_unbound:
            caller.require_unbound()

    return check


def challenges(error: OmsError, request: Request) -> list[tuple[str, str]]:
    """Return the header that tells how to authenticate (RFC 6750, 3), where that would help.

    It says whether the key that was sent is not valid, or which scope it lacks.
    """
    is_keyed = _bearer_token(request) is not None
    if error.kind is ErrorKind.UNAUTHENTICATED:
        return [(CHALLENGE, _BAD_TOKEN if is_keyed else _REALM)]
    if error.kind is ErrorKind.FORBIDDEN and is_keyed and "scope" in error.data:
        return [(CHALLENGE, _NO_SCOPE % error.data["scope"])]
    return []


def check_local_request(environ: Mapping[str, Any], *, origins: Collection[str] = ()) -> None:
    """Raise `forbidden` unless a request comes from this machine directly, and from no other site's page.

    Browsers run other people's code on this machine. Such a page may reach us under a name of its own that resolves to
    loopback (DNS rebinding): its Host gives it away. Or it asks us from its own site: then the Origin, which browsers
    send with whatever may change something. `origins` are the sites that OMS_CORS_ORIGINS names; `*` is none of them.
    """
    for key, header in _OF_PROXIES.items():
        if key in environ:
            raise _refused(f"only direct requests are served; this one carries {header}")
    if not _is_loopback(environ.get(PEER) or environ.get("REMOTE_ADDR", "")):
        raise _refused("only this machine is served")
    host = environ.get("HTTP_HOST")
    if host is not None and not _names_loopback(host):
        raise _refused("the Host header must be a loopback name or address, such as localhost or 127.0.0.1")
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and origin not in origins and origin != f"{environ['wsgi.url_scheme']}://{host}":
        raise _refused("pages of other origins are not served; name theirs in OMS_CORS_ORIGINS")


def _api_key_caller(oms: Oms, request: Request) -> Caller:
    """Return the caller whose key stands in the Authorization header, and nowhere else. Raises `unauthenticated`.

    A request without a key is no failed attempt, and is not counted as one.
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


def _refused(why: str) -> OmsError:
    return OmsError("forbidden", f"authentication is off, so {why}{_ADVICE}")


def _names_loopback(host: str) -> bool:
    if host.startswith(_USUAL_HOST) and host[len(_USUAL_HOST) :].isdigit() and host.isascii():
        return True
    found = _HOST(host)
    if found is None:
        return False
    name = found["name"].lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name.strip("[]"))


def _is_loopback(text: str) -> bool:
    if text == "127.0.0.1":  # What nearly every request has needs no parsing.
        return True
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (address if mapped is None else mapped).is_loopback
