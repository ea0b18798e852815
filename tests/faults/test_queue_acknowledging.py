"""A broker that waits a second for acknowledgements, and a batch that takes longer: delivered again, placed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from oms_contracts.broker_contract.post import announce
from oms_rabbitmq.inbox import RabbitmqInbox

from oms_core import Oms
from oms_core.ports.broker import Message
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.faults.queue_deployment import SKU, accept, deployment, working
from tests.faults.queue_deployment_checks import all_placed, rows
from tests.faults.rivals import LOCK_LEVELS, WAITING, count, rival
from tests.services import free_port, wait_until
from tests.services.rabbitmq import PrivateRabbitmq

SHORT_TICKS = "[{rabbit, [{consumer_timeout, 1000}, {channel_tick_interval, 300}]}]."
DEADLINE_SECONDS = 60


@pytest.fixture(scope="module")
def server(private_rabbitmq: Callable[..., PrivateRabbitmq]) -> PrivateRabbitmq:
    return private_rabbitmq(advanced=SHORT_TICKS)


@pytest.fixture
def oms(server: PrivateRabbitmq, postgresql_url: str, unique_name: str) -> Iterator[Oms]:
    with deployment(postgresql_url, server.url, unique_name) as oms:
        yield oms


@pytest.fixture
def redelivered(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when a worker is given a message for the second time."""
    happened, take = threading.Event(), RabbitmqInbox.take

    def watched(inbox: RabbitmqInbox, *, limit: int, timeout_seconds: float) -> list[Message]:
        messages = take(inbox, limit=limit, timeout_seconds=timeout_seconds)
        if any(message.redelivered for message in messages):
            happened.set()
        return messages

    monkeypatch.setattr(RabbitmqInbox, "take", watched)
    return happened


def test_a_batch_held_up_past_the_brokers_timeout_comes_again_and_is_placed_once(
    oms: Oms, server: PrivateRabbitmq, redelivered: threading.Event
) -> None:
    broker = RabbitmqVhost(server.url, oms.settings.queue_prefix)
    url = oms.settings.database_url
    with Oms.open(replace(oms.settings, queue_url=f"amqp://guest:guest@127.0.0.1:{free_port()}")) as cut_off:
        accepted = accept(cut_off, 100, "A")
    announce(oms._ports.broker, accepted)
    with rival(url) as cursor:
        cursor.execute(LOCK_LEVELS, (SKU,))
        with working(oms.settings), working(oms.settings):
            wait_until(lambda: count(url, WAITING), DEADLINE_SECONDS, "a batch is held up")
            assert redelivered.wait(DEADLINE_SECONDS), "the broker lost deadline"
            cursor.connection.rollback()
            all_placed(oms, accepted)
            wait_until(lambda: broker.waiting("orders.v1") == 0, DEADLINE_SECONDS, "every message is taken")
    all_placed(oms, accepted)
    assert broker.waiting("orders.v1") == 0
    assert rows(url, "SELECT count(*) FROM orders WHERE status = 'failed'") == [(0,)]
