"""Runs the server: one parent that binds, watches and stops the worker processes which answer."""

from __future__ import annotations

import http.client
import logging
import math
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels

from oms_core.runtime.background_thread import start_thread
from oms_http.server.bridge import Bridge
from oms_http.server.options import ServerOptions, WsgiService
from oms_http.server.process import connections_possible, hold_stop_signals
from oms_http.server.stops import StopSignals
from oms_http.server.tls import TlsFiles, trusting_context

READY_POLL_SECONDS = 0.05
READY_ANSWER_SECONDS = 5.0
KILL_MARGIN_SECONDS = 5

_log = logging.getLogger(__name__)
_LOG_THROUGH_THE_ROOT: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"propagate": True}},
}


def serve(
    target: Callable[[], WsgiService],
    *,
    options: ServerOptions,
    on_ready: Callable[[str], None] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT; call it from the main thread. Return the exit status: 0 after such a stop.

    `target` is called once in each worker process, before the port is bound there, and must be picklable (a function
    of a module, or a partial of one); the `close` it returns is called when that process stops. `on_ready` is called
    here with the service's URL once a worker answers. A stop finishes the requests in flight, then closes. A SIGTERM
    announces it (`oms.draining`) for `lame_duck_seconds`, which a second signal cuts short; SIGINT does not announce.

    A worker that dies is replaced; when the replacement dies within seconds too, the server gives up and returns 1.
    Raise TlsFileError for files that no TLS can be served with, OSError if the address cannot be listened on (taken,
    not ours, not allowed), each said in one line.
    """
    if options.tls is not None:
        options.tls.check()
    address = free_address(options)
    options = replace(options, host=address[0], port=address[1], connections_max=connections_possible(options))
    server = _granian(address, options)
    stopping = threading.Event()
    server.on_startup(partial(_on_startup, server, _Ready(address, options.tls, on_ready), stopping))
    try:
        server.serve(target_loader=partial(_load, target, options), wrap_loader=False)
    except SystemExit as error:
        return 0 if server.interrupt_signal else int(error.code or 1)
    finally:
        stopping.set()
    return 0


def _granian(address: tuple[str, int], options: ServerOptions) -> Any:
    """Make the server, typed Any because granian gives its type no name."""
    host, port = address
    return Granian(
        "oms",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=options.processes,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        ssl_cert=options.tls.certificate if options.tls else None,
        ssl_key=options.tls.key if options.tls else None,
        ssl_protocol_min=SSLProtocols.tls12,
        backlog=options.backlog,
        backpressure=options.connections_max,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(options.head_timeout_seconds * 1000),
            max_buffer_size=options.head_bytes_max,
        ),
        log_level=LogLevels.warning,
        log_dictconfig=_LOG_THROUGH_THE_ROOT,
        respawn_failed_workers=True,
        workers_kill_timeout=_kill_timeout_seconds(options),
    )


def _kill_timeout_seconds(options: ServerOptions) -> int:
    return math.ceil(options.lame_duck_seconds) + options.graceful_timeout_seconds + KILL_MARGIN_SECONDS


def _load(target: Callable[[], WsgiService], options: ServerOptions) -> Bridge:
    hold_stop_signals()  # Whatever was opened is closed, also by a stop that comes while it is being opened.
    return Bridge(target(), options)


def free_address(options: ServerOptions) -> tuple[str, int]:
    """Find the numeric address to bind. Raise OSError, said in one line, if it cannot be listened on.

    granian shares ports (SO_REUSEPORT), so it would not notice another server.
    """
    try:
        found = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = min(found, key=lambda info: info[0])
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
            bound = probe.getsockname()
            return str(bound[0]), int(bound[1])
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno, f"cannot listen on {options.host}:{options.port}: {reason}") from error


@dataclass(frozen=True, slots=True)
class _Ready:
    """Whom to tell, and where to look, whether the server answers."""

    address: tuple[str, int]
    tls: TlsFiles | None
    on_ready: Callable[[str], None] | None

    def announce(self, stopping: threading.Event) -> None:
        host, port = self.address
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        while not stopping.wait(READY_POLL_SECONDS):
            if self._answers(reachable, port):
                assert self.on_ready is not None  # noqa: S101  Else nobody would have asked.
                scheme = "https" if self.tls else "http"
                self.on_ready(
                    f"{scheme}://[{reachable}]:{port}" if ":" in reachable else f"{scheme}://{reachable}:{port}"
                )
                return

    def _answers(self, host: str, port: int) -> bool:
        connection = (
            http.client.HTTPSConnection(host, port, timeout=READY_ANSWER_SECONDS, context=trusting_context())
            if self.tls
            else http.client.HTTPConnection(host, port, timeout=READY_ANSWER_SECONDS)
        )
        try:
            connection.request("HEAD", "/healthz")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True


def _on_startup(server: Any, ready: _Ready, stopping: threading.Event) -> None:
    StopSignals(server).listen()
    if ready.on_ready is not None:
        start_thread(partial(ready.announce, stopping), name="oms-ready")
