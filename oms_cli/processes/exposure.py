"""Refuses to serve other machines without authentication."""

from __future__ import annotations

import ipaddress
import socket

from oms_core.errors import OmsError
from oms_core.settings import Settings


def check_exposure(settings: Settings) -> None:
    """Raise `invalid_setting` for an unknown host, and unless callers bring API keys or the host is loopback."""
    is_loopback = _is_loopback(settings.host)
    if settings.auth_in_force == "off" and not is_loopback:
        detail = (
            "is not loopback, and with OMS_AUTH=off whoever reaches it may do everything; use API keys, or 127.0.0.1"
        )
        raise OmsError("invalid_setting", f"OMS_HOST: {settings.host or 'every address'} {detail}")


def _is_loopback(host: str) -> bool:
    """Return whether every address of a host name is loopback; an empty one means every address of the machine."""
    if not host:
        return False
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise OmsError("invalid_setting", f"OMS_HOST: {host!r} is no address: {error.strerror}") from error
    return all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)
