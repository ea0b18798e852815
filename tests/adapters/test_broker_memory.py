"""oms_memory keeps every promise of a broker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import cast
from uuid import UUID

import pytest
from oms_contracts.broker_contract import BrokerContract, races
from oms_contracts.broker_contract.post import ids_in, new_ids
from oms_contracts.broker_contract.races import RacePromises
from oms_memory import MemoryBroker, open_broker

from oms_core.ports.broker import Announcer, Broker, BrokerOptions


class TestMemoryBroker(BrokerContract):
    @pytest.fixture
    def broker(self) -> Iterator[Broker]:
        broker = open_broker("memory://", BrokerOptions())
        yield broker
        broker.close()

    def send_command(self, broker: Broker, body: bytes) -> None:
        cast("MemoryBroker", broker).send_command(body)


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


def test_an_inbox_is_connected_once_somebody_can_announce(broker: MemoryBroker) -> None:
    inbox = broker.inbox()
    assert not inbox.connected
    broker.announcer()
    assert inbox.connected


@pytest.mark.parametrize("at_once", [1, 100])
def test_what_is_beyond_the_bound_is_dropped(
    broker: MemoryBroker, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oms_memory.broker.WAITING_IDS_MAX", 1_000)
    announcer, inbox = broker.announcer(), broker.inbox()
    ids = new_ids(1_000)
    for start in range(0, 1_000, at_once):
        announcer.announce(ids[start : start + at_once])
    announcer.announce(new_ids(1))
    assert ids_in(inbox.take(limit=2_000, timeout_seconds=0)) == ids
    announcer.announce(ids[:1])
    assert ids_in(inbox.take(limit=10, timeout_seconds=0)) == ids[:1]


def test_no_events_are_carried(broker: MemoryBroker) -> None:
    assert not broker.carries_events


class RepeatingQueue(MemoryBroker):
    """Announces everything twice."""

    def announcer(self) -> Announcer:
        announcer = super().announcer()

        class Repeating:
            def announce(self, order_ids: Sequence[UUID]) -> None:
                announcer.announce(order_ids)
                announcer.announce(order_ids)

            def close(self) -> None: ...

        return Repeating()


class ForgetfulQueue(MemoryBroker):
    """Loses every tenth message."""

    def announcer(self) -> Announcer:
        announcer = super().announcer()
        calls = count()

        class Forgetful:
            def announce(self, order_ids: Sequence[UUID]) -> None:
                if next(calls) % 10:
                    announcer.announce(order_ids)

            def close(self) -> None: ...

        return Forgetful()


@pytest.mark.parametrize("broken", [RepeatingQueue, ForgetfulQueue])
def test_the_race_of_the_contract_is_lost_by_a_queue_that_repeats_or_loses(
    broken: type[MemoryBroker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(races, "DEADLINE_SECONDS", 1.0)
    broker = broken()
    with pytest.raises(AssertionError):
        RacePromises().test_each_id_reaches_one_inbox_once(broker, broker)
