"""Threads that cannot start, and children that are forked while a thread of their parent holds a lock."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NoReturn

import pytest

from tests.services.waiting import DeadlinePassed, wait_until

SECONDS = 20.0
# The one function of the interpreter that starts a thread; it got another name in Python 3.13.
STARTING = "_start_joinable_thread" if hasattr(threading, "_start_joinable_thread") else "_start_new_thread"


def refuse(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("can't start new thread")


@contextmanager
def no_thread_to_give() -> Iterator[None]:
    """Have the system refuse every new thread, as it does at its limit of processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, STARTING, refuse)
        yield


@contextmanager
def held_elsewhere(lock: AbstractContextManager[object]) -> Iterator[None]:
    """Have another thread hold a lock for the time of a block."""
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            is_held.set()
            may_end.wait(SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert is_held.wait(SECONDS)
        yield
    finally:
        may_end.set()
        thread.join()


def status_in_child(work: Callable[[], object], *, seconds: float = SECONDS) -> int:
    """Do something in a forked child; give its exit status: 0 when it went well, -9 when it hung."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001  It must not run on into pytest.
            traceback.print_exc()
        finally:
            os._exit(status)
    ended: list[int] = []

    def has_ended() -> bool:
        number, status = os.waitpid(child, os.WNOHANG)
        ended.extend([status] * bool(number))
        return bool(ended)

    try:
        wait_until(has_ended, seconds, "the child ends")
    except DeadlinePassed:
        os.kill(child, signal.SIGKILL)
        ended.append(os.waitpid(child, 0)[1])
    return os.waitstatus_to_exitcode(ended[0])
