"""What the service says of itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from oms_core.errors import Retry
from oms_http.schemas.models import Output


class Health(Output):
    """The process answers."""

    status: Literal["ok"]


class Ready(Output):
    """Requests should be sent here; `degraded` names what is away without stopping the service."""

    status: Literal["ready"]
    degraded: list[str]


class Link(Output):
    """A path that can be read, and what it gives."""

    href: str
    title: str


class Index(Output):
    """What this service has at its root."""

    title: str
    version: str
    links: list[Link]


class ProblemCode(Output):
    """An error code: what it means, and what the caller may do next. `type` is what a problem has as its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/order_not_found",
                    "code": "order_not_found",
                    "status": 404,
                    "title": "There is no such order",
                    "explanation": "No order with this id is visible to the caller.",
                    "retry": "never",
                }
            ]
        }
    )

    type: str
    code: str
    status: Annotated[int, Field(ge=400, le=599)]
    title: str
    explanation: str
    retry: Retry


class ProblemList(Output):
    """Every error code, by name."""

    items: list[ProblemCode]
