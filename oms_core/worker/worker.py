"""The worker: it settles the orders that messages name, and sweeps for queued orders whose message never came."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import NamedTuple, TypeVar
from uuid import UUID

from oms_core.documents.messages import read_command, read_order_ids
from oms_core.domain.commands import PlaceOrder
from oms_core.domain.limits import TRANSACTION_ORDERS_MAX
from oms_core.domain.metrics import DEAD_LETTERS, SWEPT_ORDERS
from oms_core.domain.orders.placement import PlacementOutcome, Refused
from oms_core.domain.orders.queueing import Claim, is_claimed_alone
from oms_core.errors import OmsError
from oms_core.ports.broker import Inbox, Message, MessageKind
from oms_core.ports.metrics import Metrics
from oms_core.ports.queue_storage import QueueStorage, at_once
from oms_core.worker.heartbeat import Heartbeat
from oms_core.worker.pipeline import Work, run_in_turn
from oms_core.worker.retrying import Retrying, StoppedError, passes
from oms_core.worker.settle_batches import PutOff, Settle, SettleBatches

Read = TypeVar("Read")

_log = logging.getLogger(__name__)

_MESSAGES_MAX = 500
_TAKE_SECONDS = 0.5
_POLL_SECONDS = 0.2
_BUSY_SWEEP_SECONDS = 10.0
_BUSY_SWEEP_AGE_SECONDS = 60.0
_FAILED_PAUSE_SECONDS = 1.0
_REST = 6.0
_REST_MAX_SECONDS = 0.25
# Smaller batches have less to read and decide than handing them to another thread takes.
_WORTH_A_THREAD = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTasks:
    """The functions that a worker calls for its work.

    `settle` places or rejects those orders that are still queued, and returns how many they were; its second argument
    are the tries of claimed orders. `put_off` counts a failed try of one order. `accept` queues commands, and returns
    one outcome each, in order. All three raise an error that is no order's fault; the same call may then be repeated.
    `check` raises while the database is known to be unfit for work.
    """

    settle: Settle
    put_off: PutOff
    accept: Callable[[Sequence[PlaceOrder]], list[PlacementOutcome]]
    check: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """The bounds of a worker.

    `batch_max`: orders in one transaction. `sweep_age_seconds`: how long an order waits before an idle worker takes it
    without a message. `lease_seconds`: how long a claimed order is left to the worker that claimed it.
    """

    batch_max: int = TRANSACTION_ORDERS_MAX
    sweep_age_seconds: float = 5.0
    lease_seconds: float = 30.0


class _Batch(NamedTuple):
    """Orders that are settled together, and the messages that named them."""

    order_ids: list[UUID]
    messages: list[Message]


class Worker:
    """One worker; `run` belongs to one thread.

    A message is acknowledged when the transaction that it asked for is committed. An order of a redelivered message, or
    of the sweep, is claimed first: a transaction of its own counts the try, so that a crash counts too. Faults of the
    database are waited out, with growing pauses, and cost no order a try.
    """

    def __init__(
        self,
        *,
        open_inbox: Callable[[], Inbox],
        queue: QueueStorage,
        tasks: WorkerTasks,
        heartbeat: Heartbeat,
        options: WorkerOptions,
        metrics: Metrics,
    ) -> None:
        self._open_inbox = open_inbox
        self._queue = queue
        self._tasks = tasks
        self._heartbeat = heartbeat
        self._options = options
        self._metrics = metrics
        self._begin(threading.Event())
        self._is_behind = False
        self._swept_at = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish and acknowledge the present batch, and leave the rest to others."""
        self._begin(stop)
        try:
            while not stop.is_set():
                self._run_on_one_inbox(stop)
        finally:
            self._heartbeat.leave()

    def _begin(self, stop: threading.Event) -> None:
        self._stop = stop
        self._retrying = Retrying(stop, self._heartbeat, self._tasks.check)
        self._batches = SettleBatches(
            settle=self._tasks.settle,
            put_off=self._tasks.put_off,
            unclaim=self._queue.unclaim,
            retrying=self._retrying,
            heartbeat=self._heartbeat,
            batch_max=self._options.batch_max,
        )

    def _run_on_one_inbox(self, stop: threading.Event) -> None:
        """Work until stopped, or until something fails. What was not acknowledged then comes again, to a new inbox."""
        inbox = self._open_inbox()
        try:
            while not stop.is_set():
                self._step(inbox)
        except StoppedError:
            _log.info("what was in hand is left to other workers")
        except OmsError as error:
            _log.warning("the worker goes on after %s", error, exc_info=error.defect)
            stop.wait(_FAILED_PAUSE_SECONDS)
        except Exception:  # noqa: BLE001  A worker that ended would leave all to nobody.
            _log.exception("the worker goes on after a defect")
            stop.wait(_FAILED_PAUSE_SECONDS)
        finally:
            inbox.close()

    def _step(self, inbox: Inbox) -> None:
        self._heartbeat.beat()
        messages = inbox.take(limit=_MESSAGES_MAX, timeout_seconds=_TAKE_SECONDS if inbox.connected else _POLL_SECONDS)
        began_at = time.monotonic()
        ids = [message for message in messages if message.kind is MessageKind.ORDER_IDS]
        self._settle_fresh(inbox, [message for message in ids if not message.redelivered])
        self._settle_redelivered(inbox, [message for message in ids if message.redelivered])
        self._accept(inbox, [message for message in messages if message.kind is MessageKind.COMMAND])
        self._sweep_if_due(is_connected=inbox.connected, is_idle=not messages)
        if messages and not self._is_behind:
            self._rest(time.monotonic() - began_at)

    def _rest(self, worked_seconds: float) -> None:
        """Pause while one transaction takes all that waits.

        More orders then come together, so that each costs the database less, and requests find it free.
        """
        self._stop.wait(min(_REST_MAX_SECONDS, _REST * worked_seconds))

    def _settle_fresh(self, inbox: Inbox, messages: Sequence[Message]) -> None:
        """Settle the orders of new messages, as many together as one transaction takes."""
        batches = self._gathered(inbox, messages)
        self._is_behind = len(batches) > 1
        left = deque(batches)
        works = takewhile(
            lambda _: not self._stop.is_set(),
            (partial(self._batches.settle_announced, batch.order_ids) for batch in batches),
        )
        run = run_in_turn if self._options.batch_max >= _WORTH_A_THREAD and len(batches) > 1 else _run_one_by_one
        run(works, done=lambda: inbox.done(left.popleft().messages))
        if left:
            raise StoppedError

    def _gathered(self, inbox: Inbox, messages: Sequence[Message]) -> list[_Batch]:
        batches: list[_Batch] = []
        for message in messages:
            order_ids = self._read(inbox, message, read_order_ids)
            if order_ids is None:
                continue
            if not batches or len(batches[-1].order_ids) + len(order_ids) > self._options.batch_max:
                batches.append(_Batch([], []))
            batches[-1].messages.append(message)
            batches[-1].order_ids.extend(order_ids)
        return batches

    def _settle_redelivered(self, inbox: Inbox, messages: Sequence[Message]) -> None:
        for message in messages:
            left = self._read(inbox, message, read_order_ids)
            if left is None:
                continue
            while claims := self._claim(left):
                self._batches.settle_claimed(claims)
                claimed = {claim.order_id for claim in claims}
                left = [order_id for order_id in left if order_id not in claimed]
            inbox.done([message])

    def _claim(self, order_ids: Sequence[UUID]) -> list[Claim]:
        return self._retrying(lambda: self._queue.claim(order_ids, lease_seconds=self._options.lease_seconds))

    def _accept(self, inbox: Inbox, messages: Sequence[Message]) -> None:
        """Queue the orders that other services want placed; dead-letter those that are refused, with the reason."""
        read = [(message, self._read(inbox, message, read_command)) for message in messages]
        good = [(message, command) for message, command in read if command is not None]
        if not good:
            return
        outcomes = self._retrying(lambda: self._accept_all([command for _, command in good]))
        accepted = []
        for (message, _), outcome in zip(good, outcomes, strict=True):
            if isinstance(outcome, Refused):
                self._dead_letter(inbox, message, outcome.error)
            else:
                accepted.append(message)
        inbox.done(accepted)

    def _accept_all(self, commands: Sequence[PlaceOrder]) -> list[PlacementOutcome]:
        """Queue commands; raise the first refusal that may pass. On the next try those already queued are replays."""
        outcomes = self._tasks.accept(commands)
        for outcome in outcomes:
            if isinstance(outcome, Refused) and passes(outcome.error):
                raise outcome.error
        return outcomes

    def _sweep_if_due(self, *, is_connected: bool, is_idle: bool) -> None:
        """Settle queued orders whose messages have not come, if it is time to look for them.

        Without a connection to the broker these are all orders. An idle worker takes those that are older than
        `sweep_age_seconds`. A busy one takes those that are older than a minute, every ten seconds.
        """
        now = time.monotonic()
        pause = self._options.sweep_age_seconds / 2 if is_idle else _BUSY_SWEEP_SECONDS
        if is_connected and now < self._swept_at + pause:
            return
        age = 0.0 if not is_connected else self._options.sweep_age_seconds if is_idle else _BUSY_SWEEP_AGE_SECONDS
        self._swept_at = now
        while not self._stop.is_set():
            claims = self._retrying(lambda: self._claim_late(age))
            self._metrics.count(SWEPT_ORDERS, amount=len(claims))
            self._batches.settle_claimed(claims)
            is_full = len(claims) == self._options.batch_max
            if not (is_full and is_idle) and not is_claimed_alone(claims):
                return

    def _claim_late(self, age_seconds: float) -> list[Claim]:
        options = self._options
        return self._queue.sweep(
            older_than_seconds=age_seconds, limit=options.batch_max, lease_seconds=options.lease_seconds
        )

    def _read(self, inbox: Inbox, message: Message, read: Callable[[bytes], Read]) -> Read | None:
        try:
            return read(message.body)
        except OmsError as error:
            self._dead_letter(inbox, message, error)
            return None

    def _dead_letter(self, inbox: Inbox, message: Message, error: OmsError) -> None:
        _log.warning("a message became a dead letter: %s", error, exc_info=error.defect)
        inbox.dead_letter(message, error)
        self._metrics.count(DEAD_LETTERS, error.code)


def _run_one_by_one(works: Iterable[Work], *, done: Callable[[], None]) -> None:
    for work in works:
        work(at_once)
        done()
