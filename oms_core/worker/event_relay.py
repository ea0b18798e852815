"""Publishing domain events from the outbox: at least once, in order for each order, by one relay at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from oms_core.documents.cloud_events import outgoing_event
from oms_core.domain.metrics import EVENTS_PUBLISHED
from oms_core.errors import OmsError
from oms_core.ports.broker import EventPublisher
from oms_core.ports.metrics import Metrics
from oms_core.ports.queue_storage import OutboxStorage
from oms_core.runtime.backoff import Backoff

_log = logging.getLogger(__name__)

_EVENTS_TOGETHER_MAX = 500
_LEASE_SECONDS = 20.0
_RENEW_SECONDS = 10.0
_IDLE_SECONDS = 0.25
_STANDBY_SECONDS = 2.0
_LATE = timedelta(seconds=10)
_REST = 3.0
_REST_MAX_SECONDS = 0.5
_PAUSE_FIRST_SECONDS = 0.5
_PAUSE_MAX_SECONDS = 10.0


class EventRelay:
    """Publishes the events in the outbox while it holds the lease; a second relay stands by.

    An event leaves the outbox only after the broker has confirmed it, so a crash publishes some of them twice. Events
    of one order are written under the lock of its row and published by ascending id, so they come in their order.
    """

    def __init__(
        self,
        *,
        outbox: OutboxStorage,
        open_publisher: Callable[[], EventPublisher],
        holder: str,
        source: str,
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._outbox = outbox
        self._open_publisher = open_publisher
        self._holder = holder
        self._source = source
        self._metrics = metrics
        self._now = now
        self._held_until = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Publish until `stop` is set, then release the lease."""
        publisher = self._open_publisher()
        backoff = Backoff(first_seconds=_PAUSE_FIRST_SECONDS, max_seconds=_PAUSE_MAX_SECONDS)
        try:
            while not stop.is_set():
                try:
                    wait = self._step(publisher)
                    backoff.reset()
                except OmsError as error:
                    _log.warning("events wait in the outbox: %s", error.detail, exc_info=error.defect)
                    wait = backoff.next_pause_seconds()
                except Exception:  # noqa: BLE001  The thread must live on; the events are safe in the outbox.
                    _log.exception("the event relay failed")
                    wait = backoff.next_pause_seconds()
                if wait:
                    stop.wait(wait)
        finally:
            publisher.close()
            self._release()

    def _step(self, publisher: EventPublisher) -> float:
        """Publish one batch; return the seconds to wait before the next.

        While there is more to publish, the relay rests three times as long as it worked: in a spike, those who place
        orders need the database, the broker and the processor more. It does not rest once events are 10 seconds late.
        """
        now = time.monotonic()
        if now >= self._held_until - _RENEW_SECONDS:
            if not self._outbox.lease(self._holder, seconds=_LEASE_SECONDS):
                return _STANDBY_SECONDS
            self._held_until = now + _LEASE_SECONDS
        events = self._outbox.unpublished(limit=_EVENTS_TOGETHER_MAX)
        if not events:
            return _IDLE_SECONDS
        publisher.publish([outgoing_event(event, source=self._source) for event in events])
        self._outbox.published([event.id for event in events])
        self._metrics.count(EVENTS_PUBLISHED, amount=len(events))
        if len(events) < _EVENTS_TOGETHER_MAX:
            return _IDLE_SECONDS
        if self._now() - events[0].created_at > _LATE:
            return 0.0
        return min(_REST_MAX_SECONDS, _REST * (time.monotonic() - now))

    def _release(self) -> None:
        self._held_until = float("-inf")
        try:
            self._outbox.release(self._holder)
        except OmsError as error:
            _log.info("the lease of the event relay runs out by itself: %s", error.detail, exc_info=error.defect)
