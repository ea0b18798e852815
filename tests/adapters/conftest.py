"""What several tests of adapters need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.nats_broker import NatsPlace
from tests.adapters.rabbitmq_broker import RabbitmqVhost


@pytest.fixture
def vhost(rabbitmq_url: str, unique_name: str) -> Iterator[RabbitmqVhost]:
    """The broker, asked directly; whatever has this test's prefix there is deleted afterwards."""
    vhost = RabbitmqVhost(rabbitmq_url, unique_name)
    yield vhost
    vhost.delete_all()


@pytest.fixture
def nats_place(nats_url: str, unique_name: str) -> Iterator[NatsPlace]:
    """The NATS server, asked directly; whatever has this test's prefix there is deleted afterwards."""
    place = NatsPlace(nats_url, unique_name)
    yield place
    place.delete_all()
