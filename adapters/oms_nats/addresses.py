"""The address of a broker, read from OMS_QUEUE_URL; errors never show its password."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from oms_core.errors import OmsError

STANDARD_PORT: Final = 4222
REPLICAS_MAX: Final = 5  # JetStream's own bound.
_FILES = ("cafile", "certfile", "keyfile")
_KNOWN = frozenset({*_FILES, "replicas"})
_SHAPE = (
    "must be nats:// or tls://user:password@host:port, with further servers after commas and with special characters"
    " percent-encoded"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The servers of one broker, and how to log in; `servers` are `host:port`, tried in turn.

    A password without a user is a token. `replicas` is how many servers keep each message, None for the usual number.
    """

    servers: tuple[str, ...]
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    tls: ssl.SSLContext | None
    replicas: int | None

    def describe(self) -> str:
        """Return the servers."""
        return f"NATS at {', '.join(self.servers)}"


def read_address(url: str) -> Address:
    """Read a URL. Raise `invalid_setting`, which never quotes it."""
    try:
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        raise _wrong(_SHAPE) from None
    for name in given.keys() - _KNOWN:
        raise _wrong(f"knows no parameter {name!a} for NATS")
    login, has_login, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    # A token in the place of the user would be shown wherever a URL is shown.
    if parts.path not in ("", "/") or parts.fragment or (has_login and not password):
        raise _wrong(_SHAPE)
    return Address(
        servers=tuple(_server(host) for host in hosts.split(",")),
        user=unquote(user) or None,
        password=unquote(password) or None,
        tls=_context(parts, given),
        replicas=_replicas(given.get("replicas")),
    )


def _server(text: str) -> str:
    """Return host and port; an IPv6 address stands in brackets."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or text.startswith(":") or "@" in text:
        raise _wrong(_SHAPE)
    return f"[{host}]:{port or STANDARD_PORT}" if ":" in host else f"{host}:{port or STANDARD_PORT}"


def _replicas(text: str | None) -> int | None:
    if text is None:
        return None
    if text not in {str(number) for number in range(1, REPLICAS_MAX + 1)}:
        raise _wrong(f"must have replicas from 1 to {REPLICAS_MAX}")
    return int(text)


def _context(parts: SplitResult, given: Mapping[str, str]) -> ssl.SSLContext | None:
    """Return a context that trusts the authorities of `cafile`, else the system's, and shows a certificate if given.

    None stands for a connection without TLS.
    """
    files = {name: given[name] for name in _FILES if name in given}
    if parts.scheme != "tls":
        if files:
            raise _wrong("must be tls:// where it names files of certificates")
        return None
    try:
        context = ssl.create_default_context(cafile=files.get("cafile"))
        if "certfile" in files or "keyfile" in files:
            context.load_cert_chain(files["certfile"], files.get("keyfile"))
    except (OSError, KeyError):
        raise _wrong("must name files of certificates that can be read: cafile, certfile and keyfile") from None
    return context


def _wrong(detail: str) -> OmsError:
    return OmsError("invalid_setting", f"OMS_QUEUE_URL {detail}")
