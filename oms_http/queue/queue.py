"""The routes of the queue: how it stands, and the messages that could not be read."""

from __future__ import annotations

from flask import Response

from oms_core.documents.queue import show_dead_letter, show_queue_status
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_http.app_state import Service
from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, WITH_BODY, Answer, Operation
from oms_http.queries import LIMIT
from oms_http.queue.queue_schemas import (
    DEAD_BODY_BYTES_MAX,
    DeadLetterList,
    DeadLettersRequest,
    DiscardReport,
    Queue,
    ReplayReport,
)
from oms_http.requests import Request, read_model
from oms_http.responses import NO_STORE, json_response

_AT_THE_BROKER = (*GUARDED, "queue_unavailable")


@Operation(
    id="getQueue",
    method="GET",
    path="/v1/queue",
    tag="queue",
    summary="Look at the queue: how many wait, for how long, and who places them",
    use_cases=("queue.status",),
    answers=(Answer(status=200, description="The queue.", schema=Queue, headers=(headers.NO_STORE,)),),
    errors=GUARDED,
)
def get_queue(service: Service, request: Request) -> Response:
    """Describe the queue."""
    status = service.oms.queue.status(caller=request.caller)
    return json_response(show_queue_status(status), headers=[NO_STORE])


@Operation(
    id="listDeadLetters",
    method="GET",
    path="/v1/queue/dead",
    tag="queue",
    summary="List messages that could not be read, oldest first",
    description="They stay where they are.",
    use_cases=("queue.dead_letters.list",),
    query=(LIMIT,),
    answers=(Answer(status=200, description="The oldest.", schema=DeadLetterList, headers=(headers.NO_STORE,)),),
    errors=_AT_THE_BROKER,
)
def list_dead_letters(service: Service, request: Request) -> Response:
    """List messages that could not be read."""
    limit = request.parameters.get("limit", PAGE_ITEMS_DEFAULT)
    letters = service.oms.queue.dead_letters.list(caller=request.caller, limit=limit)
    shown = [show_dead_letter(letter, body_bytes_max=DEAD_BODY_BYTES_MAX) for letter in letters]
    return json_response({"items": shown}, headers=[NO_STORE])


@Operation(
    id="replayDeadLetters",
    method="POST",
    path="/v1/queue/dead/replay",
    tag="queue",
    summary="Send messages back to where they came from",
    use_cases=("queue.dead_letters.replay",),
    body=DeadLettersRequest,
    answers=(Answer(status=200, description="How many.", schema=ReplayReport, headers=(headers.NO_STORE,)),),
    errors=(*_AT_THE_BROKER, *WITH_BODY),
)
def replay_dead_letters(service: Service, request: Request) -> Response:
    """Send messages back to where they came from."""
    ids = read_model(DeadLettersRequest, request).ids
    return json_response(
        {"replayed": service.oms.queue.dead_letters.replay(ids, caller=request.caller)}, headers=[NO_STORE]
    )


@Operation(
    id="discardDeadLetters",
    method="POST",
    path="/v1/queue/dead/discard",
    tag="queue",
    summary="Remove messages for good",
    use_cases=("queue.dead_letters.discard",),
    body=DeadLettersRequest,
    answers=(Answer(status=200, description="How many.", schema=DiscardReport, headers=(headers.NO_STORE,)),),
    errors=(*_AT_THE_BROKER, *WITH_BODY),
)
def discard_dead_letters(service: Service, request: Request) -> Response:
    """Remove messages for good."""
    ids = read_model(DeadLettersRequest, request).ids
    return json_response(
        {"discarded": service.oms.queue.dead_letters.discard(ids, caller=request.caller)}, headers=[NO_STORE]
    )
