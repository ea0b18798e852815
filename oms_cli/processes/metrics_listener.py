"""Serves /metrics on an address of its own, away from the public port.

prometheus_client's `start_wsgi_server` does less. Its threads have no bound and its requests no deadline, and a thread
that cannot start is a traceback on stderr (test_a_listener_gives_its_places_back_when_it_cannot_answer). It answers any
path with the metrics, and HEAD with 405 (test_metrics_can_be_served_alone). It starts its thread as it binds, before
the processes that serve are started.
"""

from __future__ import annotations

import logging
import os
import socket
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from oms_core.bootstrap import open_metrics
from oms_core.errors import OmsError
from oms_core.runtime.background_thread import start_thread, starting_threads

_READ_TIMEOUT_SECONDS = 5
_CONNECTIONS_MAX = 32

_log = logging.getLogger(__name__)


@contextmanager
def metrics_of_all_processes(address: str, processes: int) -> Iterator[MetricsListener | None]:
    """Bind an address (empty: none), and let processes that have to share what they count do so.

    prometheus_client sums through files in a folder that has to be empty at the start and named before it is imported.
    """
    if not address and processes == 1:
        yield None
        return
    listener = MetricsListener(address) if address else None
    with tempfile.TemporaryDirectory(prefix="oms-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield listener


class MetricsListener:
    """A small HTTP server, bound at once and started later: a process that forks in between has no thread to lose."""

    def __init__(self, address: str) -> None:
        """Bind `host:port`. Raise `invalid_setting`, or OSError when it cannot be listened on."""
        host, port = _host_and_port(address)
        try:
            self._server = _Server((host, port), _QuietHandler)
        except OSError as error:
            raise OSError(error.errno, f"cannot listen on {address}: {error.strerror}") from error
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.server_address[1]}/metrics"

    def start(self) -> None:
        """Serve what all processes have counted, on a thread that ends with the process. Raise `overloaded`."""
        from oms_http.service.metrics_app import metrics_app

        self._server.set_app(metrics_app(open_metrics()))
        start_thread(self._server.serve_forever, name="oms-metrics")


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """Starts a thread for each connection, so a client that only connects holds up nobody. Too many are turned away."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: type[WSGIRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._places = threading.BoundedSemaphore(_CONNECTIONS_MAX)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer on a thread, if there is a place."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            with starting_threads():
                super().process_request(request, client_address)
        except OmsError as error:
            self._places.release()
            self.shutdown_request(request)
            _log.warning("/metrics was not answered: %s", error.__cause__)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, then give the place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()


class _QuietHandler(WSGIRequestHandler):
    """Writes no access log: there is a scrape every few seconds."""

    timeout = _READ_TIMEOUT_SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _host_and_port(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None or parts.path or parts.username is not None:
        detail = f"must be host:port, such as 127.0.0.1:9464; it is {address!r}"
        raise OmsError("invalid_setting", f"OMS_METRICS_ADDRESS {detail}")
    return host, port
