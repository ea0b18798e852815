"""oms_rabbitmq keeps every promise of a queue, and says what it declares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oms_contracts.broker_contract import BrokerContract
from oms_rabbitmq import open_broker

from oms_core.ports.broker import Broker, BrokerOptions
from tests.adapters.rabbitmq_broker import RabbitmqVhost


class TestRabbitmqQueue(BrokerContract):
    @pytest.fixture
    def queue(self, broker: RabbitmqVhost) -> Iterator[Broker]:
        queue = open_broker(broker.url, BrokerOptions(prefix=broker.prefix))
        queue.dead_letters().list(limit=1)  # Declares everything, as a service's first worker does.
        yield queue
        queue.close()

    @pytest.fixture
    def rival_queue(self, broker: RabbitmqVhost) -> Iterator[Broker]:
        queue = open_broker(broker.url, BrokerOptions(prefix=broker.prefix))
        yield queue
        queue.close()

    @pytest.fixture(autouse=True)
    def remember_broker(self, broker: RabbitmqVhost) -> None:
        self.broker = broker

    def send_command(self, queue: Broker, body: bytes) -> None:
        self.broker.send_command(body)
