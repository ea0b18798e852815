"""How those who run the service see a request: the id it is known by, its line in the log, and its place in metrics."""

from __future__ import annotations

import logging
import os
import re

from oms_core import Metrics
from oms_core.domain.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS

_FIT = re.compile(r"[\x21-\x7e]{1,128}").fullmatch
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NOBODY = "-"

_log = logging.getLogger(__name__)


def request_id(offered: str | None) -> str:
    """Return the X-Request-ID offered if it is 1 to 128 visible ASCII characters, else 32 random hex digits."""
    if offered is not None and _FIT(offered):
        return offered
    return os.urandom(16).hex()


def count_answer(
    metrics: Metrics,
    *,
    method: str,
    path: str,
    route: str | None,
    status: int,
    seconds: float,
    caller: str | None,
    request_id: str,
) -> None:
    """Count an answer of the application, with the time it took, and log it at debug.

    It is counted by its route (None: no route has the path) and never by its path, so that no client can make the
    metrics grow. `caller` is None where the answer was made before anybody was known.
    """
    labels = _known(method), route or "unmatched"
    metrics.count(HTTP_REQUESTS, *labels, str(status))
    metrics.observe(HTTP_REQUEST_SECONDS, seconds, *labels)
    log_answer(method, path, status, request_id=request_id, seconds=seconds, caller=caller)


def count_refusal(metrics: Metrics, method: str, status: int) -> None:
    """Count a request that the server refused before the application saw it (`WsgiService.on_refusal`)."""
    metrics.count(HTTP_REQUESTS, _known(method), "refused", str(status))


def log_answer(
    method: str, path: str, status: int, *, request_id: str, seconds: float = 0.0, caller: str | None = None
) -> None:
    """Log one answer at debug; `caller` is None where it was sent before anybody was known.

    Path and caller come from outside, so they are written with escapes: a log must not be forged with line feeds. The
    query is left out, because it may hold what does not belong into a log.
    """
    if _log.isEnabledFor(logging.DEBUG):
        line = "%a %a %d in %.1f ms, caller %a, request %s"
        _log.debug(line, method, path, status, seconds * 1_000, caller or _NOBODY, request_id)


def _known(method: str) -> str:
    return method if method in _KNOWN_METHODS else "other"
