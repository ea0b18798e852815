"""How a command ends: one table from an error's kind to an exit code, one way to say what went wrong."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import NoReturn

from typer.exceptions import TyperException

from oms_cli.terminal.masking import redact
from oms_cli.terminal.messages import print_traceback, say, say_error
from oms_core.errors import ErrorKind, OmsError

BUG = 1
USAGE = 2
DISAGREEING = 5
UNAVAILABLE = 7
PARTLY_APPLIED = 8
INTERRUPTED = 130
BROKEN_PIPE = 141  # 128 + SIGPIPE, as a program that the signal ends.

_LINES_MAX = 100
_ADDRESS_ERRORS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EACCES, errno.EPERM})

EXIT_CODES: Mapping[ErrorKind, int] = MappingProxyType(
    {
        ErrorKind.BUG: BUG,
        ErrorKind.INVALID: USAGE,
        ErrorKind.UNAUTHENTICATED: 3,
        ErrorKind.FORBIDDEN: 3,
        ErrorKind.NOT_FOUND: 4,
        ErrorKind.GONE: 4,
        ErrorKind.CONFLICT: 5,
        ErrorKind.LIMITED: 6,
        ErrorKind.UNAVAILABLE: UNAVAILABLE,
    }
)


def exit_code(error: OmsError) -> int:
    """Return the exit code of a command that ends with this error."""
    return EXIT_CODES[error.kind]


class UsageError(TyperException):
    """The command was called in a way that makes no sense."""

    exit_code = USAGE


def usage_error(message: str) -> NoReturn:
    """End the command because of how it was called: exit code 2."""
    raise UsageError(message)


class Tally:
    """Counts the outcomes of a command that does many things, each on its own."""

    def __init__(self) -> None:
        self.applied = 0
        self.failed = 0
        self._codes: set[int] = set()

    def note(self, error: OmsError | None) -> None:
        """Count one outcome: an error, or none."""
        if error is None:
            self.applied += 1
        else:
            self.failed += 1
            self._codes.add(exit_code(error))

    def exit_code(self) -> int:
        """Return 0 if all went well, 8 if only some failed, else the worst code: that of a bug, or the highest."""
        if not self._codes:
            return 0
        if self.applied:
            return PARTLY_APPLIED
        return BUG if BUG in self._codes else max(self._codes)


def report(error: OmsError, *, as_json: bool, subject: str | None = None) -> None:
    """Say on stderr what went wrong: one line, and one more per wrong value or shortage; with JSON, one document.

    `subject` names which of many inputs it was. The traceback of a defect is written first: no other log has it.
    """
    if error.defect is not None and error.__cause__ is not None:
        print_traceback(error)
    if as_json:
        from oms_core.documents.orders import show_refusal

        entry = show_refusal(error) if subject is None else {"subject": subject, **show_refusal(error)}
        sys.stderr.write(redact(json.dumps(entry)) + "\n")
        return
    say_error(f"{error.code}: {error.detail}" if subject is None else f"{subject}: {error.code}: {error.detail}")
    for line in _more(error):
        say(f"  {line}")


def report_address(error: OSError) -> int:
    """Say why an address cannot be listened on, and return the exit code. Raise any other error again."""
    code = error.errno or 0
    if code == errno.EADDRINUSE:
        say_error(f"address_in_use: {error.strerror}")
        return UNAVAILABLE
    if code < 0 or code in _ADDRESS_ERRORS:  # The resolver's are negative.
        say_error(f"address_unusable: {error.strerror}")
        return USAGE
    raise error


def _more(error: OmsError) -> list[str]:
    """Return a line per wrong value or shortage, unless the error's detail has named the only one."""
    lines = [f"{found.pointer or 'the input'}: {found.detail}" for found in error.errors]
    shortages = error.data.get("shortages")
    if isinstance(shortages, list):
        lines += [
            f"{short['sku']}: {short['requested']} requested, {short['available']} available" for short in shortages
        ]
    if len(lines) > _LINES_MAX:
        lines[_LINES_MAX:] = [f"and {len(lines) - _LINES_MAX:,} more"]
    return lines if len(lines) > 1 else []
