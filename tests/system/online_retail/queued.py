"""Replays a plan through the queue: sales are accepted, and placed by `oms worker` in processes of its own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from oms_core import Oms, Order, OrderStatus, PlaceOrder, Settings
from tests.bench.working import working
from tests.services.waiting import wait_until
from tests.system.online_retail.books import read_orders
from tests.system.online_retail.replay import APPLIED, CALLER, Intake, Progress, Tally, replay
from tests.system.online_retail.steps import Sale, Step

SECONDS = 120


def queueing_intake(oms: Oms) -> Intake:
    """Have sales accepted; before a cancellation its client waits for the outcome, as a customer would."""

    def accept(command: PlaceOrder) -> UUID:
        return oms.orders.accept(command, caller=CALLER).order.id

    def was_placed(order_id: UUID) -> bool:
        order = oms.orders.wait(order_id, caller=CALLER, timeout_seconds=SECONDS)
        if order is None:
            raise TimeoutError(f"order {order_id} is not settled within {SECONDS} s")
        return order.status is not OrderStatus.REJECTED

    return Intake(hand_in=accept, was_placed=was_placed)


@contextmanager
def workers(settings: Settings, *, count: int) -> Iterator[None]:
    """Run so many worker processes on the settings' database and broker."""
    variables = {
        "OMS_DATABASE_URL": settings.database_url,
        "OMS_QUEUE_URL": settings.queue_url,
        "OMS_QUEUE_PREFIX": settings.queue_prefix,
    }
    with working(variables, processes=count):
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedReplay:
    """What became of the lines once everything accepted was settled; `settled_by` has each worker's orders."""

    tally: Tally
    accepted_seconds: float
    settled_seconds: float
    settled_by: Sequence[int]


def replay_through_queue(
    oms: Oms, shares: Sequence[Sequence[Step]], *, count: int, progress: Progress = lambda _: None
) -> QueuedReplay:
    """Carry out all steps while so many workers place, and wait until nothing is queued.

    TimeoutError or DeadlinePassed when that takes too long.
    """
    with workers(oms.settings, count=count):
        wait_until(lambda: len(_live(oms)) == count, SECONDS, "the workers are there")
        known = len(read_orders(oms, caller=CALLER))
        began = time.perf_counter()
        tally = replay(oms, shares, progress, intake=queueing_intake(oms))
        accepted = time.perf_counter()
        wait_until(lambda: not oms._ports.storage.queue.sample().numbers, SECONDS, "everything is settled")
        settled = time.perf_counter()
        orders = {str(order.reference): order for order in read_orders(oms, caller=CALLER)}
        new = len(orders) - known
        by_worker = wait_until(lambda: _shares_of(oms, new), SECONDS, "the workers have told what they settled")
    return QueuedReplay(
        tally=_settled(tally, (step for share in shares for step in share), orders),
        accepted_seconds=accepted - began,
        settled_seconds=settled - began,
        settled_by=by_worker,
    )


def _live(oms: Oms) -> list[int]:
    return [worker.settled for worker in oms._ports.storage.workers.find(silent_seconds=SECONDS)]


def _shares_of(oms: Oms, total: int) -> list[int]:
    """Give the workers' shares once their signs of life add up; they are a second or so behind."""
    shares = _live(oms)
    return shares if sum(shares) >= total else []


def _settled(tally: Tally, steps: Iterable[Step], orders: dict[str, Order]) -> Tally:
    """Count accepted orders that were not placed under their failure's code."""
    for step in steps:
        order = orders.get(step.invoice)
        if isinstance(step, Sale) and order is not None and order.failure is not None:
            moved = Tally()
            moved.note(step, APPLIED)
            tally.lines.subtract(moved.lines)
            tally.orders.subtract(moved.orders)
            tally.note(step, order.failure.code)
    return tally
