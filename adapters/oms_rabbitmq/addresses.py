"""Where a broker is, read from OMS_QUEUE_URL; what is wrong with it is told without its password."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from pika.connection import URLParameters

from oms_core.errors import OmsError

# Unless the URL says otherwise. The bounds on waiting for answers are the link's own.
_TIMES = {
    "heartbeat": 10,
    "socket_timeout": 2.0,
    "stack_timeout": 2.5,
    "blocked_connection_timeout": 2.5,
}
_SHAPE = "must be amqp:// or amqps://user:password@host:port/vhost, with special characters percent-encoded"


@dataclass(frozen=True, slots=True)
class Address:
    """One broker and virtual host; `url` was checked and holds the password."""

    url: str

    def parameters(self, role: str) -> URLParameters:
        """Give pika's parameters for one connection, which the broker's tools show as `oms <role>`."""
        parameters = URLParameters(self.url)
        given = parse_qs(urlsplit(self.url).query)
        for name, value in _TIMES.items():
            if name not in given:
                setattr(parameters, name, value)
        parameters.client_properties = {**(parameters.client_properties or {}), "connection_name": f"oms {role}"}
        return parameters

    def describe(self) -> str:
        """Name host, port and virtual host."""
        parameters = URLParameters(self.url)
        return f"RabbitMQ at {parameters.host}:{parameters.port}, virtual host {parameters.virtual_host}"


def read_address(url: str) -> Address:
    """Check a URL. Raises `invalid_setting`, which never quotes it."""
    try:
        parts = urlsplit(url)
        URLParameters(url)
    except (ValueError, TypeError, LookupError, SyntaxError, AttributeError, OSError):
        parts = None
    if parts is None or parts.scheme not in ("amqp", "amqps") or not parts.hostname:
        raise OmsError("invalid_setting", f"OMS_QUEUE_URL {_SHAPE}")  # The cause would quote parts of the password.
    return Address(url)
