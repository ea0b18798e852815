"""Objects that are made of parts, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Generic, TypeVar, overload

from oms_core.errors import OmsError

Made = TypeVar("Made")


class part(Generic[Made]):  # noqa: N801  It is read as a decorator.
    """A method that makes a part: called once, and then an attribute with what it made. For classes of Composite.

    It takes no lock. A lock of functools.cached_property is copied by a fork, and hangs the child if another thread
    held it (until Python 3.11; from 3.12 on, two threads get two objects). Here two threads may both make the part, and
    both get the one that was kept: so making it must start nothing.
    """

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make = make
        self.__doc__ = make.__doc__
        self.__wrapped__ = make  # For typing.get_type_hints and help().

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, whole: None, owner: type) -> part[Made]: ...

    @overload
    def __get__(self, whole: Composite, owner: type) -> Made: ...

    def __get__(self, whole: Composite | None, owner: type) -> part[Made] | Made:
        if whole is None:
            return self
        whole.refuse_if_closed()
        made: Made = whole.__dict__.setdefault(self._name, self._make(whole))
        if whole.is_closed:  # Meanwhile: nobody would close it any more.
            _close(whole.__dict__.pop(self._name, None))
            whole.refuse_if_closed()
        return made


class Composite:
    """What is made of parts. Once it is closed, no part is to be had, whether it had been made or not."""

    is_closed = False

    def refuse_if_closed(self) -> None:
        """Raise `overloaded` once it is closed."""
        if self.is_closed:
            raise OmsError("overloaded", "the service is stopping", retry_after_seconds=1)

    def close_parts(self) -> None:
        """Close the parts that were made, the last one first; all of them, also where closing one raises."""
        self.is_closed = True
        with ExitStack() as closing:
            for name in list(self.__dict__):
                if isinstance(getattr(type(self), name, None), part):
                    # None where another has just taken it, who closes it.
                    closing.callback(_close, self.__dict__.pop(name, None))


def _close(made: object) -> None:
    close = getattr(made, "close", None)
    if close is not None:
        close()
