"""Request batches over small WSGI functions, on an event loop whose timers go off when a test says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

from oms_core.runtime.call_batches import batch_joined
from oms_http.edge.answer_headers import PLAIN
from oms_http.server.answer_room import AnswerRoom
from oms_http.server.answers import Answer, WsgiRunner
from oms_http.server.batches import RequestBatches
from oms_http.server.threads import RequestThreads

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

SECONDS = 20.0
BATCH_THREAD = "oms-http-batches"
Result = TypeVar("Result")
Handler = Callable[[dict[str, Any]], str]


class Gate:
    """A place where one request stops until the test lets it go on; later ones pass."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def stop(self) -> None:
        self.reached.set()
        assert self.opened.wait(SECONDS), "nobody opened the gate"

    def await_one(self) -> None:
        assert self.reached.wait(SECONDS), "nobody came to the gate"


class Shop:
    """What orders are handed in to: it keeps the transactions, and the thread of each."""

    def __init__(self) -> None:
        self.transactions: list[list[Any]] = []
        self.threads: list[str] = []
        self.before_writing: Callable[[Sequence[Any]], object] = len

    @property
    def orders(self) -> list[Any]:
        return [order for transaction in self.transactions for order in transaction]

    def write(self, orders: Sequence[Any]) -> list[Any]:
        self.before_writing(orders)
        self.transactions.append(list(orders))
        self.threads.append(threading.current_thread().name)
        return [f"order {order}" for order in orders]

    def place(self, order: object) -> str:
        """Hand an order in as the core does."""
        batch = batch_joined()
        given: Any = order
        return str(self.write([given])[0] if batch is None else batch.hand_in(self.write, given))


class Timers:
    """A loop whose timers wait for the test; all else is the loop's own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.due: list[Callable[[], object]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_later(self, _seconds: float, callback: Callable[[], object]) -> None:
        self.due.append(callback)


class BatchServer:
    """RequestBatches in front of handlers by path; `/buy/N` places order N. Paths that begin with /alone do not join.

    Requests reach the batch thread in the order in which they are asked.
    """

    def __init__(self, *, threads: int = 4, in_flight_max: int = 2_000, room: AnswerRoom | None = None) -> None:
        self.shop = Shop()
        self.handlers: dict[str, Handler] = {}
        self.answered_by: dict[str, str] = {}
        self.gates: list[Gate] = []
        self._loop = asyncio.new_event_loop()
        self._running = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._running.start()
        self.timers = Timers(self._loop)
        room = room or AnswerRoom(places=4, bytes_max=10**6, wait_seconds=0)
        runner = WsgiRunner(app=self._app, answer_headers=PLAIN, room=room, bytes_max=10**7)
        self.threads = RequestThreads(
            runner, name="oms-http", threads=threads, in_flight_max=in_flight_max, loop=self.timers
        )
        self.batches = self.on_loop(
            lambda: RequestBatches(
                runner,
                joins=lambda environ: not environ["PATH_INFO"].startswith("/alone"),
                threads=self.threads,
                in_flight_max=in_flight_max,
                loop=self.timers,
            )
        )

    def ask(self, path: str, body: bytes = b"") -> Future[Answer]:
        """Begin a request; it has reached its thread once the loop has done what is asked of it next."""
        return asyncio.run_coroutine_threadsafe(self._answer(path, body), self._loop)

    def ask_all(self, paths: Iterable[str]) -> list[Future[Answer]]:
        """Begin requests, and return when all have reached their threads."""
        asked = [self.ask(path) for path in paths]
        self.on_loop(bool)
        return asked

    def on_loop(self, work: Callable[[], Result]) -> Result:
        async def run() -> Result:
            return work()

        return self.awaited(run())

    def awaited(self, work: Awaitable[Result]) -> Result:
        async def run() -> Result:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(SECONDS)

    def tick(self, times: int = 1) -> None:
        """Have the timers go off that were set."""
        for _ in range(times):
            due, self.timers.due = self.timers.due, []
            for callback in due:
                self.on_loop(callback)

    def is_idle(self) -> bool:
        thread = self.batches._thread
        return thread is not None and thread.is_idle

    def close(self, seconds: float = SECONDS) -> None:
        self.on_loop(lambda: self.batches.close(timeout_seconds=seconds))
        self.on_loop(lambda: self.threads.close(timeout_seconds=seconds))

    def end(self) -> None:
        for gate in self.gates:
            gate.opened.set()
        with suppress(TimeoutError):
            self.close(1)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._running.join(SECONDS)
        self._loop.close()

    async def _answer(self, path: str, body: bytes) -> Answer:
        return await self.batches.answer(environ_of(path, body))

    def _app(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        handle = self.handlers.get(path, lambda _: self.shop.place(path.rpartition("/")[2]))
        text = handle(environ)
        self.answered_by[path] = threading.current_thread().name
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [text.encode()]


def environ_of(path: str, body: bytes = b"") -> dict[str, Any]:
    """Return the environ of a request."""
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "wsgi.input": BytesIO(body),
        "wsgi.url_scheme": "http",
        "oms.request_id": f"request of {path}",
    }


def texts(asked: Iterable[Future[Answer]]) -> list[str]:
    """Return what good answers say."""
    answers = [each.result(SECONDS) for each in asked]
    assert {answer.status for answer in answers} <= {200}
    return [answer.body.decode() for answer in answers]


def statuses(asked: Iterable[Future[Answer]]) -> list[int]:
    return [each.result(SECONDS).status for each in asked]


def buying(numbers: Iterable[int]) -> list[str]:
    return [f"/buy/{number}" for number in numbers]


def bought(numbers: Iterable[int]) -> list[str]:
    return [f"order {number}" for number in numbers]


def stopping(server: BatchServer, path: str, then: Handler) -> Gate:
    """Have a path stop at a gate, and then do something."""
    gate = Gate()
    server.gates.append(gate)

    def handle(environ: dict[str, Any]) -> str:
        gate.stop()
        return then(environ)

    server.handlers[path] = handle
    return gate


def held_up(server: BatchServer, path: str = "/first") -> tuple[Gate, Future[Answer]]:
    """Keep the batch thread at a request, so that what is asked meanwhile comes together."""
    gate = stopping(server, path, lambda _: "done")
    first = server.ask(path)
    gate.await_one()
    return gate, first


def header(answer: Answer, name: str) -> str | None:
    """Return a header of an answer."""
    headers: Mapping[str, str] = dict(answer.headers)
    return headers.get(name)


def stuck(server: BatchServer, paths: Sequence[str]) -> tuple[Gate, Future[Answer], list[Future[Answer]]]:
    """Have requests parked at their hand-in behind one that does not come back; it places order `stuck` if it does."""
    gate, _ = held_up(server)
    last = stopping(server, "/stuck", lambda _: server.shop.place("stuck"))
    *parked, behind = server.ask_all([*paths, "/stuck"])
    gate.opened.set()
    last.await_one()
    return last, behind, parked
