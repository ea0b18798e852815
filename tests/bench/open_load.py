"""An open-loop load generator: it sends at its own pace, however slowly it is answered, from a process of its own."""

from __future__ import annotations

import multiprocessing
import selectors
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from tests.bench.load import RECEIVE_BYTES, ClientConnection, Latency, answer_length, latency_of

OPENED_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLoad:
    """The same `request` `per_second` times a second for `seconds`; what was sent in `warm_up_seconds` is not counted.

    A request takes the connection that has been free longest, or a new one, up to `connections_max`.
    """

    host: str
    port: int
    request: bytes
    per_second: float
    seconds: float
    warm_up_seconds: float = 2.0
    connections_max: int = 4_000
    answers_awaited_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReport:
    """What became of it: latencies count from when a request was due, so that a late sender blames nobody else.

    `sent` and `unanswered` count requests due after the warm-up; `answered` counts those answered within `seconds`
    whenever they were due; `late_p99_ms` is how far the generator itself lagged behind; `retry_after` counts values.
    """

    seconds: float
    sent: int
    unanswered: int
    late_p99_ms: float
    by_status: Mapping[int, Latency]
    answered: Mapping[int, int]
    retry_after: Mapping[int, int]


def run_open_load(load: OpenLoad) -> OpenReport:
    """Send the load and wait for its report."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_send, load).result()


def _send(load: OpenLoad) -> OpenReport:
    return _OpenGenerator(load).run()


class _OpenGenerator:
    def __init__(self, load: OpenLoad) -> None:
        self.load = load
        self.selector = selectors.DefaultSelector()
        self.free: deque[ClientConnection] = deque()
        self.opened = 0
        self.seconds_of: defaultdict[int, list[float]] = defaultdict(list)
        self.answered: defaultdict[int, int] = defaultdict(int)
        self.retry_after: defaultdict[int, int] = defaultdict(int)
        self.late: list[float] = []
        self.under_way = 0
        self.sent = 0

    def run(self) -> OpenReport:
        for _ in range(OPENED_AT_ONCE):
            self._open()
        self.counts_from = time.perf_counter() + self.load.warm_up_seconds
        self.ends_at = self.counts_from + self.load.seconds
        due, step = time.perf_counter(), 1 / self.load.per_second
        while due < self.ends_at:
            while due <= time.perf_counter():
                self._send(due)
                due += step
            self._pump(max(0.0, due - time.perf_counter()))
        until = time.perf_counter() + self.load.answers_awaited_seconds
        while self.under_way and time.perf_counter() < until:
            self._pump(0.1)
        return self._report()

    def _open(self) -> None:
        connection = ClientConnection((self.load.host, self.load.port))
        self.selector.register(connection.socket, selectors.EVENT_READ, connection)
        self.free.append(connection)
        self.opened += 1

    def _send(self, due: float) -> None:
        if not self.free and self.opened < self.load.connections_max:
            self._open()
        if due >= self.counts_from:
            self.sent += 1
        if not self.free:  # It stays unanswered, and is counted as such.
            return
        connection = self.free.popleft()
        connection.buffer, connection.needed, connection.sent_at = b"", 0, due
        if due >= self.counts_from:
            self.late.append(time.perf_counter() - due)
        self.under_way += 1
        connection.socket.sendall(self.load.request)

    def _pump(self, seconds: float) -> None:
        for key, _ in self.selector.select(seconds):
            connection: ClientConnection = key.data
            received = connection.socket.recv(RECEIVE_BYTES)
            if not received:
                raise ConnectionError("the server closed a connection")
            connection.buffer += received
            connection.needed = connection.needed or answer_length(connection.buffer)
            if connection.needed and len(connection.buffer) >= connection.needed:
                self._count(connection)

    def _count(self, connection: ClientConnection) -> None:
        now = time.perf_counter()
        status = int(connection.buffer[9:12])
        self.free.append(connection)
        self.under_way -= 1
        if self.counts_from <= now <= self.ends_at:
            self.answered[status] += 1
        if connection.sent_at >= self.counts_from:
            self.seconds_of[status].append(now - connection.sent_at)
            if (seconds := _retry_after(connection.buffer)) is not None:
                self.retry_after[seconds] += 1

    def _report(self) -> OpenReport:
        answers = sum(len(seconds) for seconds in self.seconds_of.values())
        return OpenReport(
            seconds=self.load.seconds,
            sent=self.sent,
            unanswered=self.sent - answers,
            late_p99_ms=latency_of(self.late).p99_ms,
            by_status={status: latency_of(seconds) for status, seconds in self.seconds_of.items()},
            answered=dict(self.answered),
            retry_after=dict(self.retry_after),
        )


def _retry_after(answer: bytes) -> int | None:
    _, found, rest = answer.lower().partition(b"\r\nretry-after: ")
    return int(rest[: rest.find(b"\r\n")]) if found else None
