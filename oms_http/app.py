"""The Flask application over one Oms: its routes, its errors, and what every answer carries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import cache, partial
from http import HTTPStatus

import flask
from flask import Flask, Response
from flask_limiter import RateLimitExceeded
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import MapAdapter

from oms_core import Metrics, Oms
from oms_core.domain.callers import Caller
from oms_core.errors import OmsError
from oms_http.app_state import Service
from oms_http.edge.answer_headers import POLICY, AnswerHeaders
from oms_http.edge.bulkheads import Bulkheads
from oms_http.edge.callers import FindCaller, access_check, callers_of, challenges
from oms_http.edge.fault_log import FaultLog
from oms_http.edge.forwarding import behind
from oms_http.edge.rate_limit_fields import rate_limit_fields
from oms_http.edge.rate_limits import HEAD_ONLY, WELCOME, EdgeLimits, charge_placing, invite, refusal_of, take_over
from oms_http.edge.refusal_log import RefusalLog
from oms_http.edge.telemetry import count_answer
from oms_http.openapi.document import openapi_json
from oms_http.openapi.operation import Operation
from oms_http.operations import operations_of
from oms_http.problems import answer_bug, answer_http_exception, problem_response
from oms_http.queries import read_query
from oms_http.requests import Request, current_request
from oms_http.responses import NO_STORE
from oms_http.service import documentation
from oms_http.service.degradation import Degradation
from oms_http.service.readiness import Readiness
from oms_http.service.static_content import StaticContent
from oms_http.settings import HttpSettings

BODY_BYTES_MAX = 1024 * 1024
CALLER = "oms.caller"  # Tells the server in the environ whose request it was, so that it can be fair.


class _Application(Flask):
    """Flask with this service's requests, with paths alone deciding on routes, and OPTIONS answered without content."""

    request_class = Request

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """Match by method and path: no route depends on Host or Upgrade, so nothing in them can be wrong.

        The path is read as the server reads it: werkzeug would strip slashes in front. Raises NotFound for two of them.
        """
        if request is None:
            return None
        if request.environ["PATH_INFO"].startswith("//"):
            raise NotFound
        return self.url_map.bind("", path_info=request.path, default_method=request.method)

    def make_default_options_response(self) -> Response:
        """Answer OPTIONS with the Allow header alone."""
        response = super().make_default_options_response()
        response.status_code = 204
        del response.headers["Content-Type"]
        return response


