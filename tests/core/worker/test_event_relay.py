"""The event relay: every event at least once, in order per order, by one relay at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from oms_contracts.clock import BEGINNING
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_memory import MemoryStorage
from oms_memory.tables import Tables

from oms_core import OmsError, OrderStatus
from oms_core.ports.broker import OutgoingEvent
from oms_core.ports.storage import Storage
from oms_core.worker.event_relay import EventRelay
from tests.core.worker.worker_fixtures import AWAY, Counted, Unhurried

BROKER_AWAY = OmsError("queue_unavailable", "the broker is away")


class Hall:
    """A shop that keeps an outbox, a broker that notes what is published, and relays that stop after some steps."""

    def __init__(self) -> None:
        self.now: datetime = BEGINNING
        self.storage: Storage = MemoryStorage(Tables(keeps_outbox=True, now=lambda: self.now))
        self.shop: Shop = new_shop(self.storage)
        self.published: list[OutgoingEvent] = []
        self.faults: list[Exception] = []
        self.closed = 0
        self.metrics = Counted()

    def publish(self, events: Sequence[OutgoingEvent]) -> None:
        self.published.extend(events)
        if self.faults:
            raise self.faults.pop(0)

    def close(self) -> None:
        self.closed += 1

    def relay(self, holder: str = "one", **given: Any) -> EventRelay:
        return EventRelay(
            outbox=self.storage.outbox,
            open_publisher=lambda: self,
            holder=holder,
            source="/oms",
            metrics=self.metrics,
            **given,
        )

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.published]

    @property
    def left(self) -> int:
        return len(self.storage.outbox.unpublished(limit=10_000))


class StopAfter(Unhurried):
    """A stop that comes with the relay's so many-th pause."""

    def __init__(self, pauses: int) -> None:
        super().__init__()
        self._left = pauses

    def wait(self, timeout: float | None = None) -> bool:
        super().wait(timeout)
        self._left -= 1
        if self._left <= 0:
            self.set()
        return self.is_set()


def run(relay: EventRelay, pauses: int = 1) -> list[float]:
    """Let a relay run to its so many-th pause; give the pauses."""
    stop = StopAfter(pauses)
    relay.run(stop)
    return stop.pauses


@pytest.fixture(autouse=True)
def longest_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """No luck in pauses."""
    monkeypatch.setattr("oms_core.runtime.backoff.random.uniform", lambda _, longest: longest)


@pytest.fixture
def hall() -> Hall:
    hall = Hall()
    hall.shop.set("A", 10, low_stock_threshold=5)
    return hall


def test_events_are_published_by_ascending_id_and_leave_the_outbox(hall: Hall) -> None:
    first = hall.shop.buy(("A", 1))
    second = hall.shop.queue_up(("A", 1))
    hall.shop.move(first.id, OrderStatus.SHIPPED)
    run(hall.relay())
    ids = [int(event.id) for event in hall.published]
    assert ids == sorted(ids)
    bodies = [json.loads(event.body) for event in hall.published]
    of_first = [body["type"] for body in bodies if body["subject"] == str(first.id)]
    assert of_first == ["order.placed", "shipment.created", "order.shipped"]
    assert [body["type"] for body in bodies if body["subject"] == str(second.id)] == ["order.queued"]
    assert hall.left == 0
    assert hall.metrics.counts == {("oms_events_published_total",): len(ids)}


def test_events_of_stock_are_published_too(hall: Hall) -> None:
    hall.shop.buy(("A", 6))
    hall.shop.buy(("A", 4))
    hall.shop.receive("A", 50)
    run(hall.relay())
    assert [name for name in hall.types if name.startswith("stock.")] == [
        "stock.low",
        "stock.depleted",
        "stock.replenished",
    ]
    assert {json.loads(event.body)["subject"] for event in hall.published if event.type.startswith("stock.")} == {"A"}


