"""What a worker process arranges with its operating system: files, sockets, signals, and its parent's death."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import multiprocessing
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from oms_http.server.options import ServerOptions

_FILES_BESIDES_CONNECTIONS = 512
_M_MMAP_THRESHOLD = -3  # malloc.h
_YOUNG_OBJECTS = 10_000
_LARGE_BLOCK_BYTES = 1024 * 1024
_LISTENING_SECONDS = 0.02
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


def leave_alone_what_stays() -> None:
    """Have the garbage collector pass over everything that is there once a service is open, and run less often.

    Code and settings live as long as the process. A full collection walks them for tens of milliseconds, and every
    request waits for it. Requests leave next to nothing that needs collecting.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


def raise_file_limit(options: ServerOptions) -> None:
    """Raise the soft limit of open files, often 1024, to hold all connections, as far as the hard limit allows.

    Over TLS it becomes the hard limit: nothing bounds how many handshakes are going on, and granian 2.8 never answers
    again once it has found no file for one (its accepting then leaves its other tasks no turn).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = options.connections_max * files_per_connection(options) + _FILES_BESIDES_CONNECTIONS
    if hard != resource.RLIM_INFINITY:
        wanted = hard if options.tls else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def cut_off_who_takes_nothing(*, options: ServerOptions, loop: asyncio.AbstractEventLoop) -> None:
    """Let the kernel end connections whose clients take nothing of an answer for `send_timeout_seconds`.

    granian has no such option. A connection inherits it from the socket that listens (TCP_USER_TIMEOUT, tcp(7); Linux
    alone has it), which granian opens once the event loop runs and keeps open until the process stops.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    listener = _listener(options.port)
    if listener is None:
        again = partial(cut_off_who_takes_nothing, options=options, loop=loop)
        loop.call_later(_LISTENING_SECONDS, again)
        return
    try:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(options.send_timeout_seconds * 1000))
    finally:
        listener.detach()


def _listener(port: int) -> socket.socket | None:
    """Find the socket of this process that listens on a port. The caller detaches it and never closes it."""
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # It is no socket, or is closed by now.
            found = socket.socket(fileno=int(path.name))
            if _listens(found, port):
                return found
            found.detach()
    return None


def _listens(found: socket.socket, port: int) -> bool:
    try:
        is_internet = found.family in {socket.AF_INET, socket.AF_INET6} and found.type == socket.SOCK_STREAM
        return (
            is_internet
            and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
            and int(found.getsockname()[1]) == port
        )
    except OSError:
        return False


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
    """Stop this process gracefully when its parent dies without telling it, at once: the port has to become free."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        loop.add_reader(parent.sentinel, _stop_self, loop, parent.sentinel)


def _stop_self(loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
    loop.remove_reader(sentinel)
    os.kill(os.getpid(), signal.SIGINT)
