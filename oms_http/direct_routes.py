"""The way of the requests that place orders: past Flask's contexts and signals, which take a quarter of their time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Response, signals
from werkzeug.routing import Rule

from oms_http.requests import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

View = Callable[[Request, Iterable[str]], Response]
Routes = Mapping[tuple[str, str], tuple[Rule, View]]

_SIGNALS = (
    signals.appcontext_pushed,
    signals.appcontext_popped,
    signals.appcontext_tearing_down,
    signals.request_started,
    signals.request_finished,
    signals.request_tearing_down,
    signals.got_request_exception,
)


class DirectRoutes:
    """A WSGI application that answers some of Flask's routes itself, and lets Flask answer everything else.

    `routes` are found by method and path. Their views use nothing of Flask's contexts. `answer_error` answers what they
    raise, and `finish` is called with every answer, as Flask does with both.

    A program may hook into the Flask application, answer errors in its own way, or listen to Flask's signals. Then
    Flask answers these routes too.
    """

    def __init__(
        self,
        app: Flask,
        routes: Routes,
        *,
        answer_error: Callable[[Exception, Request], Response],
        finish: Callable[[Response, Request], Response],
    ) -> None:
        self._flask: WSGIApplication = app.wsgi_app
        self._routes = routes
        self._answer_error = answer_error
        self._finish = finish
        self._app = app
        self._hooks: tuple[Mapping[Any, Any], ...] = (
            app.url_value_preprocessors,
            app.before_request_funcs,
            app.after_request_funcs,
            app.teardown_request_funcs,
        )
        self._teardowns = app.teardown_appcontext_funcs
        self._own_hooks = self._count_hooks()
        self._error_handlers = app.error_handler_spec[None][None]
        self._own_error_handlers = dict(self._error_handlers)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        route = self._routes.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if route is None or self._is_hooked():
            return self._flask(environ, start_response)
        return self._answer(environ, *route)(environ, start_response)

    def _answer(self, environ: WSGIEnvironment, rule: Rule, view: View) -> Response:
        asked = cast(Request, self._app.request_class(environ, populate_request=False))
        asked.url_rule, asked.view_args = rule, {}
        asked.max_content_length = self._app.config["MAX_CONTENT_LENGTH"]
        try:
            try:
                response = view(asked, ())
            except Exception as error:  # noqa: BLE001  As Flask does; a defect is logged with its traceback.
                response = self._answer_error(error, asked)
            return self._finish(response, asked)
        finally:
            asked.close()

    def _is_hooked(self) -> bool:
        return (
            self._count_hooks() != self._own_hooks
            or self._error_handlers != self._own_error_handlers
            or any(signal.receivers for signal in _SIGNALS)
        )

    def _count_hooks(self) -> int:
        return len(self._teardowns) + sum(len(each) for hooks in self._hooks for each in hooks.values())
