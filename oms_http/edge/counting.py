"""What is measured of requests: by route and never by path, so that no client can make the metrics grow."""

from __future__ import annotations

import time

from flask import Response

from oms_core.domain.callers import Caller
from oms_core.ports.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS, Metrics
from oms_http.edge.access_log import log_answer
from oms_http.requests import Request

_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count_answer(metrics: Metrics, request: Request, response: Response) -> None:
    """Count an answer of the application, with the time it took, and log it at debug."""
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


def _known(method: str) -> str:
    return method if method in _KNOWN_METHODS else "other"
