"""How those who run the service see a request: the id it is known by, its line in the log, and its place in metrics."""

from __future__ import annotations

import logging
import os
import re
import time
from typing import TYPE_CHECKING

from oms_core import Metrics
from oms_core.domain.callers import Caller
from oms_core.domain.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS

if TYPE_CHECKING:
    from flask import Response

    from oms_http.requests import Request

_FIT = re.compile(r"[\x21-\x7e]{1,128}").fullmatch
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NOBODY = "-"

_log = logging.getLogger(__name__)


def request_id(offered: str | None) -> str:
    """Return the X-Request-ID offered if it is 1 to 128 visible ASCII characters, else 32 random hex digits."""
    if offered is not None and _FIT(offered):
        return offered
    return os.urandom(16).hex()


def count_answer(metrics: Metrics, request: Request, response: Response) -> None:
    """Count an answer of the application, with the time it took, and log it at debug.

    It is counted by route and never by path, so that no client can make the metrics grow.
    """
    route = request.url_rule.rule if request.url_rule else "unmatched"
    method = _known(request.method)
    metrics.count(HTTP_REQUESTS, method, route, str(response.status_code))
    seconds = time.perf_counter() - request.started
    caller: Caller | None = getattr(request, "caller", None)  # A refusal may come before anybody is known.
    metrics.observe(HTTP_REQUEST_SECONDS, seconds, method, route)
    log_answer(
        request.method,
        request.path,
        response.status_code,
        request_id=request.request_id,
        seconds=seconds,
        caller=caller.name if caller else None,
    )


def count_refusal(metrics: Metrics, method: str, status: int) -> None:
    """Count a request that the server refused before the application saw it (`WsgiService.on_refusal`)."""
    metrics.count(HTTP_REQUESTS, _known(method), "refused", str(status))


def log_answer(
    method: str, path: str, status: int, *, request_id: str, seconds: float = 0.0, caller: str | None = None
) -> None:
    """Log one answer at debug; `caller` is None where it was sent before anybody was known.

    Path and caller come from outside, so they are written with escapes: a log must not be forged with line feeds. The
    query is left out, which may hold what is nobody's business.
    """
    if _log.isEnabledFor(logging.DEBUG):
        line = "%a %a %d in %.1f ms, caller %a, request %s"
        _log.debug(line, method, path, status, seconds * 1_000, caller or _NOBODY, request_id)


def _known(method: str) -> str:
    return method if method in _KNOWN_METHODS else "other"
