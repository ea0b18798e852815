"""The addresses of a broker's nodes, read from OMS_QUEUE_URL; errors never show its password."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

from pika import SSLOptions
from pika.connection import URLParameters

from oms_core.errors import OmsError

# The URL can override these. The bounds on waiting for answers belong to the link.
_TIMES = {
    "heartbeat": 10,
    "socket_timeout": 2.0,
    "stack_timeout": 2.5,
    "blocked_connection_timeout": 2.5,
}
_FILES = ("cafile", "certfile", "keyfile")
# The parameters of a URL's query that pika reads, and those read here.
_KNOWN = frozenset(
    {
        *("blocked_connection_timeout", "channel_max", "client_properties", "connection_attempts", "frame_max"),
        *("heartbeat", "locale", "retry_delay", "socket_timeout", "stack_timeout", "ssl_options", "tcp_options"),
        *_FILES,
    }
)
_SHAPE = (
    "must be amqp:// or amqps://user:password@host:port/vhost, with special characters percent-encoded "
    "and commas between several hosts"
)
NODES_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Address:
    """One node and virtual host; `url` is checked, names one host and includes the password."""

    url: str

    def parameters(self, role: str) -> URLParameters:
        """Return pika's parameters for one connection. The broker's tools show the connection as `oms <role>`."""
        parameters = _read(self.url)
        given = parse_qs(urlsplit(self.url).query)
        for name, value in _TIMES.items():
            if name not in given:
                setattr(parameters, name, value)
        parameters.client_properties = {**(parameters.client_properties or {}), "connection_name": f"oms {role}"}
        return parameters

    @property
    def place(self) -> str:
        """The host and the port, for a person."""
        parameters = _read(self.url)
        return f"{parameters.host}:{parameters.port}"

    @property
    def virtual_host(self) -> str:
        """The virtual host, decoded."""
        return str(_read(self.url).virtual_host)


def read_addresses(url: str) -> tuple[Address, ...]:
    """Check a URL and return an address for each of its hosts, which share user, virtual host and parameters.

    Raise `invalid_setting`, which never quotes the URL.
    """
    _check_parameters(url)
    try:
        addresses = tuple(_checked(each) for each in _split(url))
        places = {address.place for address in addresses}
    except (ValueError, TypeError, LookupError, SyntaxError, AttributeError, OSError):
        addresses, places = (), set()  # Told below: the cause would quote parts of the password.
    if not addresses:
        raise OmsError("invalid_setting", f"OMS_QUEUE_URL {_SHAPE}")
    if len(places) < len(addresses) or len(addresses) > NODES_MAX:
        raise OmsError("invalid_setting", f"OMS_QUEUE_URL must name each host once, and {NODES_MAX} hosts at most")
    return addresses


def _split(url: str) -> list[str]:
    """Return a URL for each host."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{user}{at}{host}")) for host in hosts.split(",")]


def _checked(url: str) -> Address:
    """Return the address of one host. Raise what its reading raises, and `invalid_setting` for unverified TLS."""
    parts = urlsplit(url)
    tls = _read(url).ssl_options
    if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
        raise ValueError("no host")
    if tls is not None and not _is_verified(tls.context):
        raise OmsError("invalid_setting", "OMS_QUEUE_URL must leave the verification of certificates and names on")
    return Address(url)


def _check_parameters(url: str) -> None:
    """Raise `invalid_setting` for a parameter that pika does not know. It shows the name, never the value."""
    try:
        names = [name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    except ValueError:  # Other faults of the URL are reported later.
        return
    for name in names:
        if name not in _KNOWN:
            raise OmsError("invalid_setting", f"OMS_QUEUE_URL: pika knows no parameter {name!a}")


def _read(url: str) -> URLParameters:
    """Read a URL as pika does, and for TLS also `cafile`, `certfile` and `keyfile`, after libpq's and redis-py's model.

    Raise OSError for a file that cannot be read, ValueError for a file in a URL without TLS.
    """
    parts = urlsplit(url)
    given = parse_qs(parts.query, keep_blank_values=True)
    files = {name: given.pop(name)[-1] for name in _FILES if name in given}
    parameters = URLParameters(urlunsplit(parts._replace(query=urlencode(given, doseq=True))))
    if files:
        if parts.scheme != "amqps" or "ssl_options" in given:
            raise ValueError("files of certificates go with amqps:// and without ssl_options")
        parameters.ssl_options = SSLOptions(_context(files), parts.hostname)
    return parameters


def _context(files: Mapping[str, str]) -> ssl.SSLContext:
    """Return a context that trusts the authorities of `cafile`, else the system's, and shows a certificate if given."""
    context = ssl.create_default_context(cafile=files.get("cafile"))
    if "certfile" in files or "keyfile" in files:
        context.load_cert_chain(files["certfile"], files.get("keyfile"))
    return context


def _is_verified(context: ssl.SSLContext) -> bool:
    return context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
