"""The traceback of a defect that ends the program or a thread of it, without secrets."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

from oms_cli.terminal.masking import redact


def print_traceback(error: BaseException) -> None:
    """Write the traceback of a defect to stderr, with all that led to it."""
    _print_traceback(type(error), error, error.__traceback__)


def hide_secrets_in_tracebacks() -> None:
    """Have defects that end the program or a thread of it printed with whatever looks like a secret masked."""
    sys.excepthook = _print_traceback
    threading.excepthook = _print_thread_traceback


def _print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    import traceback

    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))


def _print_thread_traceback(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
        _print_traceback(ended.exc_type, ended.exc_value, ended.exc_traceback)
