"""Beginning anew in a forked child, which has none of its parent's threads, and locks that they may have held."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

# One for the process, since a hook is: it cannot be taken back, so one of our own for each object would stay for ever.
_beginnings: dict[int, weakref.WeakMethod[Callable[[], None]]] = {}


def begin_in_each_process(begin: Callable[[], None]) -> None:
    """Call a bound method now, and in each child: see `begin_in_children`."""
    begin()
    begin_in_children(begin)


def begin_in_children(begin: Callable[[], None]) -> None:
    """Have a bound method called as the first thing that happens in each child that this process forks.

    `begin` makes the locks of its object anew, and whatever else belongs to one process. It runs alone in the child,
    takes no lock and must not raise. The object is not kept alive. Children of a child begin anew too.
    """
    key = id(begin.__self__)  # type: ignore[attr-defined]  # A bound method has it.

    def forget(gone: weakref.ref[Any]) -> None:
        if _beginnings.get(key) is gone:  # Else another object has come to the same address.
            del _beginnings[key]

    _beginnings[key] = weakref.WeakMethod(begin, forget)


def _begin_all() -> None:
    for reference in list(_beginnings.values()):
        if (begin := reference()) is not None:
            begin()


if hasattr(os, "register_at_fork"):  # Nothing forks on Windows.
    os.register_at_fork(after_in_child=_begin_all)
