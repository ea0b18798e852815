"""The routes of those who run the service: whether it works, and what it counts."""

from __future__ import annotations

from typing import Literal

from flask import Response

from oms_core.errors import OmsError
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import ANYWHERE, OF_PROBES, OF_STORAGE, Answer, Operation
from oms_http.requests import Request
from oms_http.responses import NO_STORE, json_response
from oms_http.schemas.models import Output

DRAINING = "oms.draining"  # The server sets this in the environ once the process is stopping.


class Health(Output):
    """The process answers."""

    status: Literal["ok"]


class Ready(Output):
    """Requests should be sent here; `degraded` names what is away without stopping the service."""

    status: Literal["ready"]
    degraded: list[str]


@Operation(
    id="getHealth",
    method="GET",
    path="/healthz",
    tag="service",
    summary="Ask whether the process answers",
    answers=(Answer(status=200, description="It does.", schema=Health, headers=(headers.NO_STORE,)),),
    errors=OF_PROBES,
)
def get_health(_service: Service, _request: Request) -> Response:
    """Say that the process answers; nothing behind it is asked."""
    return json_response({"status": "ok"}, headers=[NO_STORE])


@Operation(
    id="getReadiness",
    method="GET",
    path="/readyz",
    tag="service",
    summary="Ask whether requests should be sent here",
    description="503 while the database is away, its schema does not fit, or the process is stopping; one that is "
    "stopping may still take requests for a while (`OMS_HTTP_LAME_DUCK_SECONDS`). The broker, the rate limits' store "
    "or a replica may be away meanwhile: `degraded` names them, and nothing accepted is lost.",
    answers=(Answer(status=200, description="They should.", schema=Ready, headers=(headers.NO_STORE,)),),
    errors=(*OF_PROBES, "stopping", *OF_STORAGE),
)
def get_readiness(service: Service, request: Request) -> Response:
    """Say whether requests should be sent here."""
    if request.environ.get(DRAINING):
        raise OmsError("stopping", "this process is stopping; what it is asked it still answers")
    service.readiness.ask()
    return json_response({"status": "ready", "degraded": service.degradation.parts()}, headers=[NO_STORE])


@Operation(
    id="getMetrics",
    method="GET",
    path="/metrics",
    tag="service",
    summary="Get metrics for Prometheus",
    answers=(Answer(status=200, description="Prometheus text.", media_type="text/plain", headers=(headers.NO_STORE,)),),
    errors=ANYWHERE,
)
def get_metrics(service: Service, _request: Request) -> Response:
    """Return what was counted and measured, over all processes of the service."""
    media_type, body = service.oms.metrics.render()
    return Response(body, headers=[("Content-Type", media_type), NO_STORE])
