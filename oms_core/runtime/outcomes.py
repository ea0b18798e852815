"""Waiting for the outcome of accepted orders: one poller per process, however many wait."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from oms_core.domain.orders.order import Order
from oms_core.errors import OmsError
from oms_core.runtime.background_thread import BackgroundThread
from oms_core.runtime.forks import begin_in_each_process

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.02
_PAUSE_SECONDS = 1.0
_FALLBACK_WAITING_MAX = 64


class _Waiter:
    """A caller that waits for an order."""

    __slots__ = ("order", "ready")

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.order: Order | None = None


class Outcomes:
    """Tells callers when their orders are no longer queued; at most `waiting_max` wait at a time. Thread-safe.

    `settled` returns those of some orders that are no longer queued. The thread that polls lives while a caller waits.
    In a forked child nobody waits at first.
    """

    def __init__(self, settled: Callable[[Sequence[UUID]], Sequence[Order]], *, waiting_max: int | None) -> None:
        self._settled = settled
        self._waiting_max = _FALLBACK_WAITING_MAX if waiting_max is None else waiting_max
        self._thread = BackgroundThread(self._run, name="oms-outcomes")
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[UUID, list[_Waiter]] = {}
        self._count = 0

    def wait(self, order_id: UUID, *, timeout_seconds: float) -> Order | None:
        """Return the order once it is settled.

        Return None when that takes too long, when too many wait already, and when no thread can start to look.
        """
        waiter = _Waiter()
        with self._lock:
            if self._count >= self._waiting_max:
                return None
            self._count += 1
            self._waiting.setdefault(order_id, []).append(waiter)
        try:
            self._thread.start()
            waiter.ready.wait(timeout_seconds)
        except OmsError:
            return None
        else:
            return waiter.order
        finally:
            self._leave(order_id, waiter)

    def _leave(self, order_id: UUID, waiter: _Waiter) -> None:
        with self._lock:
            self._count -= 1
            waiters = self._waiting.get(order_id, [])
            if waiter in waiters:
                waiters.remove(waiter)
            if not waiters:
                self._waiting.pop(order_id, None)

    def _run(self) -> None:
        while True:
            with self._lock:
                order_ids = list(self._waiting)
            if not order_ids:
                return
            time.sleep(_POLL_SECONDS if self._poll(order_ids) else _PAUSE_SECONDS)

    def _poll(self, order_ids: Sequence[UUID]) -> bool:
        try:
            settled = self._settled(order_ids)
        except OmsError as error:
            _log.info("waiting for outcomes goes on: %s", error.detail, exc_info=error.defect)
            return False
        except Exception:  # noqa: BLE001  The callers go on once their time is up.
            _log.exception("the poller of outcomes failed")
            return False
        with self._lock:
            for order in settled:
                for waiter in self._waiting.pop(order.id, []):
                    waiter.order = order
                    waiter.ready.set()
        return True
