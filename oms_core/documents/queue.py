"""The queue as JSON documents: how it stands, an order's place in it, and the messages that could not be read."""

from __future__ import annotations

from base64 import b64encode
from codecs import getincrementaldecoder

from oms_core.documents.orders import show_time
from oms_core.domain.orders.queueing import QueuePlace, QueueStatus, WorkerState
from oms_core.ports.broker import DeadLetter

_DECIMALS = 3


def show_queue_status(status: QueueStatus) -> dict[str, object]:
    """Show the queue and its workers; ages and rates are rounded to three decimals."""
    age = status.oldest_age_seconds
    return {
        "depth": status.depth,
        "oldest_age_seconds": None if age is None else round(age, _DECIMALS),
        "orders_per_second": round(status.orders_per_second, _DECIMALS),
        "workers": [show_worker(worker) for worker in status.workers],
        "failed": status.failed,
        "rejected": status.rejected,
    }


def show_worker(worker: WorkerState) -> dict[str, object]:
    """Show a worker: its pace over the last ten seconds, and how many orders it has settled."""
    return {
        "id": worker.id,
        "started_at": show_time(worker.started_at),
        "seen_at": show_time(worker.seen_at),
        "orders_per_second": round(worker.orders_per_second, _DECIMALS),
        "settled": worker.settled,
    }


def show_queue_place(place: QueuePlace) -> dict[str, object]:
    """Show where a queued order stands."""
    return {"position": place.position, "estimated_seconds": place.estimated_seconds}


def show_dead_letter(letter: DeadLetter, *, body_bytes_max: int | None = None) -> dict[str, object]:
    """Show a message that could not be read, with the first `body_bytes_max` bytes of its body, or all of them.

    `bytes` counts the whole body, and `truncated` says that there is more of it than is shown.
    """
    is_truncated = body_bytes_max is not None and len(letter.body) > body_bytes_max
    body, encoding = show_bytes(letter.body[:body_bytes_max], is_truncated=is_truncated)
    return {
        "id": letter.id,
        "kind": letter.kind.value,
        "code": letter.code,
        "detail": letter.detail,
        "body": body,
        "body_encoding": encoding,
        "bytes": len(letter.body),
        "truncated": is_truncated,
        "died_at": None if letter.died_at is None else show_time(letter.died_at),
    }


def show_bytes(content: bytes, *, is_truncated: bool) -> tuple[str, str]:
    """Return bytes as a text, and its encoding: `utf-8` where they are UTF-8, else `base64`, so that no byte is lost.

    A character that is cut at the end of truncated bytes is left out.
    """
    try:
        return getincrementaldecoder("utf-8")().decode(content, final=not is_truncated), "utf-8"
    except UnicodeDecodeError:
        return b64encode(content).decode(), "base64"
