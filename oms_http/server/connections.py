"""Keeps one client from holding all connections of a process, handshakes of TLS included, and frozen readers from any.

granian bounds how many connections are served, and knows nothing of who holds them; a TLS handshake takes an open file
of this process for up to 10 s without counting. So what is open is looked at from beside, twice a second.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import resource
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from oms_core.runtime.background_thread import start_thread

CHECK_SECONDS = 0.5
_STARTING_SECONDS = 0.02
_NETWORK_BITS = 64  # What one customer of a provider gets of IPv6 at least.

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionBounds:
    """`port` is ours; `is_exempt` tells of an address whether it stands for many clients, as a trusted proxy does.

    `total_max`: connections and handshakes. `per_client_max`: of one IPv4 address, or of one /64 of IPv6.
    """

    port: int
    total_max: int
    per_client_max: int
    send_timeout_seconds: float
    is_exempt: Callable[[str], bool]


class ConnectionGuard:
    """Looks after the connections of this process on a thread of its own, until `close`."""

    def __init__(self, bounds: ConnectionBounds) -> None:
        self._bounds = bounds
        self._stopping = threading.Event()
        self._is_timed = False
        self._seen: dict[_File, int] = {}
        self._looks = 0

    def start(self) -> None:
        """Begin to look. Raises `overloaded` when no thread can start."""
        start_thread(self._watch, name="oms-http-guard")

    def close(self) -> None:
        """Look no more."""
        self._stopping.set()

    def _watch(self) -> None:
        while not self._stopping.wait(CHECK_SECONDS if self._is_timed else _STARTING_SECONDS):
            try:
                self._check()
            except OSError:
                _log.exception("the connections could not be looked at")

    def _check(self) -> None:
        files = _open_files()
        self._note(files)
        if not self._is_timed:
            self._is_timed = _set_send_timeout(files, self._bounds)
        if len(files) <= self._bounds.per_client_max:  # Most of the time nobody can hold too many.
            return
        held = _by_client(sorted(files, key=self._age_order), self._bounds)
        for client, numbers in held.items():
            excess = numbers[self._bounds.per_client_max :]
            if excess and not self._bounds.is_exempt(client):
                _cut(excess, self._bounds.port)
                _log.warning("cut off %d connections of %s, which held too many", len(excess), client)
                held[client] = numbers[: self._bounds.per_client_max]
        everything = [number for numbers in held.values() for number in numbers]
        excess = sorted(everything, key=self._age_order)[self._bounds.total_max :]
        if excess:
            _cut(excess, self._bounds.port)
            _log.warning("cut off %d connections, as there were more than %d", len(excess), self._bounds.total_max)

    def _note(self, numbers: Iterable[int]) -> None:
        """Keep since which look each file has been open: neither its number nor the kernel's tells its age."""
        self._looks += 1
        self._seen = {file: self._seen.get(file, self._looks) for file in map(_file, numbers)}

    def _age_order(self, number: int) -> tuple[int, int]:
        """Order by the look that saw a file first, then by its number: the next one open takes the lowest free."""
        return self._seen.get(_file(number), self._looks), number


class _File(NamedTuple):
    """An open file: its number is given again when it is closed, together with its node it is not."""

    number: int
    node: int


def _file(number: int) -> _File:
    try:
        return _File(number, os.fstat(number).st_ino)
    except OSError:
        return _File(number, 0)


def _open_files() -> list[int]:
    """List the numbers of this process's open files; all that there can be when there is none left to list them by."""
    try:
        return [int(path.name) for path in Path("/dev/fd").iterdir()]
    except OSError:
        return list(range(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))


@contextlib.contextmanager
def _borrowed(number: int) -> Iterator[socket.socket | None]:
    """Return an open file as a socket, None if it is none, and never close it.

    Nor is it duplicated: to close any duplicate of a SQLite file would release the locks on it (fcntl, close(2)).
    """
    try:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=number)
    except OSError:
        yield None
        return
    try:
        yield found
    finally:
        found.detach()


def _client(number: int, port: int) -> str | None:
    """Return the client of a connection to our port, None for anything else."""
    with _borrowed(number) as found, contextlib.suppress(OSError, IndexError, ValueError):
        if found is not None and found.getsockname()[1] == port:
            address = ipaddress.ip_address(str(found.getpeername()[0]).partition("%")[0])
            if isinstance(address, ipaddress.IPv4Address):
                return str(address)
            if address.ipv4_mapped:
                return str(address.ipv4_mapped)
            return str(ipaddress.ip_network((address, _NETWORK_BITS), strict=False).network_address)
    return None


def _by_client(files: Iterable[int], bounds: ConnectionBounds) -> dict[str, list[int]]:
    held: dict[str, list[int]] = defaultdict(list)
    for number in files:
        client = _client(number, bounds.port)
        if client is not None:
            held[client].append(number)
    return held


def _cut(numbers: Iterable[int], port: int) -> None:
    """End connections as if their clients had; granian then frees them."""
    for number in numbers:
        if _client(number, port) is not None:
            with _borrowed(number) as found, contextlib.suppress(OSError):
                assert found is not None  # noqa: S101  It has a client.
                found.shutdown(socket.SHUT_RDWR)


def _set_send_timeout(files: Iterable[int], bounds: ConnectionBounds) -> bool:
    """Let the kernel end connections whose clients take nothing of what is sent; false while nothing listens yet.

    Connections inherit it from the socket that listens (TCP_USER_TIMEOUT, tcp(7); Linux alone has it).
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return True
    has_listener = False
    for number in files:
        with _borrowed(number) as found, contextlib.suppress(OSError, IndexError):
            if found is None or found.getsockname()[1] != bounds.port:
                continue
            timeout_ms = int(bounds.send_timeout_seconds * 1000)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)
            has_listener = has_listener or bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    return has_listener
