"""Standard streams that were closed before the program began, or while it wrote."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from pathlib import Path
from typing import IO, NoReturn, TextIO


class ClosedStreamError(OSError):
    """A standard stream was needed and is closed."""

    def __init__(self, name: str) -> None:
        super().__init__(errno.EBADF, f"{name} is closed")


class ClosedStream(io.TextIOBase):
    """Stands for a standard stream that was closed (`>&-`). It fails when it is used, not before."""

    def __init__(self, name: str, descriptor: IO[str] | None = None) -> None:
        self._name = name
        self._descriptor = descriptor  # Kept open.

    def write(self, text: str, /) -> NoReturn:  # noqa: ARG002
        """Raise ClosedStreamError: the output is lost, so the command has failed."""
        raise ClosedStreamError(self._name)

    @property
    def buffer(self) -> NoReturn:
        """Raise ClosedStreamError, as `write` does."""
        raise ClosedStreamError(self._name)


def open_closed_streams() -> None:
    """Replace a closed stdin or stdout by a stream that fails on use, and a closed stderr by /dev/null.

    Each also keeps the descriptor in use. Otherwise the next file that is opened would get it: what is printed would be
    written into a database.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open(mode)  # noqa: SIM115  Open as long as the program.
            setattr(sys, name, nowhere if name == "stderr" else ClosedStream(name, nowhere))


def is_closed(stream: TextIO | io.TextIOBase) -> bool:
    """Return whether a standard stream was closed when the program began."""
    return isinstance(stream, ClosedStream)


def require_output() -> None:
    """Raise ClosedStreamError if stdout is closed, before something is made that only the output shows."""
    if is_closed(sys.stdout):
        raise ClosedStreamError("stdout")


def forget_output() -> None:
    """Have the interpreter flush into /dev/null when it ends: it would complain about a closed pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
