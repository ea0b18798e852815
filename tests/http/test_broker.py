"""The service at a real RabbitMQ: ready, accepting, and showing what other services sent wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oms_core import Oms, Settings
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.http.asking import figures, order, read, stock
from tests.http.conformance import ConformingClient
from tests.http.queueing import DEADLINE_SECONDS, WAITING
from tests.services.waiting import wait_until


@pytest.fixture
def broker(rabbitmq_url: str, unique_name: str) -> Iterator[RabbitmqVhost]:
    broker = RabbitmqVhost(rabbitmq_url, unique_name)
    yield broker
    broker.delete_all()


@pytest.fixture
def oms(broker: RabbitmqVhost) -> Iterator[Oms]:
    """A system with a worker at the broker."""
    settings = Settings(database_url="memory://", queue_url=broker.url, queue_prefix=broker.prefix)
    with Oms.open(settings) as opened:
        opened.start_worker()
        yield opened


def test_a_service_at_its_broker_is_not_degraded(client: ConformingClient) -> None:
    assert read(client.get("/readyz")) == {"status": "ready", "degraded": []}


def test_an_accepted_order_goes_through_the_broker_and_is_waited_for(client: ConformingClient) -> None:
    stock(client)
    response = client.post("/v1/orders", json=order(quantity=2), headers=WAITING)
    assert (response.status_code, read(response)["status"]) == (201, "pending")
    assert figures(client) == (10, 2, 8)


def test_what_another_service_sent_wrong_is_shown_replayed_and_discarded(
    client: ConformingClient, broker: RabbitmqVhost
) -> None:
    assert read(client.get("/v1/queue/dead")) == {"items": []}  # And the queues are declared.
    broker.send_command(b"hello?\xff")
    (letter,) = wait_until(
        lambda: read(client.get("/v1/queue/dead"))["items"], DEADLINE_SECONDS, "the command is a dead letter"
    )
    assert (letter["kind"], letter["code"], letter["body"]) == ("command", "malformed_json", "aGVsbG8//w==")
    assert read(client.post("/v1/queue/dead/replay", json={"ids": [letter["id"]]})) == {"replayed": 1}
    (again,) = wait_until(
        lambda: read(client.get("/v1/queue/dead"))["items"], DEADLINE_SECONDS, "it cannot be read this time either"
    )
    assert again["body"] == letter["body"]
    assert read(client.post("/v1/queue/dead/discard", json={"ids": [again["id"]]})) == {"discarded": 1}
    assert read(client.get("/v1/queue/dead")) == {"items": []}
