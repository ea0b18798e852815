"""The service as a plain WSGI application for any server: `gunicorn oms_http.wsgi:app`.

`app` opens the service that the OMS_* variables describe at its first request, so that it does so in the process that
answers, after any fork. `create()` does the same at once, for servers that take a factory: a wrong setting then stops
the start.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask

from oms_core import Oms, bootstrap
from oms_core.runtime.forks import begin_in_each_process
from oms_core.settings import Settings
from oms_core.settings.sources import load_settings
from oms_http.app import create_app
from oms_http.settings import HttpSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def open_oms(settings: Settings, http: HttpSettings) -> Oms:
    """Open the system for a server process: with metrics, and with threads left over to read and to refuse.

    Where the queue is in memory, nobody else can be told of accepted orders: a thread of this process places them.
    Another thread reports on the queue. The caller closes it, in this process.
    """
    oms = Oms.open(
        settings,
        metrics=bootstrap.open_metrics(),
        waiting_max=waiting_max(http),
        outcomes_max=max(1, http.http_threads // 4),
    )
    if urlsplit(settings.queue_url).scheme == "memory":
        oms.start_worker()
    oms.start_queue_report()
    return oms


def waiting_max(settings: HttpSettings) -> int:
    """Return how many threads may wait for a group commit: an eighth of them, and one more, stays free for the rest."""
    return max(1, settings.http_threads - 1 - settings.http_threads // 8)


def create() -> Flask:
    """Make the application that the OMS_* variables describe, closed as the process exits. Raise `invalid_setting`."""
    http = load_settings(HttpSettings, os.environ)
    oms = open_oms(Settings.load(os.environ), http)
    atexit.register(oms.close)
    return create_app(oms, settings=http)


class LazyApplication:
    """A WSGI application that `create` makes at the first request."""

    def __init__(self) -> None:
        self._app: WSGIApplication | None = None
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if self._app is None:
            with self._lock:
                self._app = self._app or create()
        return self._app(environ, start_response)


app = LazyApplication()
