"""A load generator that costs the server's machine little: raw sockets on one epoll, in a process of its own."""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection

RECEIVE_BYTES = 65_536
CONNECT_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to send: `connections` keep-alive connections, each with one request under way, for `seconds`.

    `make_request` gets the number of the request (0, 1, 2, ...) and returns its bytes, head and body; it must be
    picklable. Answers must carry Content-Length. What arrives in the first `warm_up_seconds` is not counted. It is sent
    from `source`, an address of this machine.
    """

    host: str
    port: int
    make_request: Callable[[int], bytes]
    connections: int = 64
    seconds: float = 5.0
    warm_up_seconds: float = 0.5
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long answers took, in milliseconds from the request's sending to the answer's last byte."""

    answers: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What came back in `seconds`: all answers, and those of each status.

    `reconnects` counts connections that the server closed between answers, `broken` those lost within one, `silent`
    those without a single answer. `by_tenth` has the answers of each status in each tenth of a second.
    """

    seconds: float
    overall: Latency
    by_status: Mapping[int, Latency]
    reconnects: int
    broken: int
    silent: int
    by_tenth: Mapping[int, Mapping[int, int]] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Give the answers a second, whatever their status."""
        return self.overall.answers / self.seconds

    def rate_of(self, status: int) -> float:
        """Give the answers of one status a second."""
        return self.by_status[status].answers / self.seconds if status in self.by_status else 0.0

    @property
    def statuses(self) -> Mapping[int, int]:
        """Count the answers of each status."""
        return {status: latency.answers for status, latency in sorted(self.by_status.items())}


def get(path: str, *, host: str = "localhost", headers: Mapping[str, str] | None = None) -> bytes:
    """Make the bytes of a GET."""
    return _head("GET", path, host, headers or {}) + b"\r\n"


def post(path: str, body: bytes, *, host: str = "localhost", headers: Mapping[str, str] | None = None) -> bytes:
    """Make the bytes of a POST with a JSON body, unless `headers` names another Content-Type."""
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    return _head("POST", path, host, fields) + b"\r\n" + body


def always(request: bytes) -> Callable[[int], bytes]:
    """Make a `make_request` that sends the same bytes each time."""
    return partial(_fixed, request)


def run_load(load: Load) -> LoadReport:
    """Send the load from a process of its own and wait for its report."""
    fresh = multiprocessing.get_context("spawn")
    receiver, sender = fresh.Pipe(duplex=False)
    process = fresh.Process(target=_report_to, args=(sender, load), daemon=True)
    process.start()
    sender.close()
    try:
        report: LoadReport = receiver.recv()
    finally:
        process.join()
    return report


def _report_to(sender: Connection, load: Load) -> None:
    sender.send(_Generator(load).run())


def _fixed(request: bytes, _number: int) -> bytes:
    return request


def _head(method: str, path: str, host: str, headers: Mapping[str, str]) -> bytes:
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{fields}".encode()


class ClientConnection:
    """One keep-alive connection and what is under way on it."""

    __slots__ = ("answers", "buffer", "needed", "sent_at", "socket")

    def __init__(self, address: tuple[str, int], source: str = "") -> None:
        self.socket = socket.create_connection(address, CONNECT_TIMEOUT_SECONDS, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.needed = 0
        self.sent_at = 0.0
        self.answers = 0


class _Generator:
    def __init__(self, load: Load) -> None:
        self.load = load
        self.selector = selectors.DefaultSelector()
        self.number = 0
        self.seconds_of: defaultdict[int, list[float]] = defaultdict(list)
        self.by_tenth: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self.started = 0.0
        self.reconnects = 0
        self.broken = 0

    def run(self) -> LoadReport:
        for _ in range(self.load.connections):
            self._connect()
        self._pump(time.perf_counter() + self.load.warm_up_seconds)
        self.seconds_of.clear()
        self.by_tenth.clear()
        self.reconnects = self.broken = 0
        self.started = time.perf_counter()
        self._pump(self.started + self.load.seconds)
        return self._report(time.perf_counter() - self.started)

    def _pump(self, until: float) -> None:
        select = self.selector.select
        while (now := time.perf_counter()) < until:
            for key, _ in select(until - now):
                self._receive(key.data)

    def _connect(self) -> None:
        connection = ClientConnection((self.load.host, self.load.port), self.load.source)
        self.selector.register(connection.socket, selectors.EVENT_READ, connection)
        self._send(connection)

    def _send(self, connection: ClientConnection) -> None:
        request = self.load.make_request(self.number)
        self.number += 1
        connection.buffer = b""
        connection.needed = 0
        connection.sent_at = time.perf_counter()
        connection.socket.sendall(request)

    def _receive(self, connection: ClientConnection) -> None:
        try:
            received = connection.socket.recv(RECEIVE_BYTES)
        except OSError:
            received = b""
        if not received:
            self._replace(connection)
            return
        connection.buffer = connection.buffer + received if connection.buffer else received
        if not connection.needed:
            connection.needed = answer_length(connection.buffer)
        if connection.needed and len(connection.buffer) >= connection.needed:
            self._count(connection)
            self._send_or_replace(connection)

    def _count(self, connection: ClientConnection) -> None:
        now, status = time.perf_counter(), int(connection.buffer[9:12])
        connection.answers += 1
        self.seconds_of[status].append(now - connection.sent_at)
        self.by_tenth[status][int((now - self.started) * 10)] += 1

    def _send_or_replace(self, connection: ClientConnection) -> None:
        try:
            self._send(connection)
        except OSError:
            self._replace(connection)

    def _replace(self, connection: ClientConnection) -> None:
        if connection.buffer:
            self.broken += 1
        else:
            self.reconnects += 1
        self.selector.unregister(connection.socket)
        connection.socket.close()
        self._connect()

    def _report(self, seconds: float) -> LoadReport:
        return LoadReport(
            seconds=seconds,
            overall=latency_of([second for seconds_ in self.seconds_of.values() for second in seconds_]),
            by_status={status: latency_of(seconds_) for status, seconds_ in self.seconds_of.items()},
            reconnects=self.reconnects,
            broken=self.broken,
            silent=sum(not key.data.answers for key in self.selector.get_map().values()),
            by_tenth=dict(self.by_tenth),
        )


def answer_length(buffer: bytes) -> int:
    """Give the bytes of the whole answer, or 0 while its head is not complete. Raises ValueError: no Content-Length."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return 0
    head = buffer[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        raise ValueError("the load generator needs a Content-Length in each answer")
    line_end = head.find(b"\r\n", at + 2)
    return end + 4 + int(head[at + 17 : line_end if line_end > 0 else len(head)])


def latency_of(seconds: list[float]) -> Latency:
    ordered = sorted(seconds) or [0.0]

    def milliseconds(fraction: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] * 1000

    return Latency(
        answers=len(seconds),
        p50_ms=milliseconds(0.5),
        p99_ms=milliseconds(0.99),
        p999_ms=milliseconds(0.999),
        max_ms=milliseconds(1.0),
    )
