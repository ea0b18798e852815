"""Errors as answers: the one table from an error to its HTTP status, and how it is shown (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from flask import Response
from werkzeug.exceptions import HTTPException

from oms_core import Code
from oms_core.errors import ERROR_CODES, ErrorKind, FieldError, OmsError
from oms_http.requests import Request
from oms_http.responses import NO_STORE, json_response

PROBLEM_TYPE = "application/problem+json"
ERRORS_SHOWN_MAX = 100
RETRY_AFTER_SECONDS = 1

_log = logging.getLogger(__name__)

STATUS_BY_KIND: Mapping[ErrorKind, int] = MappingProxyType(
    {
        ErrorKind.INVALID: 422,
        ErrorKind.UNAUTHENTICATED: 401,
        ErrorKind.FORBIDDEN: 403,
        ErrorKind.NOT_FOUND: 404,
        ErrorKind.GONE: 410,
        ErrorKind.CONFLICT: 409,
        ErrorKind.LIMITED: 429,
        ErrorKind.UNAVAILABLE: 503,
        ErrorKind.BUG: 500,
    }
)
STATUS_BY_CODE: Mapping[str, int] = MappingProxyType(
    {code: STATUS_BY_KIND[row.kind] for code, row in ERROR_CODES.items()}
    | {
        "malformed_json": 400,
        "method_not_allowed": 405,
        "request_timeout": 408,
        "version_mismatch": 412,
        "payload_too_large": 413,
        "uri_too_long": 414,
        "unsupported_media_type": 415,
    }
)
# What Flask and werkzeug refuse by themselves. Any other of their refusals is a request that cannot be read.
_CODE_BY_HTTP_STATUS: Mapping[int, Code] = MappingProxyType(
    {
        404: "route_not_found",
        405: "method_not_allowed",
        408: "request_timeout",
        413: "payload_too_large",
        414: "uri_too_long",
        415: "unsupported_media_type",
    }
)
_DETAILS: Mapping[str, str] = MappingProxyType(
    {
        "route_not_found": "no route has this path; paths are case-sensitive and end without a slash",
        "method_not_allowed": "the Allow header lists the methods of this path",
        "payload_too_large": "the body is larger than this route takes; nothing was changed",
    }
)
RETRY_LATER = frozenset({STATUS_BY_KIND[ErrorKind.UNAVAILABLE], STATUS_BY_KIND[ErrorKind.LIMITED]})


def problem_response(error: OmsError, request_id: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Answer with an error, with Retry-After (seconds) where waiting helps."""
    status = STATUS_BY_CODE[error.code]
    sent = [NO_STORE, *headers]
    if status in RETRY_LATER:
        sent.append(("Retry-After", str(error.retry_after_seconds or RETRY_AFTER_SECONDS)))
    shown = show_problem(error, status, request_id)
    return json_response(shown, status=status, headers=sent, media_type=PROBLEM_TYPE)


def show_problem(error: OmsError, status: int, request_id: str) -> dict[str, object]:
    """Show an error as a problem document; its figures are members beside the standard ones.

    What its detail tells of the system is left out; the FaultLog has it.
    """
    shown: dict[str, object] = {
        "type": f"/problems/{error.code}",
        "title": error.row.title,
        "status": status,
        "detail": error.public_detail,
        "code": error.code,
        "request_id": request_id,
        "retry": error.retry.value,
    }
    if error.errors:
        shown["errors"] = [show_field_error(found) for found in error.errors[:ERRORS_SHOWN_MAX]]
    return shown | dict(error.data) | shown  # No figure replaces a standard member.


def show_field_error(found: FieldError, *, prefix: str = "") -> dict[str, object]:
    """Show one wrong value; `prefix` is where the document it points into stands in the body."""
    return {"pointer": prefix + found.pointer, "code": found.code, "detail": found.detail}


def answer_http_exception(error: HTTPException, request: Request) -> Response:
    """Answer what Flask or werkzeug refused, with the headers that belong to it (Allow, for one)."""
    status = error.code or STATUS_BY_KIND[ErrorKind.BUG]
    if status >= STATUS_BY_KIND[ErrorKind.BUG]:
        return answer_bug(error, request)
    code = _CODE_BY_HTTP_STATUS.get(status, "validation_error")
    detail = _DETAILS.get(code) or error.description or error.name
    headers = [(name, value) for name, value in error.get_headers() if name != "Content-Type"]
    return problem_response(OmsError(code, detail), request.request_id, headers)


def answer_bug(error: Exception, request: Request) -> Response:
    """Answer a defect without internals; the log holds them under the request id."""
    # %a: a path may hold line feeds, and a log must not be forged with them.
    _log.error("%s %a failed, request %s", request.method, request.path, request.request_id, exc_info=error)
    detail = "the request failed; the log holds the details under the request id"
    return problem_response(OmsError("internal_error", detail), request.request_id)
