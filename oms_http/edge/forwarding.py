"""The address of the client behind a proxy: X-Forwarded-For and X-Forwarded-Proto of trusted proxies are believed."""

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
    """The addresses whose X-Forwarded-For and X-Forwarded-Proto are believed. Any client can send both headers."""

    networks: tuple[Network, ...]

    @classmethod
    def read(cls, texts: Iterable[str]) -> TrustedProxies:
        """Read addresses and CIDRs. Raises ValueError for one that is neither."""
        return cls(tuple(ipaddress.ip_network(text) for text in texts))

    def trusts(self, text: str) -> bool:
        """Return whether an address is one of them."""
        if not self.networks:  # Then the address need not be read.
            return False
        address = _read_address(text)
        return address is not None and self._trusts(address)

    def resolve(self, environ: dict[str, Any]) -> bool:
        """Set REMOTE_ADDR and wsgi.url_scheme to the client's, as far as trusted proxies tell; keep the peer as PEER.

        Return whether the peer is trusted.
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

        Return None if a trusted proxy wrote something that is no address, or if all addresses are trusted. Then only
        the peer is known.
        """
        for hop in reversed(chain.rsplit(",", _HOPS_MAX)[-_HOPS_MAX:]):
            address = _read_address(hop.strip(" \t"))
            if address is None or not self._trusts(address):
                return address
        return None

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def behind(app: WSGIApplication, proxies: Sequence[str]) -> WSGIApplication:
    """Wrap an application so that it sees the clients behind trusted proxies.

    The first proxy that is not trusted is logged. Limits by address count all of its clients as one, which nobody would
    notice otherwise.
    """
    trusted, untrusted = TrustedProxies.read(proxies), _Untrusted()

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not trusted.resolve(environ) and _FORWARDED_FOR in environ:
            untrusted.tell(environ.get("REMOTE_ADDR", ""))
        return app(environ, start_response)

    return answer


class _Untrusted:
    """Logs the first peer that forwards for others and is not trusted."""

    def __init__(self) -> None:
        self._is_told = False

    def tell(self, peer: str) -> None:
        """Log this peer, unless another was logged before."""
        if not self._is_told:
            self._is_told = True
            _log.warning(
                "X-Forwarded-For of %a is not believed: limits count all who come through it as one address; "
                "name it in OMS_TRUSTED_PROXIES if it is a proxy of yours",
                peer,
            )


def _read_address(text: str) -> Address | None:
    """Read an address. One of IPv4 that is mapped into IPv6 (::ffff:192.0.2.1) is read as the IPv4 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped
