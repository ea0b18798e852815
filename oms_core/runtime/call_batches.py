"""The calls of many on one thread: each is interrupted where it waits, and those that write share a transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Protocol, TypeVar

from oms_core.domain.orders.placement import Placement, PlacementOutcome

Result = TypeVar("Result")
PlaceMany = Callable[[Sequence[Placement]], list[PlacementOutcome]]


class CallBatch(Protocol):
    """Who runs calls on one thread. A call comes back from these methods when what it waits for is there."""

    def hand_in(self, write: PlaceMany, placement: Placement) -> PlacementOutcome:
        """Have an order written together with those of the other calls; raise what `write` raises."""
        ...

    def run_elsewhere(self, work: Callable[[], Result]) -> Result:
        """Run on another thread what may wait; return what it returns, or raise it."""
        ...


_joined: ContextVar[CallBatch | None] = ContextVar("oms_call_batch", default=None)


def join_batch(batch: CallBatch) -> None:
    """Make what this context calls part of a batch, as long as the context lives."""
    _joined.set(batch)


def batch_joined() -> CallBatch | None:
    """Return the batch that this call is part of; None where it has its thread to itself."""
    return _joined.get()


def run_waiting(work: Callable[[], Result]) -> Result:
    """Run work that may wait for another machine: on this thread, unless other calls share it."""
    batch = _joined.get()
    return work() if batch is None else batch.run_elsewhere(work)
