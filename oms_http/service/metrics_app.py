"""/metrics as an application of its own, for a listener off the public port."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from oms_core import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def metrics_app(metrics: Metrics) -> WSGIApplication:
    """Make a WSGI application that answers GET /metrics and knows nothing else."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return _answer(metrics, Request(environ))(environ, start_response)

    return app


def _answer(metrics: Metrics, request: Request) -> Response:
    if request.environ["PATH_INFO"] != "/metrics":  # `request.path` has lost slashes in front.
        return Response("only /metrics is here\n", 404, mimetype="text/plain")
    if request.method not in {"GET", "HEAD"}:
        return Response("use GET\n", 405, headers={"Allow": "GET, HEAD"}, mimetype="text/plain")
    media_type, body = metrics.render()
    return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})
