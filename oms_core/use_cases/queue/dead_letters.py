"""Dead letters: messages that could not be read, kept for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT
from oms_core.domain.pages import check_limit
from oms_core.ports.broker import Broker, DeadLetter


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """Messages that could not be read. All methods may raise `queue_unavailable` or `forbidden`."""

    broker: Broker

    def list(self, *, caller: Caller, limit: int = PAGE_ITEMS_DEFAULT) -> Sequence[DeadLetter]:
        """Return the oldest ones; they stay in the queue. Raise `validation_error` for a bad limit."""
        _require_managing(caller)
        check_limit(limit)
        return self.broker.dead_letters().list(limit=limit)

    def replay(self, ids: Sequence[str] | None, *, caller: Caller) -> int:
        """Send letters back to the queue they came from (None: all); return how many were found."""
        _require_managing(caller)
        return self.broker.dead_letters().replay(ids)

    def discard(self, ids: Sequence[str] | None, *, caller: Caller) -> int:
        """Remove letters for good (None: all); return how many were found."""
        _require_managing(caller)
        return self.broker.dead_letters().discard(ids)


def _require_managing(caller: Caller) -> None:
    caller.require(Scope.ORDERS_MANAGE)
    caller.require_unbound()
