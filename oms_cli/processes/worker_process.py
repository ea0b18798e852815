"""What one process of `oms worker` does: place orders and expire holds, or publish events, until it is told to stop."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from functools import partial
from multiprocessing.connection import Connection

from oms_cli.processes.logs import configure_logging
from oms_core import Oms
from oms_core.bootstrap import open_metrics
from oms_core.runtime.background_thread import start_thread
from oms_core.settings import Settings

STOP_SECONDS = 30.0

_log = logging.getLogger(__name__)


class Role(Enum):
    """What a process is for."""

    WORKER = "worker"
    EVENT_RELAY = "event relay"


# Where service and workers share a machine that is too small, requests come first, then placing, then events (nice(2)).
_NICENESS = {Role.WORKER: 5, Role.EVENT_RELAY: 10}


def run_process(settings: Settings, role: Role, is_measured: bool, ready: Connection) -> None:
    """Work until SIGTERM or the parent's death, which let the batch in hand finish; tell through `ready` when begun.

    Whatever of it is not over 30 seconds after the parent's death is cut off. Ctrl-C is the parent's to hear of.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    for left_to_the_parent in (signal.SIGINT, signal.SIGHUP):
        signal.signal(left_to_the_parent, signal.SIG_IGN)
    configure_logging(settings)
    os.nice(_NICENESS[role])
    metrics = open_metrics() if is_measured else None
    with Oms.open(replace(settings, group_commit=False), create=False, metrics=metrics) as oms:
        run = oms.run_worker if role is Role.WORKER else oms.run_event_relay
        start_thread(partial(_stop_with_parent, stop), name="oms-parent")
        if metrics is not None and role is Role.WORKER:
            oms.start_queue_report()
        sweep = start_thread(partial(oms.run_hold_sweep, stop), name="oms-hold-sweep") if role is Role.WORKER else None
        ready.send(True)
        ready.close()
        _on_a_thread(run, stop)
        if sweep is not None:
            sweep.join(STOP_SECONDS)
    _log.info("the %s has stopped", role.value)


def _on_a_thread(run: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Work on a thread of its own: a signal's handler must not set an event whose lock its own thread holds."""
    start_thread(partial(run, stop), name="oms-work").join()
    if not stop.is_set():
        raise SystemExit(1)


def _stop_with_parent(stop: threading.Event) -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    stop.set()
    time.sleep(STOP_SECONDS)
    os._exit(1)
