"""What a worker process arranges with its operating system: open files, signals, and its parent's death."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable

_FILES_BESIDES_CONNECTIONS = 512


def raise_file_limit(connections: int) -> None:
    """Raise the soft limit of open files, often 1024, to hold `connections`, as far as the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _FILES_BESIDES_CONNECTIONS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def on_stop_signal(react: Callable[[], object]) -> None:
    """Call `react` on SIGTERM and SIGINT, beside the event loop's own handlers for them.

    The loop is told of a signal by a wake-up descriptor, whatever Python function handles it (signal.set_wakeup_fd),
    so granian's stop happens as it would without this. A closing terminal's SIGHUP is left to the parent.
    """
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda _signal, _frame: react())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def stop_with_parent(loop: asyncio.AbstractEventLoop) -> None:
    """Stop this process gracefully when its parent dies without telling it, so that the port becomes free."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        loop.add_reader(parent.sentinel, _stop_self, loop, parent.sentinel)


def _stop_self(loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
    loop.remove_reader(sentinel)
    os.kill(os.getpid(), signal.SIGTERM)
