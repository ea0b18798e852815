"""The answers that the server gives itself, before or instead of the application (RFC 9457)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from oms_core.errors import ERROR_CODES

SERVER_HEADER = ("server", "oms")
LAST_OF_CONNECTION = ("connection", "close")
_PLACE = "\0"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One problem+json answer, encoded once up to the request id, which is filled in for each request.

    After one with `body_unread` the client may still be sending, and the connection ends.
    """

    code: str
    status: int
    detail: str
    body_unread: bool = False
    _parts: tuple[bytes, bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Encode the body around the request id."""
        row = ERROR_CODES[self.code]
        problem = {
            "type": f"/problems/{row.code}",
            "title": row.title,
            "status": self.status,
            "detail": self.detail,
            "code": row.code,
            "request_id": _PLACE,
            "retry": row.retry.value,
        }
        before, after = json.dumps(problem).split(json.dumps(_PLACE))
        object.__setattr__(self, "_parts", (before.encode(), after.encode()))

    def headers(self, request_id: str) -> list[tuple[str, str]]:
        """Return the answer's headers, but for those that the service puts on every answer."""
        headers = [
            SERVER_HEADER,
            ("content-type", "application/problem+json"),
            ("cache-control", "no-store"),
            ("x-request-id", request_id),
        ]
        if self.body_unread:
            headers.append(LAST_OF_CONNECTION)
        return headers

    def body(self, request_id: str) -> bytes:
        """Return the JSON document."""
        before, after = self._parts
        return before + json.dumps(request_id).encode() + after


class RefusedError(Exception):
    """The request cannot be handed to the application; `refusal` is what its sender is told."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class UnwelcomeError(Exception):
    """The application has answered a request by its head alone; its body is not received."""


OVERLOADED = Refusal("overloaded", 503, "Too many requests are being answered. Nothing was changed.")
NO_ROOM = Refusal("overloaded", 503, "There is no room for the body now. Nothing was changed.", body_unread=True)
TOO_MANY = Refusal(
    "concurrency_limited", 429, "Large bodies of this caller are here already. Nothing was changed.", body_unread=True
)
TIMED_OUT = Refusal("request_timeout", 408, "The body did not arrive in time. Nothing was changed.", body_unread=True)
BODY_CUT = Refusal(
    "validation_error", 422, "The body ended early or carried trailers. Nothing was changed.", body_unread=True
)
NO_ROUTE = Refusal(
    "route_not_found", 404, "No route has this path, in which a part between two slashes is empty.", body_unread=True
)
LOST = Refusal("outcome_unknown", 503, "The request was answered, and there is no room for its large answer now.")
STALLED = Refusal("outcome_unknown", 503, "The request was done or refused, and its answer did not come in time.")
FAILED = Refusal("internal_error", 500, "The request failed. The log holds the details under the request id.")


def too_large(bytes_max: int) -> Refusal:
    """Make the refusal of a body of more than `bytes_max` bytes."""
    detail = f"The body is larger than {bytes_max} bytes. Nothing was changed."
    return Refusal("payload_too_large", 413, detail, body_unread=True)


def too_long(bytes_max: int) -> Refusal:
    """Make the refusal of a path and query of more than `bytes_max` bytes."""
    detail = f"The path and the query have more than {bytes_max} bytes. Nothing was changed."
    return Refusal("uri_too_long", 414, detail, body_unread=True)


def ambiguous(detail: str) -> Refusal:
    """Make the refusal of a head that others might read differently; whatever follows it is not read as a request."""
    return Refusal("validation_error", 422, f"{detail} Nothing was changed.", body_unread=True)


def unreadable_headers(names: set[str]) -> Refusal:
    """Make the refusal of headers that hold more than ASCII: to ignore one, a key say, would change the meaning."""
    listed = ", ".join(sorted(names))
    return Refusal("validation_error", 422, f"These headers must be ASCII: {listed}. Nothing was changed.")
