"""Messages and properties that are nearly right, to a worker at a real broker."""

from __future__ import annotations

from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.fuzz.broker import send_through


def test_a_worker_at_a_broker_places_what_is_good_among_messages_that_are_not(
    rabbitmq_url: str, unique_name: str
) -> None:
    broker = RabbitmqVhost(rabbitmq_url, unique_name)
    try:
        tally = send_through(broker, seed="house", messages=120)
    finally:
        broker.delete_all()
    assert not tally.failures, tally.failures[:5]
    assert tally.outcomes["published"] > 100
