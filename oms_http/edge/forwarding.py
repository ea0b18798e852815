"""Who really asks when a proxy stands in between: what X-Forwarded-* say is believed of trusted proxies only."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PEER = "oms.peer"  # In the environ: who holds the connection, when REMOTE_ADDR has become who asks.
_FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"
_HOPS_MAX = 16
_SCHEMES = frozenset({"http", "https"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The addresses whose X-Forwarded-For and X-Forwarded-Proto are believed: any client can send both."""

    networks: tuple[Network, ...]

    @classmethod
    def read(cls, texts: Iterable[str]) -> TrustedProxies:
        """Read addresses and CIDRs. Raises ValueError for one that is neither."""
        return cls(tuple(ipaddress.ip_network(text) for text in texts))

    def trusts(self, text: str) -> bool:
        """Tell whether an address is one of them."""
        address = _read_address(text)
        return address is not None and self._trusts(address)

    def resolve(self, environ: dict[str, Any]) -> bool:
        """Let REMOTE_ADDR and wsgi.url_scheme be the client's, as far as trusted proxies tell; keep the peer beside.

        It tells whether the peer is believed.
        """
        peer = environ.get("REMOTE_ADDR", "")
        if not self.trusts(peer):
            return False
        environ[PEER] = peer
        if environ.get("HTTP_X_FORWARDED_PROTO") in _SCHEMES:
            environ["wsgi.url_scheme"] = environ["HTTP_X_FORWARDED_PROTO"]
        client = self._client(environ.get(_FORWARDED_FOR, ""))
        if client is not None:
            environ["REMOTE_ADDR"] = str(client)
        return True

    def _client(self, chain: str) -> Address | None:
        """Return the rightmost address that is not trusted: proxies append whom they saw, and clients invent the rest.

        None if a trusted hop wrote something else, or if there are only trusted ones: then the peer is all one knows.
        """
        for hop in reversed(chain.rsplit(",", _HOPS_MAX)[-_HOPS_MAX:]):
            address = _read_address(hop.strip(" \t"))
            if address is None or not self._trusts(address):
                return address
        return None

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def behind(app: WSGIApplication, proxies: Sequence[str]) -> WSGIApplication:
    """Wrap an application so that it sees clients and not trusted proxies, and untrusted ones are told of in the log.

    That happens once: what is limited by address counts all clients of such a proxy as one, which nobody would see.
    """
    trusted, untrusted = TrustedProxies.read(proxies), _Untrusted()

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not trusted.resolve(environ) and _FORWARDED_FOR in environ:
            untrusted.tell(environ.get("REMOTE_ADDR", ""))
        return app(environ, start_response)

    return answer


class _Untrusted:
    """Tells of the first peer that forwards for others and is not believed."""

    def __init__(self) -> None:
        self._is_told = False

    def tell(self, peer: str) -> None:
        """Log it, unless one was."""
        if not self._is_told:
            self._is_told = True
            _log.warning(
                "X-Forwarded-For of %a is not believed: limits count all who come through it as one address; "
                "name it in OMS_TRUSTED_PROXIES if it is a proxy of yours",
                peer,
            )


def _read_address(text: str) -> Address | None:
    """Read an address; one of IPv4 in IPv6's clothes (::ffff:192.0.2.1, of a socket for both) is the IPv4 one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped
