"""Standard streams that are not there, or no longer."""

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
    """Stands for a standard stream that was closed (`>&-`): fails when it is used, and not before."""

    def __init__(self, name: str, descriptor: IO[str] | None = None) -> None:
        self._name = name
        self._descriptor = descriptor  # Kept open.

    def write(self, text: str, /) -> NoReturn:  # noqa: ARG002
        """Raise ClosedStreamError: whoever wants the output is not to be told that all is well."""
        raise ClosedStreamError(self._name)

    @property
    def buffer(self) -> NoReturn:
        """Raise ClosedStreamError, as `write` does."""
        raise ClosedStreamError(self._name)


def open_closed_streams() -> None:
    """Put what fails on use where stdin or stdout was closed, and /dev/null where stderr was: errors go nowhere then.

    Each also holds its descriptor. The next file that is opened would take its place otherwise, and what is printed
    would be written into a database.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open(mode)  # noqa: SIM115  Open as long as the program.
            setattr(sys, name, nowhere if name == "stderr" else ClosedStream(name, nowhere))


def is_closed(stream: TextIO | io.TextIOBase) -> bool:
    """Tell whether a standard stream was closed when the program began."""
    return isinstance(stream, ClosedStream)


def require_output() -> None:
    """Raise ClosedStreamError where stdout is closed, before something is made that only its output shows."""
    if is_closed(sys.stdout):
        raise ClosedStreamError("stdout")


def forget_output() -> None:
    """Let the interpreter flush into nothing when it ends, instead of complaining about a closed pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
