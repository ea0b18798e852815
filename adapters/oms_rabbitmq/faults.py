"""The faults of a broker, translated into the port's error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import (
    AMQPError,
    ConnectionClosed,
    IncompatibleProtocolError,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from oms_core.errors import OmsError

PREFIX = "RabbitMQ: "
_ASSUMED_BY_PIKA = (IncompatibleProtocolError, ProbableAccessDeniedError, ProbableAuthenticationError)


def unavailable(detail: str) -> OmsError:
    """Return the error for a broker that is unreachable, blocked or refuses."""
    return OmsError("queue_unavailable", f"{PREFIX}{detail}", retry_after_seconds=1)


@contextmanager
def translated() -> Iterator[None]:
    """Turn exceptions of pika and of the network into `queue_unavailable`."""
    try:
        yield
    except (AMQPError, AMQPConnectorException, OSError) as error:
        raise unavailable(reason_of(error)) from error


def reason_of(error: BaseException) -> str:
    """Return in a few words why a connection or channel could not be opened, or was closed."""
    if isinstance(error, ProbableAuthenticationError):
        return "it refuses the user or the password"
    if isinstance(error, ProbableAccessDeniedError):
        return "it refuses the user the virtual host"
    if isinstance(error, ConnectionClosed) or hasattr(error, "reply_text"):
        return str(getattr(error, "reply_text", error))
    cause = _cause(error)
    return reason_of(cause) if cause is not None else str(error) or type(error).__name__


def reason_of_end(error: BaseException, ended_by: BaseException | None) -> str:
    """Return why a connection ended. `ended_by` is the cause if pika only guesses that the broker refused something."""
    if isinstance(error, _ASSUMED_BY_PIKA) and ended_by is not None and not isinstance(ended_by, ConnectionClosed):
        return f"the connection was lost while it was being opened ({reason_of(ended_by)})"
    return reason_of(error)


def _cause(error: BaseException) -> BaseException | None:
    """Return the error that pika has wrapped: of the last of several attempts, or of one phase of connecting."""
    wrapped = [*getattr(error, "exceptions", ()), getattr(error, "exception", None), *error.args]
    return next((cause for cause in reversed(wrapped) if isinstance(cause, BaseException)), None)
