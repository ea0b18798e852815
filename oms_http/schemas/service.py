"""What the service says of itself."""

from __future__ import annotations

from typing import Literal

from oms_http.schemas.shapes import Output


class Health(Output):
    """The process answers."""

    status: Literal["ok"]


class Ready(Output):
    """Requests should be sent here; `degraded` names what is away without stopping the service."""

    status: Literal["ready"]
    degraded: list[str]
