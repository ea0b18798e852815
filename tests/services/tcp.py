"""Ports on the loopback interface."""

from __future__ import annotations

import random
import socket
from urllib.parse import urlsplit

from tests.services.unusable import ServerUnusable

LOOPBACK = "127.0.0.1"
# Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections. Inside
# it, a client that dials a stopped server's port may be given that very port, be connected to itself, and
# so keep the server from coming back.
LISTENING_PORTS = range(20_000, 30_000)


def free_port() -> int:
    """Give a TCP port of 127.0.0.1 on which nothing listens now and no outgoing connection will start."""
    for port in random.sample(LISTENING_PORTS, k=200):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError(f"none of 200 ports tried in {LISTENING_PORTS} is free")


def check_listening(url: str) -> None:
    """Connect to the URL's host and port and say nothing. Raises ServerUnusable."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or LOOPBACK, address.port or 0), timeout=3).close()
    except OSError as error:
        raise ServerUnusable(str(error)) from error
