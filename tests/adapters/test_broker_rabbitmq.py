"""oms_rabbitmq keeps every promise of a broker, and says what it declares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oms_contracts.broker_contract import BrokerContract
from oms_rabbitmq import open_broker

from oms_core.ports.broker import Broker, BrokerOptions
from tests.adapters.rabbitmq_broker import RabbitmqVhost


class TestRabbitmqBroker(BrokerContract):
    @pytest.fixture
    def broker(self, vhost: RabbitmqVhost) -> Iterator[Broker]:
        broker = open_broker(vhost.url, BrokerOptions(prefix=vhost.prefix))
        broker.dead_letters().list(limit=1)  # Declares everything, as a service's first worker does.
        yield broker
        broker.close()

    @pytest.fixture
    def rival_broker(self, vhost: RabbitmqVhost) -> Iterator[Broker]:
        broker = open_broker(vhost.url, BrokerOptions(prefix=vhost.prefix))
        yield broker
        broker.close()

    @pytest.fixture(autouse=True)
    def remember_vhost(self, vhost: RabbitmqVhost) -> None:
        self.vhost = vhost

    def send_command(self, broker: Broker, body: bytes) -> None:
        self.vhost.send_command(body)
