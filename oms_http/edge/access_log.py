"""One line of the log for each answer, at debug: who asked what, what came of it, how long it took."""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)
_NOBODY = "-"


def log_answer(
    method: str, path: str, status: int, *, request_id: str, seconds: float = 0.0, caller: str | None = None
) -> None:
    """Log one answer; `caller` is None where it was given before anybody was known.

    Path and caller come from outside, so they are written with escapes: a log must not be forged with line feeds. The
    query is left out, which may hold what is nobody's business.
    """
    if _log.isEnabledFor(logging.DEBUG):
        line = "%a %a %d in %.1f ms, caller %a, request %s"
        _log.debug(line, method, path, status, seconds * 1_000, caller or _NOBODY, request_id)
