"""What a worker process arranges with its operating system: open files, signals, and its parent's death."""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from oms_http.server.options import ServerOptions

_FILES_BESIDES_CONNECTIONS = 512
_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE_BLOCK_BYTES = 1024 * 1024
_STOPS = (signal.SIGTERM, signal.SIGINT)


def files_per_connection(options: ServerOptions) -> int:
    """Return how many files to keep open for each: over TLS as many handshakes may be going on, which nobody counts."""
    return 2 if options.tls else 1


def connections_possible(options: ServerOptions) -> int:
    """Return how many connections a process can hold: without files left, it could neither accept nor refuse any."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        return options.connections_max
    free = max(hard - _FILES_BESIDES_CONNECTIONS, hard // 2)
    return min(options.connections_max, free // files_per_connection(options))


def give_large_blocks_back() -> None:
    """Have the C library give each block of a megabyte or more back to the system when it is freed.

    glibc does so from a size on that grows with each such block (mallopt(3), M_MMAP_THRESHOLD). The bodies of large
    batches then stay with the heaps of the threads that have decoded them: 400 MiB where 300 are enough.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # Other C libraries than glibc have no such thing, nor the fault.
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def raise_file_limit(options: ServerOptions) -> None:
    """Raise the soft limit of open files, often 1024, to hold all connections, as far as the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = options.connections_max * files_per_connection(options) + _FILES_BESIDES_CONNECTIONS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def hold_stop_signals() -> None:
    """Let signals that stop wait until `release_stop_signals`.

    Whoever stops a process that is still starting would not be heard: the event loop has taken the signals' handlers
    by then, and does not listen before it runs.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)


def release_stop_signals() -> None:
    """Hear the signals that stop, also those that came meanwhile. For the main thread, once the event loop runs."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)


def on_stop_signal(react: Callable[[], object]) -> None:
    """Call `react` on SIGTERM and SIGINT, beside the event loop's own handlers for them.

    The loop is told of a signal by a wake-up descriptor, whatever Python function handles it (signal.set_wakeup_fd),
    so granian's stop happens as it would without this. A closing terminal's SIGHUP is left to the parent.
    """
    for stop in _STOPS:
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
