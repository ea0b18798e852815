"""The queue as requests and answers: how it stands, and messages that could not be read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from oms_core.domain import limits
from oms_http.schemas.fields import Time
from oms_http.schemas.models import Input, Output

DEAD_BODY_BYTES_MAX = 4 * 1024
_LETTER_ID_LENGTH_MAX = 255
_TIME = "2026-11-22T21:00:00.000000Z"
_WORKER: JsonDict = {
    "id": "shop-1:4711:5eafc0de",
    "started_at": _TIME,
    "seen_at": _TIME,
    "orders_per_second": 812.5,
    "settled": 20417,
}
_LETTER: JsonDict = {
    "id": "1b671a64-40d5-491e-99b0-da01ff1f3341",
    "kind": "command",
    "code": "malformed_json",
    "detail": "is no JSON: Expecting value at character 0",
    "body": "hello?",
    "body_encoding": "utf-8",
    "bytes": 6,
    "truncated": False,
    "died_at": _TIME,
}

LetterId = Annotated[str, Field(min_length=1, max_length=_LETTER_ID_LENGTH_MAX)]


class Worker(Output):
    """A worker that showed itself within 15 seconds: its pace in the last seconds, and what it settled in all."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WORKER]})

    id: str
    started_at: Time
    seen_at: Time
    orders_per_second: Annotated[float, Field(ge=0)]
    settled: Annotated[int, Field(ge=0)]


class Queue(Output):
    """The queue as it was within the last second. `depth`, `failed` and `rejected` are exact below 10,000."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "depth": 1200,
                    "oldest_age_seconds": 1.482,
                    "orders_per_second": 812.5,
                    "workers": [_WORKER],
                    "failed": 0,
                    "rejected": 41,
                }
            ]
        }
    )

    depth: Annotated[int, Field(ge=0, description="How many orders wait.")]
    oldest_age_seconds: Annotated[float, Field(ge=0)] | None
    orders_per_second: Annotated[float, Field(ge=0, description="Orders that all workers settle in a second.")]
    workers: list[Worker]
    failed: Annotated[int, Field(ge=0)]
    rejected: Annotated[int, Field(ge=0)]


class DeadLetter(Output):
    """A message that could not be read, and why. `body` is at most its first 4 KiB; `truncated` says there is more.

    It is text where its bytes are UTF-8, and else base64, as `body_encoding` says. `bytes` counts the whole body.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_LETTER]})

    id: str
    kind: Literal["order_ids", "command"]
    code: str
    detail: str
    body: str
    body_encoding: Literal["utf-8", "base64"]
    bytes: Annotated[int, Field(ge=0)]
    truncated: bool
    died_at: Time | None


class DeadLetterList(Output):
    """The oldest dead letters, oldest first."""

    items: list[DeadLetter]


class DeadLettersRequest(Input):
    """Which dead letters: those with these ids, or all that are there now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": ["1b671a64-40d5-491e-99b0-da01ff1f3341"]}, {}]})

    ids: Annotated[list[LetterId] | None, Field(min_length=1, max_length=limits.PAGE_ITEMS_MAX)] = None


class ReplayReport(Output):
    """How many letters were sent back."""

    replayed: Annotated[int, Field(ge=0)]


class DiscardReport(Output):
    """How many letters were removed."""

    discarded: Annotated[int, Field(ge=0)]
