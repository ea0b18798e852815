"""Acknowledgements at NATS: work that takes longer than the server waits, and confirmations that are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from oms_contracts.broker_contract.post import announce, new_ids, open_inbox, receive
from oms_nats import consuming, open_broker
from oms_nats.consuming import Acknowledgements
from oms_nats.pulling import Pull

from oms_core.errors import OmsError
from oms_core.ports.broker import Broker, BrokerOptions
from tests.adapters.nats_broker import NatsPlace
from tests.services import wait_until

DEADLINE_SECONDS = 30.0


@pytest.fixture
def broker(nats_place: NatsPlace) -> Iterator[Broker]:
    broker = open_broker(nats_place.url, BrokerOptions(prefix=nats_place.prefix))
    yield broker
    broker.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let messages come again after two seconds."""
    monkeypatch.setattr("oms_nats.topology.ACK_WAIT_SECONDS", 2.0)
    monkeypatch.setattr(consuming, "WORKING_SECONDS", 0.4)


@pytest.mark.usefixtures("quick")
def test_a_message_is_nobody_elses_however_long_its_work_takes(broker: Broker) -> None:
    ids = new_ids(1)
    announce(broker, ids)
    with open_inbox(broker) as inbox, open_inbox(broker) as rival:
        held = receive(inbox)
        assert rival.take(limit=1, timeout_seconds=5.0) == []
        inbox.done(held)


@pytest.mark.usefixtures("quick")
def test_a_message_whose_worker_says_nothing_comes_again(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming, "WORKING_SECONDS", 1_000.0)
    announce(broker, new_ids(1))
    with open_inbox(broker) as inbox, open_inbox(broker) as rival:
        receive(inbox)
        (again,) = wait_until(
            lambda: inbox.take(limit=1, timeout_seconds=0.05) + rival.take(limit=1, timeout_seconds=0.05),
            DEADLINE_SECONDS,
            "it comes again",
        )
        assert again.redelivered


@pytest.mark.usefixtures("quick")
def test_an_acknowledgement_that_was_lost_is_sent_again_over_the_next_connection(
    nats_place: NatsPlace, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Acknowledgements.send

    async def lose(acknowledgements: Acknowledgements) -> None:
        publish = acknowledgements._client.publish
        acknowledgements._client.publish = lambda *_, **__: asyncio.sleep(0)  # type: ignore[method-assign]
        await send(acknowledgements)
        acknowledgements._client.publish = publish  # type: ignore[method-assign]

    announce(broker, new_ids(300))
    with open_inbox(broker) as inbox:
        with monkeypatch.context() as patch:
            patch.setattr(Acknowledgements, "send", lose)
            inbox.done(receive(inbox, 3))
            wait_until(inbox._holdings.finished, DEADLINE_SECONDS, "they are finished")  # type: ignore[attr-defined]
            patch.setattr(Pull, "refill", fail)
            wait_until(lambda: not inbox.connected, DEADLINE_SECONDS, "the connection is lost")
        wait_until(lambda: nats_place.kept("orders") == 0, DEADLINE_SECONDS, "they are acknowledged")
        wait_until(lambda: not inbox._holdings.finished(), DEADLINE_SECONDS, "that is confirmed")  # type: ignore[attr-defined]


async def fail(*_: object) -> None:
    raise OmsError("queue_unavailable", "the connection is lost")
