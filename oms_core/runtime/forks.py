"""Starting afresh in a forked child: it has none of its parent's threads, and copies of locks that they may hold."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

# One hook for the process: a hook cannot be taken back, so one for each object would stay for ever. An object and its
# function are kept apart, since a weakref.WeakMethod that dies with its object fails while an interpreter ends.
_beginnings: dict[int, tuple[weakref.ref[Any], Callable[[Any], None]]] = {}


def begin_in_each_process(begin: Callable[[], None]) -> None:
    """Call a bound method now, and in each child: see `begin_in_children`."""
    begin()
    begin_in_children(begin)


def begin_in_children(begin: Callable[[], None]) -> None:
    """Have a bound method called first of all in each child that this process forks, and in the children of a child.

    `begin` makes the locks of its object anew, and whatever else belongs to one process. It runs while the child has
    one thread. It takes no lock and must not raise. The object is not kept alive by it.
    """
    owner, function = begin.__self__, begin.__func__  # type: ignore[attr-defined]  # A bound method has them.
    key = id(owner)

    def forget(gone: weakref.ref[Any]) -> None:
        if key in _beginnings and _beginnings[key][0] is gone:  # Else another object has the same address by now.
            del _beginnings[key]

    _beginnings[key] = weakref.ref(owner, forget), function


def _begin_all() -> None:
    for reference, begin in list(_beginnings.values()):
        if (owner := reference()) is not None:
            begin(owner)


if hasattr(os, "register_at_fork"):  # Nothing forks on Windows.
    os.register_at_fork(after_in_child=_begin_all)
