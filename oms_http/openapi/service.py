"""The operations for those who run the service or build on it."""

from __future__ import annotations

from oms_http.openapi import headers
from oms_http.openapi.operation import ANYWHERE, OF_PROBES, OF_STORAGE, Answer, Operation
from oms_http.service import documentation
from oms_http.service.service_schemas import Health, Index, ProblemCode, ProblemList, Ready

_TAG = "service"
_HTML = "text/html"
_STATIC = (headers.CONTENT_ETAG, headers.REVALIDATE)

METRICS_OPERATION = Operation(
    id="getMetrics",
    method="GET",
    path="/metrics",
    tag=_TAG,
    summary="Get metrics for Prometheus",
    view=documentation.get_metrics,
    answers=(Answer(status=200, description="Prometheus text.", media_type="text/plain", headers=(headers.NO_STORE,)),),
    errors=ANYWHERE,
)
SERVICE_OPERATIONS = (
    Operation(
        id="getIndex",
        method="GET",
        path="/",
        tag=_TAG,
        summary="See what can be read here",
        view=documentation.get_index,
        answers=(Answer(status=200, description="The links.", schema=Index, page_type=_HTML),),
        errors=ANYWHERE,
    ),
    Operation(
        id="getHealth",
        method="GET",
        path="/healthz",
        tag=_TAG,
        summary="Ask whether the process answers",
        view=documentation.get_health,
        answers=(Answer(status=200, description="It does.", schema=Health, headers=(headers.NO_STORE,)),),
        errors=OF_PROBES,
    ),
    Operation(
        id="getReadiness",
        method="GET",
        path="/readyz",
        tag=_TAG,
        summary="Ask whether requests should be sent here",
        description="503 while the database is away, its schema does not fit, or the process is stopping. The broker "
        "or the rate limits' store may be away meanwhile: `degraded` names them, and nothing accepted is lost.",
        view=documentation.get_readiness,
        answers=(Answer(status=200, description="They should.", schema=Ready, headers=(headers.NO_STORE,)),),
        errors=(*OF_PROBES, *OF_STORAGE),
    ),
    Operation(
        id="getOpenApi",
        method="GET",
        path="/openapi.json",
        tag=_TAG,
        summary="Get this document",
        view=documentation.get_openapi,
        headers=(headers.IF_NONE_MATCH,),
        answers=(
            Answer(status=200, description="OpenAPI 3.1.", headers=_STATIC),
            Answer(status=304, description="Unchanged.", media_type=None, headers=_STATIC),
        ),
        errors=ANYWHERE,
    ),
    Operation(
        id="getDocs",
        method="GET",
        path="/docs",
        tag=_TAG,
        summary="Read and try this API on a page",
        view=documentation.get_docs,
        answers=(Answer(status=200, description="The page.", media_type=_HTML),),
        errors=ANYWHERE,
    ),
    Operation(
        id="listProblems",
        method="GET",
        path="/problems",
        tag=_TAG,
        summary="List every error code",
        view=documentation.list_problems,
        answers=(Answer(status=200, description="All of them.", schema=ProblemList, page_type=_HTML),),
        errors=ANYWHERE,
    ),
    Operation(
        id="getProblem",
        method="GET",
        path="/problems/{code}",
        tag=_TAG,
        summary="Read what an error code means",
        view=documentation.get_problem,
        answers=(Answer(status=200, description="The code.", schema=ProblemCode, page_type=_HTML),),
        errors=(*ANYWHERE, "route_not_found"),
    ),
)
