"""Request batches between a test client and the application, as the server has them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask import Flask

from oms_http.orders.place import joins_batch
from oms_http.server.batch_thread import BatchThread, Call
from oms_http.server.batches import HEAD_ONLY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

SECONDS = 60.0
Answer = tuple[str, list[tuple[str, str]], bytes]


@contextmanager
def sharing_a_thread(app: Flask) -> Iterator[None]:
    """Answer orders of an application by one thread that takes all that wait; a request of a client waits for it."""
    own, thread = app.wsgi_app, None

    def answer(environ: dict[str, Any]) -> Any:
        return whole(own, environ)

    def shared(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        assert thread is not None
        if HEAD_ONLY in environ or not joins_batch(environ):
            return own(environ, start_response)
        future: Future[Answer] = Future()
        given: Any = future
        thread.put(Call(given, environ))
        status, headers, body = future.result(SECONDS)
        start_response(status, headers)
        return [body]

    thread = BatchThread(answer, deliver=deliver, elsewhere=elsewhere)
    app.wsgi_app = shared  # type: ignore[method-assign]  # As a middleware would.
    try:
        yield
    finally:
        assert thread.close(timeout_seconds=SECONDS)


def whole(app: WSGIApplication, environ: dict[str, Any]) -> Answer:
    """Run an application to the end of its answer."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
        started.append((status, headers))
        return bytes

    pieces = app(environ, start_response)
    try:
        body = b"".join(pieces)
    finally:
        getattr(pieces, "close", bool)()
    return (*started[-1], body)


def deliver(answered: Sequence[Any]) -> None:
    for future, answer in answered:
        future.set_result(answer)


def elsewhere(work: Callable[[], object]) -> None:
    threading.Thread(target=work, daemon=True).start()
