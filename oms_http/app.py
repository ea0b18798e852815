"""The Flask application over one Oms: its routes, its errors, and what every answer carries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from http import HTTPStatus

import flask
from flask import Flask, Response
from flask.sessions import NullSession, SessionInterface
from flask_limiter import RateLimitExceeded
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import MapAdapter, Rule

from oms_core import Metrics, Oms
from oms_core.domain.callers import Caller
from oms_core.errors import OmsError
from oms_http.app_state import Service
from oms_http.direct_routes import DirectRoutes, View
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
from oms_http.responses import NO_STORE, JsonResponse, add_headers, has_header
from oms_http.service import documentation
from oms_http.service.degradation import Degradation
from oms_http.service.readiness import Readiness
from oms_http.service.static_content import StaticContent
from oms_http.settings import HttpSettings

BODY_BYTES_MAX = 1024 * 1024
# What the server calls if it has another thread answer the request anew.
GIVE_BACK = "oms.give_back"
CALLER = "oms.caller"  # Tells the server in the environ whose request it was, so that it can be fair.


class _NoSessions(SessionInterface):
    """No session: each request has the same empty one, which refuses to be written."""

    def __init__(self) -> None:
        self._none = NullSession()

    def open_session(self, app: Flask, request: flask.Request) -> NullSession:  # noqa: ARG002  Flask's signature.
        """Return the empty session."""
        return self._none


class _Application(Flask):
    """Flask with this service's requests, with paths alone deciding on routes, and OPTIONS answered without content."""

    request_class = Request
    session_interface = _NoSessions()

    def __init__(self) -> None:
        super().__init__("oms_http", static_folder=None)
        self._rules: Mapping[tuple[str, str], Rule] = {}

    def keep_fixed_rules(self) -> None:
        """Have paths without parameters found in one table, once all routes are there: matching costs five times that.

        OPTIONS is left out, since its answer asks the matching for the other methods.
        """
        rules = [rule for rule in self.url_map.iter_rules() if not rule.arguments]
        self._rules = {
            (method, rule.rule): rule for rule in rules for method in rule.methods or () if method != "OPTIONS"
        }

    def rule_of(self, operation: Operation) -> Rule:
        """Return the rule of an operation whose path has no parameters."""
        return self._rules[operation.method, operation.path]

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """Match by method and path: no route depends on Host or Upgrade, so nothing in them can be wrong.

        The path is read as the server reads it: werkzeug would strip slashes in front. Raises NotFound for two of them.
        Return None where the rule is found already.
        """
        if request is None:
            return None
        if request.environ["PATH_INFO"].startswith("//"):
            raise NotFound
        if (rule := self._rules.get((request.method, request.path))) is not None:
            request.url_rule, request.view_args = rule, {}
            return None
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
    app = _Application()
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
    views = [(each, _add_route(app, service, each, find_caller, limits)) for each in registry]
    _add_docs_page(app, service)
    _add_error_handlers(app, answer_error := _error_answers(service.fault_log, RefusalLog()))
    app.keep_fixed_rules()
    finish = partial(_finish, oms.metrics, AnswerHeaders(settings.cors_origins))
    app.after_request(lambda response: finish(response, current_request()))
    placing = {(each.method, each.path): (app.rule_of(each), view) for each, view in views if each.places_orders}
    direct = DirectRoutes(app, placing, answer_error=answer_error, finish=finish)
    app.wsgi_app = behind(direct, settings.trusted_proxies)  # type: ignore[method-assign, assignment]
    return app


def _openapi(registry: Sequence[Operation]) -> StaticContent:
    return StaticContent.of_bytes(openapi_json(registry), media_type="application/json")


def _add_route(app: Flask, service: Service, operation: Operation, find_caller: FindCaller, limits: EdgeLimits) -> View:
    rule = operation.path.replace("{", "<").replace("}", ">")
    if operation.guarded:
        view = _guarded(service, operation, find_caller, limits)
    else:
        view = _unguarded(service, operation.view)
    app.add_url_rule(rule, operation.id, _by_flask(view), methods=[operation.method])
    return view


def _by_flask(view: View) -> Callable[..., Response]:
    return lambda **path: view(current_request(), path.values())


def _add_docs_page(app: Flask, service: Service) -> None:
    """Add what belongs to /docs beside the page itself, and is no part of the API."""
    index, asset = _unguarded(service, documentation.get_docs.view), _unguarded(service, documentation.get_docs_asset)
    app.add_url_rule("/docs/", "getDocsIndex", _by_flask(index), methods=["GET"])
    app.add_url_rule("/docs/<path:name>", "getDocsAsset", _by_flask(asset), methods=["GET"])


def _guarded(service: Service, operation: Operation, find_caller: FindCaller, limits: EdgeLimits) -> View:
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
        if bulkhead is None:
            return operation.view(service, asked, *path)
        with bulkhead.place(asked.caller.rate_key):
            return operation.view(service, asked, *path)

    charged = limits.by_caller(operation, proceed)

    def answer(asked: Request, path: Iterable[str]) -> Response:
        if WELCOME in asked.environ:
            take_over(asked)
        if operation.places_orders:
            limits.charge_address(asked)
        asked.caller = find_caller(asked)
        caller = asked.environ[CALLER] = asked.caller.rate_key
        with bulkheads.callers.place(caller) as place:
            asked.environ[GIVE_BACK] = place.give_back
            if operation.places_orders:
                charge_placing(service.oms, asked)
            return charged(asked, path)

    return answer


def _unguarded(service: Service, view: Callable[..., Response]) -> View:
    return lambda asked, path: view(service, asked, *path)


def _error_answers(fault_log: FaultLog, refusals: RefusalLog) -> Callable[[Exception, Request], Response]:
    """Return what answers an error."""

    def answer(error: Exception, asked: Request) -> Response:
        if isinstance(error, RateLimitExceeded):  # The request knows more.
            error = refusal_of(asked)
        if isinstance(error, OmsError):
            refusals.note(error, asked)
            fault_log.note(error, asked.request_id)
            return problem_response(error, asked.request_id, challenges(error, asked))
        return answer_http_exception(error, asked) if isinstance(error, HTTPException) else answer_bug(error, asked)

    return answer


def _add_error_handlers(app: Flask, answer: Callable[[Exception, Request], Response]) -> None:
    for kind in (OmsError, RateLimitExceeded, HTTPException, Exception):
        app.register_error_handler(kind, lambda error: answer(error, current_request()))


def _finish(metrics: Metrics, given: AnswerHeaders, response: Response, asked: Request) -> Response:
    added = [("X-Request-ID", asked.request_id)]
    added += given.of(scheme=asked.environ["wsgi.url_scheme"], origin=asked.environ.get("HTTP_ORIGIN"))
    if asked.method == "OPTIONS":
        added += given.of_preflight(asked.environ, response.headers.get("Allow", ""))
    if asked.allowance is not None:
        added += rate_limit_fields(asked.allowance)
    if asked.path.startswith("/v1/") and not has_header(response, NO_STORE[0]):
        added.append(NO_STORE)
    if not isinstance(response, JsonResponse) and has_header(response, POLICY):  # A page has a policy of its own.
        added = [(name, value) for name, value in added if name != POLICY]
    add_headers(response, added)
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
