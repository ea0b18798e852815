"""A stop that is announced before it begins, so that balancers hear of it while requests are still taken.

SIGTERM announces the stop, and SIGINT stops at once: granian's own handler of SIGINT is left as it is. A supervisor may
send SIGTERM to all processes or to the parent alone (systemd does either, by KillMode), and the parent hands it on; so
a process that gets it twice takes it as one. The parent alone hears that somebody has lost patience.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def announce_stops(loop: asyncio.AbstractEventLoop, seconds: float, announce: Callable[[], object]) -> None:
    """Have the first SIGTERM call `announce`, and stop this worker process `seconds` later. For its main thread.

    A SIGINT stops it before that. With 0 seconds SIGTERM stops it at once, as granian does.
    """
    if not seconds:
        return

    def begin() -> None:
        loop.add_signal_handler(signal.SIGTERM, _heard_already)
        announce()
        loop.call_later(seconds, signal.raise_signal, signal.SIGINT)

    loop.add_signal_handler(signal.SIGTERM, begin)


def _heard_already() -> None:
    """Do nothing about a further SIGTERM."""


class StopSignals:
    """What the parent does about signals: the first SIGTERM stops, and every further signal hurries that.

    A SIGINT (Ctrl-C) and a closing terminal's SIGHUP stop without an announcement: whoever is there waits for it.
    """

    def __init__(self, server: Any) -> None:
        """`server` is granian's, whose type has no name."""
        self._server = server

    def listen(self) -> None:
        """Take the signals over from granian; SIGHUP too, which would reload, unless nohup said otherwise."""
        signal.signal(signal.SIGTERM, lambda _signal, _frame: self._stop())
        signal.signal(signal.SIGINT, lambda _signal, _frame: self._stop_at_once())
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, lambda _signal, _frame: self._stop_at_once())

    def _stop(self) -> None:
        if self._server.interrupt_signal:
            self._stop_at_once()
        else:
            self._server.signal_handler_interrupt()

    def _stop_at_once(self) -> None:
        """Send SIGINT to every worker process, then let granian send its SIGTERM and wait for them."""
        if multiprocessing.parent_process() is None:  # A worker process has these handlers for a moment, if forked.
            for worker in filter(_is_alive, self._server.wrks):
                with suppress(ProcessLookupError):  # It may end right now.
                    os.kill(worker.inner.pid, signal.SIGINT)
        self._server.signal_handler_interrupt()


def _is_alive(worker: Any) -> bool:
    return bool(worker.is_alive())
