"""oms_rabbitmq keeps every promise of a queue, and says what it declares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oms_contracts.queue_contract import QueueContract

from oms_core.bootstrap import open_queue
from oms_core.ports.broker import Queue, QueueOptions
from tests.adapters.rabbitmq_broker import Broker


class TestRabbitmqQueue(QueueContract):
    @pytest.fixture
    def queue(self, broker: Broker) -> Iterator[Queue]:
        queue = open_queue(broker.url, QueueOptions(prefix=broker.prefix))
        queue.dead_letters().list(limit=1)  # Declares everything, as a service's first worker does.
        yield queue
        queue.close()

    @pytest.fixture
    def rival_queue(self, broker: Broker) -> Iterator[Queue]:
        queue = open_queue(broker.url, QueueOptions(prefix=broker.prefix))
        yield queue
        queue.close()

    @pytest.fixture(autouse=True)
    def remember_broker(self, broker: Broker) -> None:
        self.broker = broker

    def send_command(self, queue: Queue, body: bytes) -> None:
        self.broker.send_command(body)
