"""The routes of the queue: how it stands, and the messages that could not be read."""

from __future__ import annotations

from flask import Response

from oms_core.documents.queue import show_dead_letter, show_queue_status
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_http.app_state import Service
from oms_http.queue.queue_schemas import DEAD_BODY_BYTES_MAX, DeadLettersRequest
from oms_http.requests import Request, read_model
from oms_http.responses import NO_STORE, json_response


def get_queue(service: Service, request: Request) -> Response:
    """Describe the queue."""
    status = service.oms.queue.status(caller=request.caller)
    return json_response(show_queue_status(status), headers=[NO_STORE])


def list_dead_letters(service: Service, request: Request) -> Response:
    """List messages that could not be read."""
    limit = request.parameters.get("limit", PAGE_ITEMS_DEFAULT)
    letters = service.oms.queue.dead_letters.list(caller=request.caller, limit=limit)
    shown = [show_dead_letter(letter, body_bytes_max=DEAD_BODY_BYTES_MAX) for letter in letters]
    return json_response({"items": shown}, headers=[NO_STORE])


def replay_dead_letters(service: Service, request: Request) -> Response:
    """Send messages back to where they came from."""
    ids = read_model(DeadLettersRequest, request).ids
    return json_response(
        {"replayed": service.oms.queue.dead_letters.replay(ids, caller=request.caller)}, headers=[NO_STORE]
    )


def discard_dead_letters(service: Service, request: Request) -> Response:
    """Remove messages for good."""
    ids = read_model(DeadLettersRequest, request).ids
    return json_response(
        {"discarded": service.oms.queue.dead_letters.discard(ids, caller=request.caller)}, headers=[NO_STORE]
    )
