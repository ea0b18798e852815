"""A broker that waits a second for acknowledgements, then closes the channel: the messages come again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from oms_contracts.broker_contract.post import announce, ids_in, is_quiet, new_ids, open_inbox, receive, receive_ids
from oms_rabbitmq import open_broker

from oms_core.errors import OmsError
from oms_core.ports.broker import Broker, BrokerOptions
from tests.services import wait_until
from tests.services.rabbitmq import PrivateRabbitmq

SHORT_TICKS = "[{rabbit, [{consumer_timeout, 1000}, {channel_tick_interval, 300}]}]."
DEADLINE_SECONDS = 30


@pytest.fixture(scope="module")
def server(private_rabbitmq: Callable[..., PrivateRabbitmq]) -> PrivateRabbitmq:
    return private_rabbitmq(advanced=SHORT_TICKS)


@pytest.fixture
def queue(server: PrivateRabbitmq, unique_name: str) -> Iterator[Broker]:
    queue = open_broker(server.url, BrokerOptions(prefix=unique_name))
    yield queue
    queue.close()


def test_messages_whose_time_is_over_come_again_and_late_acknowledgements_do_no_harm(queue: Broker) -> None:
    ids = new_ids(300)
    announce(queue, ids)
    with open_inbox(queue) as inbox:
        late = receive(inbox, 3)
        again = receive(inbox, 3)  # The broker has closed the channel meanwhile.
        assert sorted(ids_in(again)) == sorted(ids)
        assert all(message.redelivered for message in again)
        inbox.done(late)
        inbox.dead_letter(late[0], OmsError("malformed_json", "too late"))
        inbox.done(again)
        more = new_ids(1)
        announce(queue, more)
        assert receive_ids(inbox, 1) == more
        assert is_quiet(inbox)
    assert queue.dead_letters().list(limit=1) == []


def test_an_inbox_is_connected_again_after_its_time_was_over(queue: Broker) -> None:
    announce(queue, new_ids(1))
    with open_inbox(queue) as inbox:
        first = receive(inbox)
        receive(inbox)
        wait_until(lambda: inbox.connected, DEADLINE_SECONDS, "connected again")
        inbox.done(first)
    with open_inbox(queue) as inbox:
        assert len(receive(inbox)) == 1
