"""What is said to the person at the terminal: on stderr, so that stdout holds nothing but data."""

from __future__ import annotations

import os
import sys
import unicodedata
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


def has_colours(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that may be coloured (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """Escape what could move a terminal's cursor or break a line: input is quoted in messages as it came."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in _ESCAPED else character
        for character in text
    )
