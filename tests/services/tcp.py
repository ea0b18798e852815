"""Ports on the loopback interface."""

from __future__ import annotations

import fcntl
import socket
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from tests.services.unusable import ServerUnusable

LOOPBACK = "127.0.0.1"
# Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections. Inside
# it, a client that dials a stopped server's port may be given that very port, be connected to itself, and
# so keep the server from coming back.
LISTENING_PORTS = range(20_000, 30_000)


_BLOCK = 200


def free_port() -> int:
    """Give a TCP port of 127.0.0.1 on which nothing listens now and no outgoing connection will start.

    It is of a block that no other process of any test run on this machine is given, and is not given again before all
    others of it, so nobody takes it before the server that it is for.
    """
    ports, _ = _own_block()
    for port in islice(ports, _BLOCK):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError(f"none of the {_BLOCK} ports of this process is free")


@cache
def _own_block() -> tuple[Iterator[int], IO[str]]:
    """Take a block of ports, round and round, by the lock of a file that is held for as long as this process lives."""
    folder = Path(tempfile.gettempdir()) / "oms-test-ports"
    folder.mkdir(exist_ok=True)
    for start in LISTENING_PORTS[::_BLOCK]:
        lock = (folder / str(start)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        return cycle(range(start, start + _BLOCK)), lock
    raise OSError(f"every block of {LISTENING_PORTS} is taken by another process of tests")


def check_listening(url: str) -> None:
    """Connect to the URL's host and port and say nothing. Raises ServerUnusable."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or LOOPBACK, address.port or 0), timeout=3).close()
    except OSError as error:
        raise ServerUnusable(str(error)) from error
