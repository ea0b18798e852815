"""Look after messages that could not be read."""

from __future__ import annotations

from collections.abc import Sequence

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.pages import check_limit
from oms_core.ports.broker import Broker, DeadLetter


def list_dead_letters(queue: Broker, *, caller: Caller, limit: int) -> list[DeadLetter]:
    """Return the oldest dead letters. Raises `queue_unavailable`, `forbidden`, `validation_error` for a bad limit."""
    caller.require(Scope.ORDERS_MANAGE)
    caller.require_unbound()
    check_limit(limit)
    return queue.dead_letters().list(limit=limit)


def replay_dead_letters(queue: Broker, ids: Sequence[str] | None, *, caller: Caller) -> int:
    """Send letters back to where they came from (None: all); give how many. Raises `queue_unavailable`, `forbidden`."""
    caller.require(Scope.ORDERS_MANAGE)
    caller.require_unbound()
    return queue.dead_letters().replay(ids)


def discard_dead_letters(queue: Broker, ids: Sequence[str] | None, *, caller: Caller) -> int:
    """Remove letters for good (None: all); give how many. Raises `queue_unavailable`, `forbidden`."""
    caller.require(Scope.ORDERS_MANAGE)
    caller.require_unbound()
    return queue.dead_letters().discard(ids)
