"""What a request has to look like while authentication is off: from this machine, and meant by whoever sits at it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from typing import Any

from oms_core.errors import OmsError
from oms_http.edge.forwarding import PEER

# What proxies add. Without authentication they would lend this machine's rights to their whole network.
_OF_PROXIES = {
    "HTTP_FORWARDED": "Forwarded",
    "HTTP_X_FORWARDED_FOR": "X-Forwarded-For",
    "HTTP_X_FORWARDED_HOST": "X-Forwarded-Host",
    "HTTP_X_FORWARDED_PROTO": "X-Forwarded-Proto",
    "HTTP_X_REAL_IP": "X-Real-IP",
    "HTTP_VIA": "Via",
}
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]*)?").fullmatch
_ADVICE = "; set OMS_AUTH=keys to serve others"


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


def _refused(why: str) -> OmsError:
    return OmsError("forbidden", f"authentication is off, so {why}{_ADVICE}")


def _names_loopback(host: str) -> bool:
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
