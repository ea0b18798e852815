"""The routes of those who run the service or build on it: health, metrics, the OpenAPI document and its pages."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response
from werkzeug.exceptions import NotFound

from oms_core.errors import ERROR_CODES, ErrorCode, OmsError
from oms_http.app_state import Service
from oms_http.problems import STATUS_BY_CODE
from oms_http.requests import Request
from oms_http.responses import NO_STORE, json_response
from oms_http.service import pages
from oms_http.service.service_pages import index_page, problems_page
from oms_http.service.static_content import static_response

DRAINING = "oms.draining"  # The server sets this in the environ once the process is stopping.


def get_health(_service: Service, _request: Request) -> Response:
    """Say that the process answers; nothing behind it is asked."""
    return json_response({"status": "ok"}, headers=[NO_STORE])


def get_readiness(service: Service, request: Request) -> Response:
    """Say whether requests should be sent here."""
    if request.environ.get(DRAINING):
        raise OmsError("overloaded", "this process is stopping")
    service.readiness.ask()
    return json_response({"status": "ready", "degraded": service.degradation.parts()}, headers=[NO_STORE])


def get_metrics(service: Service, _request: Request) -> Response:
    """Return what was counted and measured, over all processes of the service."""
    media_type, body = service.oms.metrics.render()
    return Response(body, headers=[("Content-Type", media_type), NO_STORE])


def get_openapi(service: Service, request: Request) -> Response:
    """Return the OpenAPI document."""
    return static_response(request, service.openapi())


def get_docs(_service: Service, _request: Request) -> Response:
    """Return the page on which the API can be read and tried; everything it loads comes from here."""
    return pages.html_response(pages.DOCS)


def get_docs_asset(_service: Service, request: Request, name: str) -> Response:
    """Return a file of the page."""
    content = pages.docs_asset(name)
    if content is None:
        raise NotFound
    return static_response(request, content)


def get_index(service: Service, request: Request) -> Response:
    """Return what can be read here: a page to browsers, JSON to others."""
    return _page_or_json(request, service.index, lambda: index_page(service.index))


def list_problems(_service: Service, request: Request) -> Response:
    """Return every error code: a page to browsers, JSON to others."""
    items = [_show_problem(ERROR_CODES[code]) for code in sorted(ERROR_CODES)]
    return _page_or_json(request, {"items": items}, lambda: problems_page(items))


def get_problem(_service: Service, request: Request, code: str) -> Response:
    """Explain an error code: a page to browsers, JSON to others."""
    row = ERROR_CODES.get(code)
    if row is None:
        raise NotFound
    return _page_or_json(request, _show_problem(row), lambda: pages.problem_page(row))


def _show_problem(row: ErrorCode) -> dict[str, object]:
    return {
        "type": f"/problems/{row.code}",
        "code": row.code,
        "status": STATUS_BY_CODE[row.code],
        "title": row.title,
        "explanation": row.explanation,
        "retry": row.retry.value,
    }


def _page_or_json(request: Request, document: object, page: Callable[[], str]) -> Response:
    """Answer with the page where Accept prefers HTML, as browsers do; else, and where it says nothing, with JSON."""
    varies = ("Vary", "Accept")
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        return pages.html_response(page(), headers=[varies])
    return json_response(document, headers=[varies])
