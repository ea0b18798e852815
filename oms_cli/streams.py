"""Standard streams that are not there, or no longer."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path


def open_closed_streams() -> None:
    """Put /dev/null where a standard stream was closed (`>&-`).

    The next file that is opened would take its place otherwise, and what is printed would be written into a database.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  Open as long as the program.


def forget_output() -> None:
    """Let the interpreter flush into nothing when it ends, instead of complaining about a closed pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
