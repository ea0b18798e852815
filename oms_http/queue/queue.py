"""The routes of the queue: how it stands, and the messages that could not be read."""

from __future__ import annotations

from codecs import getincrementaldecoder

from flask import Response

from oms_core.documents.orders import show_time
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.orders.queueing import WorkerState
from oms_core.ports.broker import DeadLetter
from oms_http.app_state import Service
from oms_http.queue.queue_schemas import DEAD_BODY_BYTES_MAX, DeadLettersRequest
from oms_http.requests import Request, read_model
from oms_http.responses import NO_STORE, json_response

_DECIMALS = 3


def get_queue(service: Service, request: Request) -> Response:
    """Describe the queue."""
    status = service.oms.get_queue_status(caller=request.caller)
    age = status.oldest_age_seconds
    shown = {
        "depth": status.depth,
        "oldest_age_seconds": None if age is None else round(age, _DECIMALS),
        "drain_rate": round(status.orders_per_second, _DECIMALS),
        "workers": [_show_worker(worker) for worker in status.workers],
        "failed": status.failed,
        "rejected": status.rejected,
    }
    return json_response(shown, headers=[NO_STORE])


def list_dead_letters(service: Service, request: Request) -> Response:
    """List messages that could not be read."""
    limit = request.parameters.get("limit", PAGE_ITEMS_DEFAULT)
    letters = service.oms.list_dead_letters(caller=request.caller, limit=limit)
    return json_response({"items": [_show_letter(letter) for letter in letters]}, headers=[NO_STORE])


def replay_dead_letters(service: Service, request: Request) -> Response:
    """Send messages back to where they came from."""
    ids = read_model(DeadLettersRequest, request).ids
    return json_response({"replayed": service.oms.replay_dead_letters(ids, caller=request.caller)}, headers=[NO_STORE])


def discard_dead_letters(service: Service, request: Request) -> Response:
    """Remove messages for good."""
    ids = read_model(DeadLettersRequest, request).ids
    return json_response(
        {"discarded": service.oms.discard_dead_letters(ids, caller=request.caller)}, headers=[NO_STORE]
    )


def _show_worker(worker: WorkerState) -> dict[str, object]:
    return {
        "id": worker.id,
        "started_at": show_time(worker.started_at),
        "seen_at": show_time(worker.seen_at),
        "orders_per_second": round(worker.orders_per_second, _DECIMALS),
        "settled": worker.settled,
    }


def _show_letter(letter: DeadLetter) -> dict[str, object]:
    is_truncated = len(letter.body) > DEAD_BODY_BYTES_MAX
    # A character that the cut goes through is left out; bytes that are no UTF-8 show as U+FFFD.
    decoder = getincrementaldecoder("utf-8")("replace")
    return {
        "id": letter.id,
        "kind": letter.kind.value,
        "code": letter.code,
        "detail": letter.detail,
        "body": decoder.decode(letter.body[:DEAD_BODY_BYTES_MAX], final=not is_truncated),
        "truncated": is_truncated,
        "died_at": None if letter.died_at is None else show_time(letter.died_at),
    }
