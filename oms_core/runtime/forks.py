"""Beginning anew in a forked child, which has none of its parent's threads, and locks that they may have held."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

# One for the process, since a hook is: it cannot be taken back, so one of our own for each object would stay for ever.
# An object and its function apart: a weakref.WeakMethod that dies with its object fails while an interpreter ends.
_beginnings: dict[int, tuple[weakref.ref[Any], Callable[[Any], None]]] = {}


def begin_in_each_process(begin: Callable[[], None]) -> None:
    """Call a bound method now, and in each child: see `begin_in_children`."""
    begin()
    begin_in_children(begin)


def begin_in_children(begin: Callable[[], None]) -> None:
    """Have a bound method called as the first thing that happens in each child that this process forks.

    `begin` makes the locks of its object anew, and whatever else belongs to one process. It runs alone in the child,
    takes no lock and must not raise. The object is not kept alive. Children of a child begin anew too.
    """
    owner, function = begin.__self__, begin.__func__  # type: ignore[attr-defined]  # A bound method has them.
    key = id(owner)

    def forget(gone: weakref.ref[Any]) -> None:
        if key in _beginnings and _beginnings[key][0] is gone:  # Else another object has come to the same address.
            del _beginnings[key]

    _beginnings[key] = weakref.ref(owner, forget), function


def _begin_all() -> None:
    for reference, begin in list(_beginnings.values()):
        if (owner := reference()) is not None:
            begin(owner)


if hasattr(os, "register_at_fork"):  # Nothing forks on Windows.
    os.register_at_fork(after_in_child=_begin_all)
