"""The operations on the queue."""

from __future__ import annotations

from oms_http.openapi import headers
from oms_http.openapi.operation import GUARDED, WITH_BODY, Answer, Operation
from oms_http.queries import LIMIT
from oms_http.queue import queue
from oms_http.queue.queue_schemas import DeadLetterList, DeadLettersRequest, DiscardReport, Queue, ReplayReport

_TAG = "queue"
_AT_THE_BROKER = (*GUARDED, "queue_unavailable")

QUEUE_OPERATIONS = (
    Operation(
        id="getQueue",
        method="GET",
        path="/v1/queue",
        tag=_TAG,
        summary="Look at the queue: how many wait, for how long, and who places them",
        view=queue.get_queue,
        use_cases=("queue.status",),
        answers=(Answer(status=200, description="The queue.", schema=Queue, headers=(headers.NO_STORE,)),),
        errors=GUARDED,
    ),
    Operation(
        id="listDeadLetters",
        method="GET",
        path="/v1/queue/dead",
        tag=_TAG,
        summary="List messages that could not be read, oldest first",
        description="They stay where they are.",
        view=queue.list_dead_letters,
        use_cases=("queue.dead_letters.list",),
        query=(LIMIT,),
        answers=(Answer(status=200, description="The oldest.", schema=DeadLetterList, headers=(headers.NO_STORE,)),),
        errors=_AT_THE_BROKER,
    ),
    Operation(
        id="replayDeadLetters",
        method="POST",
        path="/v1/queue/dead/replay",
        tag=_TAG,
        summary="Send messages back to where they came from",
        view=queue.replay_dead_letters,
        use_cases=("queue.dead_letters.replay",),
        body=DeadLettersRequest,
        answers=(Answer(status=200, description="How many.", schema=ReplayReport, headers=(headers.NO_STORE,)),),
        errors=(*_AT_THE_BROKER, *WITH_BODY),
    ),
    Operation(
        id="discardDeadLetters",
        method="POST",
        path="/v1/queue/dead/discard",
        tag=_TAG,
        summary="Remove messages for good",
        view=queue.discard_dead_letters,
        use_cases=("queue.dead_letters.discard",),
        body=DeadLettersRequest,
        answers=(Answer(status=200, description="How many.", schema=DiscardReport, headers=(headers.NO_STORE,)),),
        errors=(*_AT_THE_BROKER, *WITH_BODY),
    ),
)
