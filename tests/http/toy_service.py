"""A WSGI service that shows what the server hands over: `python -m tests.http.toy_service OPTIONS` (a JSON object)."""

from __future__ import annotations

import io
import json
import logging
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oms_http.server import BodyLimit, OwnPool, ServerOptions, TlsFiles, WsgiService, serve

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

GATE_SECONDS = 30
TILL_SECONDS = 0.01
MEBIBYTE = 1024 * 1024
WAITING = frozenset({"/till", "/wait"})


def seven() -> int:
    return 7


def show(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the environ and the size of the body, which is read to its end."""
    shown: dict[str, Any] = {key: value for key, value in environ.items() if isinstance(value, str | bool)}
    body = environ["wsgi.input"]
    shown["pid"] = os.getpid()
    shown["thread"] = threading.current_thread().name
    shown["input"] = type(body).__name__
    shown["received"] = sum(len(piece) for piece in iter(partial(body.read, MEBIBYTE), b""))
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(shown).encode()]


def stream(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
    """Answer with as many MiB as the query says, a generator without Content-Length."""
    start_response("200 OK", [("Content-Type", "text/csv")])
    for number in range(int(environ["QUERY_STRING"])):
        yield bytes([number % 256]) * MEBIBYTE


def fail_half_way(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/csv")])
    yield b"a first line\n"
    raise RuntimeError("the secret of the second line")


class ToyApp:
    """Any path waits at a gate if the query is `hold`; `/gate`, in a pool of its own, opens it for good.

    `/kept` is 8 MiB that are always there, `/file` the same in a new file. `/till` serves one request at a time, each
    in 10 ms; `/wait` says that it waits on purpose.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.till = threading.Lock()
        self.never = threading.Event()
        self.kept = bytes(8 * MEBIBYTE)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/wait":
            environ["oms.begin_waiting"]()
        if environ["QUERY_STRING"] == "hold":
            print("HELD", flush=True)
            assert self.gate.wait(GATE_SECONDS)
        match environ["PATH_INFO"]:
            case "/stream":
                return stream(environ, start_response)
            case "/kept":
                start_response("200 OK", [("Content-Type", "text/plain")])
                kept: Iterable[bytes] = environ["wsgi.file_wrapper"](io.BytesIO(self.kept))
                return kept
            case "/file":
                file = tempfile.TemporaryFile()  # noqa: SIM115  The answer closes it.
                file.write(self.kept)
                start_response("200 OK", [("Content-Type", "text/plain")])
                written: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
                return written
            case "/limited":
                start_response("429 Too Many Requests", [("Content-Type", "text/plain")])
                return [b"too many"]
            case "/fail":
                return fail_half_way(environ, start_response)
            case "/gate":
                self.gate.set()
            case "/till":
                with self.till:
                    self.never.wait(TILL_SECONDS)
            case "/exit":
                os._exit(3)
        return show(environ, start_response)


def waits_for_nothing(environ: Mapping[str, Any]) -> bool:
    return environ["QUERY_STRING"] != "hold" and environ["PATH_INFO"] not in WAITING


def open_service(*, in_batches: bool = False) -> WsgiService:
    logging.basicConfig(level=logging.INFO)
    print(f"OPENED {os.getpid()}", flush=True)
    return WsgiService(
        app=ToyApp(),
        close=lambda: print(f"CLOSED {os.getpid()}", flush=True),
        on_refusal=lambda method, status: print(f"REFUSED {method} {status}", flush=True),
        joins_batch=waits_for_nothing if in_batches else None,
    )


def open_while_stopping() -> WsgiService:
    os.kill(os.getpid(), signal.SIGTERM)
    return open_service()


def fail_to_open() -> WsgiService:
    raise RuntimeError("this service does not open")


TARGETS = {
    "well": open_service,
    "in batches": partial(open_service, in_batches=True),
    "while stopping": open_while_stopping,
    "never": fail_to_open,
}


def main() -> int:
    given = json.loads(sys.argv[1])
    if "start_method" in given:
        multiprocessing.set_start_method(given.pop("start_method"))
    if "files_max" in given:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (given.pop("files_max"), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        )
    target = TARGETS[given.pop("opens", "well")]
    if "tls" in given:
        certificate, key = map(Path, given["tls"])
        given["tls"] = TlsFiles(certificate=certificate, key=key)
    options = ServerOptions(
        own_pools={"/gate": OwnPool(places=16), "/few": OwnPool(places=2)},
        body_limits=(BodyLimit(path="/import", bytes_max=100 * MEBIBYTE, spooled=True),),
        retry_after_seconds=None if given.pop("computes_retry_after", False) else seven,
        **given,
    )
    return serve(target, options=options, on_ready=lambda url: print(f"READY {url}", flush=True))


if __name__ == "__main__":
    sys.exit(main())
