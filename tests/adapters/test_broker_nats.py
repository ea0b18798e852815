"""oms_nats keeps every promise of a broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oms_contracts.broker_contract import BrokerContract
from oms_nats import open_broker

from oms_core.ports.broker import Broker, BrokerOptions
from tests.adapters.nats_broker import NatsPlace


class TestNatsBroker(BrokerContract):
    @pytest.fixture
    def broker(self, nats_place: NatsPlace) -> Iterator[Broker]:
        broker = open_broker(nats_place.url, BrokerOptions(prefix=nats_place.prefix))
        broker.dead_letters().list(limit=1)  # Declares everything, as a service's first worker does.
        yield broker
        broker.close()

    @pytest.fixture
    def rival_broker(self, nats_place: NatsPlace) -> Iterator[Broker]:
        broker = open_broker(nats_place.url, BrokerOptions(prefix=nats_place.prefix))
        yield broker
        broker.close()

    @pytest.fixture(autouse=True)
    def remember_place(self, nats_place: NatsPlace) -> None:
        self.place = nats_place

    def send_command(self, broker: Broker, body: bytes) -> None:
        self.place.send_command(body)

    def huge_body_bytes(self, broker: Broker) -> int:
        return min(super().huge_body_bytes(broker), self.place.message_bytes_max)
