"""Writes messages and tracebacks on stderr, without secrets: stdout holds nothing but data."""

from __future__ import annotations

import os
import sys
import threading
import unicodedata
from types import TracebackType
from typing import TextIO

from oms_cli.terminal.masking import redact

_RED = "\x1b[1;31m"
_PLAIN = "\x1b[0m"
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def say(text: str) -> None:
    """Print one message on stderr."""
    sys.stderr.write(f"{printable(redact(text))}\n")


def say_error(text: str) -> None:
    """Print one line that begins with `error:`, in red on a terminal that has colours."""
    mark = f"{_RED}error:{_PLAIN}" if has_colours(sys.stderr) else "error:"
    sys.stderr.write(f"{mark} {printable(redact(text))}\n")


def print_traceback(error: BaseException) -> None:
    """Write the traceback of a defect and of its causes to stderr."""
    _print_traceback(type(error), error, error.__traceback__)


def hide_secrets_in_tracebacks() -> None:
    """Mask what looks like a secret in the traceback of a defect that ends the program or a thread."""
    sys.excepthook = _print_traceback
    threading.excepthook = _print_thread_traceback


def has_colours(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that may be coloured (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """Escape what could move a terminal's cursor or break a line: messages quote input unchanged."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in _ESCAPED else character
        for character in text
    )


def counted(count: int, noun: str) -> str:
    """Say how many: `1 order`, `1,000 orders`, `2 processes`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}{'es' if noun.endswith('s') else 's'}"


def _print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    import traceback

    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))


def _print_thread_traceback(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
        _print_traceback(ended.exc_type, ended.exc_value, ended.exc_traceback)
