"""The faults of a broker, translated into the port's error."""

from __future__ import annotations

from nats.errors import AuthorizationError, NoRespondersError
from nats.js.errors import APIError, NoStreamResponseError

from oms_core.errors import OmsError


def unavailable(detail: str) -> OmsError:
    """Return the error for a broker that is unreachable, full or refuses."""
    return OmsError("queue_unavailable", f"NATS: {detail}", retry_after_seconds=1)


def reason_of(error: BaseException) -> str:
    """Return in a few words why a connection could not be opened, was lost, or a request was refused."""
    text = str(error).removeprefix("nats: ").strip("'")
    if isinstance(error, AuthorizationError) or "authorization violation" in text.lower():
        return "it refuses the user or the password"
    if isinstance(error, APIError) and error.description:
        return error.description
    if isinstance(error, APIError | NoStreamResponseError | NoRespondersError):
        return "JetStream does not answer: it is off, or the stream has no leader"
    if isinstance(error, TimeoutError) and text in ("", "timeout"):
        return "no answer in time"
    return text or type(error).__name__