def create_app(
    oms: Oms,
    *,
    settings: HttpSettings | None = None,
    readiness: Readiness | None = None,
    degradation: Degradation | None = None,
) -> Flask:
    """Make the application that serves an open Oms, which stays the caller's to close.

    `readiness` and `degradation` are what /readyz asks; by default `oms.check` within a second, and the parts of `oms`.
    """
    settings = settings or HttpSettings()
    app = _Application("oms_http", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    app.url_map.merge_slashes = False  # A slash too many is another path, and no redirect.
    registry = operations_of(settings)
    service = Service(
        oms=oms,
        readiness=readiness or Readiness(oms.check),
        degradation=degradation or Degradation(oms),
        fault_log=FaultLog(),
        openapi=cache(partial(_openapi, registry)),
        index=documentation.index_of(registry),
        bulkheads=Bulkheads.of(settings, has_api_keys=oms.settings.auth_in_force == "keys"),
    )
    find_caller, limits = callers_of(oms, settings), EdgeLimits(app, oms, registry)
    for operation in registry:
        _add_route(app, service, operation, find_caller, limits)
    _add_docs_page(app, service)
    _add_error_handlers(app, service.fault_log, RefusalLog())
    app.after_request(partial(_finish, oms.metrics, AnswerHeaders(settings.cors_origins)))
    app.wsgi_app = behind(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign, assignment]
    return app


def _openapi(registry: Sequence[Operation]) -> StaticContent:
    return StaticContent.of_bytes(openapi_json(registry), media_type="application/json")


def _add_route(app: Flask, service: Service, operation: Operation, find_caller: FindCaller, limits: EdgeLimits) -> None:
    rule = operation.path.replace("{", "<").replace("}", ">")
    if operation.guarded:
        view = _guarded(service, operation, find_caller, limits)
    else:
        view = _unguarded(service, operation.view)
    app.add_url_rule(rule, operation.id, view, methods=[operation.method])


def _add_docs_page(app: Flask, service: Service) -> None:
    """Add what belongs to /docs beside the page itself, and is no part of the API."""
    app.add_url_rule("/docs/", "getDocsIndex", _unguarded(service, documentation.get_docs.view), methods=["GET"])
    app.add_url_rule(
        "/docs/<path:name>", "getDocsAsset", _unguarded(service, documentation.get_docs_asset), methods=["GET"]
    )


def _guarded(
    service: Service, operation: Operation, find_caller: FindCaller, limits: EdgeLimits
) -> Callable[..., Response]:
    check_access, bulkheads = access_check(operation.access_rules), service.bulkheads

    def proceed(asked: Request, path: Iterable[str]) -> Response:
        check_access(asked.caller)
        if HEAD_ONLY in asked.environ:
            invite(asked)
            return Response(status=HTTPStatus.NO_CONTENT)
        if asked.query_string:
            with asked.findings.noting():
                asked.parameters = read_query(asked, operation.query)
        if operation.body is None:
            asked.findings.raise_if_any()
        bulkhead = bulkheads.beside_callers(operation, asked)
        with nullcontext() if bulkhead is None else bulkhead.place(asked.caller.rate_key):
            return operation.view(service, asked, *path)

    charged = limits.by_caller(operation, proceed)

    def answer(**path: str) -> Response:
        asked = current_request()
        if WELCOME in asked.environ:
            take_over(asked)
        if operation.places_orders:
            limits.charge_address(asked)
        asked.caller = find_caller(asked)
        caller = asked.environ[CALLER] = asked.caller.rate_key
        with bulkheads.callers.place(caller):
            if operation.places_orders:
                charge_placing(service.oms, asked)
            return charged(asked, path.values())

    return answer


def _unguarded(service: Service, view: Callable[..., Response]) -> Callable[..., Response]:
    def answer(**path: str) -> Response:
        return view(service, current_request(), *path.values())

    return answer


def _add_error_handlers(app: Flask, fault_log: FaultLog, refusals: RefusalLog) -> None:
    def answer_oms_error(error: OmsError) -> Response:
        asked = current_request()
        refusals.note(error, asked)
        fault_log.note(error, asked.request_id)
        return problem_response(error, asked.request_id, challenges(error, asked))

    def answer_rate_limited(error: RateLimitExceeded) -> Response:  # noqa: ARG001  The request knows more.
        return answer_oms_error(refusal_of(current_request()))

    def answer_refusal(error: HTTPException) -> Response:
        return answer_http_exception(error, current_request())

    def answer_anything_else(error: Exception) -> Response:
        return answer_bug(error, current_request())

    app.register_error_handler(OmsError, answer_oms_error)
    app.register_error_handler(RateLimitExceeded, answer_rate_limited)
    app.register_error_handler(HTTPException, answer_refusal)
    app.register_error_handler(Exception, answer_anything_else)


def _finish(metrics: Metrics, given: AnswerHeaders, response: Response) -> Response:
    asked, headers = current_request(), response.headers
    headers.add("X-Request-ID", asked.request_id)
    origin = asked.environ.get("HTTP_ORIGIN")
    for name, value in given.of(scheme=asked.environ["wsgi.url_scheme"], origin=origin):
        if name != POLICY or name not in headers:  # A page has a policy of its own.
            headers.add(name, value)
    if asked.method == "OPTIONS":
        headers.extend(given.of_preflight(asked.environ, headers.get("Allow", "")))
    if NO_STORE[0] not in headers and asked.path.startswith("/v1/"):
        headers.add(*NO_STORE)
    if asked.allowance is not None:
        headers.extend(rate_limit_fields(asked.allowance))
    if HEAD_ONLY not in asked.environ or WELCOME not in asked.environ:  # The request goes on otherwise.
        _count(metrics, asked, response)
    return response


def _count(metrics: Metrics, asked: Request, response: Response) -> None:
    caller: Caller | None = getattr(asked, "caller", None)  # A refusal may come before anybody is known.
    count_answer(
        metrics,
        method=asked.method,
        path=asked.path,
        route=asked.url_rule.rule if asked.url_rule else None,
        status=response.status_code,
        seconds=time.perf_counter() - asked.started,
        caller=None if caller is None else caller.name,
        request_id=asked.request_id,
    )