@pytest.mark.parametrize(("lag_seconds", "rests"), [(9, 2), (11, 0)])
def test_between_full_batches_it_rests_unless_events_are_late(hall: Hall, lag_seconds: int, rests: int) -> None:
    for _ in range(1_200):
        hall.shop.queue_up(("A", 1))
    pauses = run(hall.relay(now=lambda: hall.shop.clock.now() + timedelta(seconds=lag_seconds)), pauses=rests + 1)
    assert (len(pauses), pauses[-1]) == (rests + 1, 0.25)
    assert all(0 < pause <= 0.5 for pause in pauses)
    assert len(hall.published) == 1_200
    assert hall.left == 0


def test_after_a_failure_between_publishing_and_forgetting_events_are_published_again(hall: Hall) -> None:
    hall.shop.buy(("A", 1))
    hall.faults = [BROKER_AWAY]
    pauses = run(hall.relay(), pauses=2)
    assert hall.types == ["order.placed", "order.placed"]
    assert hall.published[0].id == hall.published[1].id
    assert hall.left == 0
    assert pauses == [0.5, 0.25]


def test_pauses_grow_while_the_broker_is_away_and_are_short_again_after(hall: Hall) -> None:
    hall.shop.buy(("A", 1))
    hall.faults = [BROKER_AWAY, RuntimeError("a defect"), *[BROKER_AWAY] * 5]
    pauses = run(hall.relay(), pauses=8)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 0.25]
    assert hall.left == 0
    assert hall.closed == 1


def test_a_second_relay_stands_by_and_takes_over_when_the_lease_ends(hall: Hall) -> None:
    assert hall.storage.outbox.lease("one", seconds=20)  # It took the lease, and died.
    hall.shop.buy(("A", 1))
    assert run(hall.relay("two"), pauses=3) == [2.0, 2.0, 2.0]
    assert hall.published == []
    hall.now += timedelta(seconds=21)
    assert run(hall.relay("two")) == [0.25]
    assert hall.types == ["order.placed"]


def test_a_relay_that_stops_gives_the_lease_back(hall: Hall) -> None:
    run(hall.relay("one"))
    hall.shop.buy(("A", 1))
    run(hall.relay("two"))
    assert hall.types == ["order.placed"]


def test_a_relay_that_runs_again_takes_the_lease_anew(hall: Hall) -> None:
    relay = hall.relay("one")
    run(relay)
    assert hall.storage.outbox.lease("two", seconds=20)
    hall.shop.buy(("A", 1))
    assert run(relay) == [2.0]
    assert hall.published == []


def test_a_lease_is_prolonged_in_time_or_nothing_more_is_published(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    hall.shop.buy(("A", 1))
    hall.shop.buy(("A", 1))
    seconds = iter([0.0, 9.0, 10.5, 31.0])
    monkeypatch.setattr("oms_core.worker.event_relay.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    leases: list[bool] = []
    lease = hall.storage.outbox.lease

    def watched(holder: str, *, seconds: float) -> bool:
        is_lent = lease(holder, seconds=seconds)
        leases.append(is_lent)
        if len(leases) == 2:
            hall.now += timedelta(seconds=21)
            assert lease("two", seconds=20), "the machine slept, and another took over"
        return is_lent

    hall.storage.outbox.lease = watched  # type: ignore[method-assign]
    assert run(hall.relay("one"), pauses=4) == [0.25, 0.25, 0.25, 2.0]
    assert leases == [True, True, False], "not at every step, and in time"


def test_a_database_that_is_away_is_waited_out(hall: Hall) -> None:
    hall.shop.buy(("A", 1))
    outbox = hall.storage.outbox
    unpublished, faults = outbox.unpublished, [AWAY, AWAY]

    def unpublished_or_away(*, limit: int) -> list[object]:
        if faults:
            raise faults.pop()
        return list(unpublished(limit=limit))

    outbox.unpublished = unpublished_or_away  # type: ignore[method-assign, assignment]
    assert run(hall.relay(), pauses=3) == [0.5, 1.0, 0.25]
    assert hall.types == ["order.placed"]


def test_where_nothing_is_kept_for_publishing_nothing_is_published() -> None:
    storage = MemoryStorage()
    new_shop(storage).set("A", 1)
    new_shop(storage, seed=1).buy(("A", 1))
    assert storage.outbox.unpublished(limit=10) == []
