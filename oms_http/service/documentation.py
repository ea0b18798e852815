"""The routes of those who build on the service: what is at its root, its OpenAPI document, its pages, its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated

from flask import Response
from pydantic import ConfigDict, Field
from werkzeug.exceptions import NotFound

from oms_core.bootstrap import installed_version
from oms_core.errors import ERROR_CODES, ErrorCode, Retry
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import ANYWHERE, Answer, Operation
from oms_http.problems import STATUS_BY_CODE
from oms_http.requests import Request
from oms_http.responses import json_response
from oms_http.schemas.models import Output
from oms_http.service import pages
from oms_http.service.static_content import static_response

_HTML = "text/html"
_STATIC = (headers.CONTENT_ETAG, headers.REVALIDATE)


class Link(Output):
    """A path that can be read, and what it gives."""

    href: str
    title: str


class Index(Output):
    """What this service has at its root."""

    title: str
    version: str
    links: list[Link]


class ProblemCode(Output):
    """An error code: what it means, and what the caller may do next. `type` is what a problem has as its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/order_not_found",
                    "code": "order_not_found",
                    "status": 404,
                    "title": "There is no such order",
                    "explanation": "No order with this id is visible to the caller.",
                    "retry": "never",
                }
            ]
        }
    )

    type: str
    code: str
    status: Annotated[int, Field(ge=400, le=599)]
    title: str
    explanation: str
    retry: Retry


class ProblemList(Output):
    """Every error code, by name."""

    items: list[ProblemCode]


@Operation(
    id="getIndex",
    method="GET",
    path="/",
    tag="service",
    summary="See what can be read here",
    answers=(Answer(status=200, description="The links.", schema=Index, page_type=_HTML),),
    errors=ANYWHERE,
)
def get_index(service: Service, request: Request) -> Response:
    """Return what can be read here: a page to browsers, JSON to others."""
    return _page_or_json(request, service.index, lambda: pages.index_page(service.index))


@Operation(
    id="getOpenApi",
    method="GET",
    path="/openapi.json",
    tag="service",
    summary="Get this document",
    headers=(headers.IF_NONE_MATCH,),
    answers=(
        Answer(status=200, description="OpenAPI 3.1.", headers=_STATIC),
        Answer(status=304, description="Unchanged.", media_type=None, headers=_STATIC),
    ),
    errors=ANYWHERE,
)
def get_openapi(service: Service, request: Request) -> Response:
    """Return the OpenAPI document."""
    return static_response(request, service.openapi())


@Operation(
    id="getDocs",
    method="GET",
    path="/docs",
    tag="service",
    summary="Read and try this API on a page",
    answers=(Answer(status=200, description="The page.", media_type=_HTML),),
    errors=ANYWHERE,
)
def get_docs(_service: Service, _request: Request) -> Response:
    """Return the page on which the API can be read and tried; everything it loads comes from here."""
    return pages.html_response(pages.DOCS)


def get_docs_asset(_service: Service, request: Request, name: str) -> Response:
    """Return a file of the page."""
    content = pages.docs_asset(name)
    if content is None:
        raise NotFound
    return static_response(request, content)


@Operation(
    id="listProblems",
    method="GET",
    path="/problems",
    tag="service",
    summary="List every error code",
    answers=(Answer(status=200, description="All of them.", schema=ProblemList, page_type=_HTML),),
    errors=ANYWHERE,
)
def list_problems(_service: Service, request: Request) -> Response:
    """Return every error code: a page to browsers, JSON to others."""
    items = [_show_problem(ERROR_CODES[code]) for code in sorted(ERROR_CODES)]
    return _page_or_json(request, {"items": items}, lambda: pages.problems_page(items))


@Operation(
    id="getProblem",
    method="GET",
    path="/problems/{code}",
    tag="service",
    summary="Read what an error code means",
    answers=(Answer(status=200, description="The code.", schema=ProblemCode, page_type=_HTML),),
    errors=(*ANYWHERE, "route_not_found"),
)
def get_problem(_service: Service, request: Request, code: str) -> Response:
    """Explain an error code: a page to browsers, JSON to others."""
    row = ERROR_CODES.get(code)
    if row is None:
        raise NotFound
    return _page_or_json(request, _show_problem(row), lambda: pages.problem_page(row))


def index_of(operations: Iterable[Operation]) -> dict[str, object]:
    """Return the document of the root, whose links come in the order of the registry."""
    readable = [each for each in operations if each.method == "GET" and "{" not in each.path and each.path != "/"]
    return {
        "title": "OMS",
        "version": installed_version(),
        "links": [{"href": each.path, "title": each.summary} for each in readable],
    }


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
    """Answer with the page where Accept prefers HTML, as browsers do. Answer with JSON otherwise."""
    varies = ("Vary", "Accept")
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        return pages.html_response(page(), headers=[varies])
    return json_response(document, headers=[varies])
