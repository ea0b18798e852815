"""What an inbox holds until it is done with, and what becomes of it otherwise."""

from __future__ import annotations

import time

from oms_contracts.broker_contract.hooks import BrokerHooks
from oms_contracts.broker_contract.post import (
    DEADLINE_SECONDS,
    announce,
    ids_in,
    is_quiet,
    new_ids,
    open_inbox,
    receive,
    receive_ids,
)
from oms_core.ports.broker import Broker, MessageKind

MEBIBYTE = 1_048_576


class ReceivingPromises(BrokerHooks):
    """Inbox."""

    def test_an_inbox_is_connected_once_it_can_be_told(self, broker: Broker) -> None:
        announce(broker, new_ids(1))
        with open_inbox(broker) as inbox:
            receive(inbox)
            assert inbox.connected

    def test_take_waits_for_the_time_given_and_gives_nothing(self, broker: Broker) -> None:
        with open_inbox(broker) as inbox:
            started = time.monotonic()
            assert inbox.take(limit=10, timeout_seconds=0.2) == []
            assert 0.2 <= time.monotonic() - started < DEADLINE_SECONDS

    def test_take_gives_at_most_the_limit_and_the_oldest_first(self, broker: Broker) -> None:
        ids = new_ids(1_000)
        announce(broker, ids)
        with open_inbox(broker) as inbox:
            first = inbox.take(limit=3, timeout_seconds=DEADLINE_SECONDS)
            assert 1 <= len(first) <= 3
            assert ids_in([*first, *receive(inbox, 10 - len(first), limit=3)]) == ids

    def test_what_is_done_does_not_come_again(self, broker: Broker) -> None:
        announce(broker, new_ids(300))
        with open_inbox(broker) as inbox:
            inbox.done(receive(inbox, 3))
        with open_inbox(broker) as inbox:
            assert is_quiet(inbox)

    def test_what_is_not_done_when_the_inbox_closes_comes_again_as_redelivered(self, broker: Broker) -> None:
        ids = new_ids(500)
        announce(broker, ids)
        with open_inbox(broker) as inbox:
            messages = receive(inbox, 5)
            inbox.done([messages[0], messages[2]])  # One of them ahead of an open one.
        with open_inbox(broker) as inbox:
            again = receive(inbox, 3)
            assert sorted(ids_in(again)) == sorted([*ids[100:200], *ids[300:]])
            assert all(message.redelivered for message in again)

    def test_messages_may_be_done_in_any_order_and_twice(self, broker: Broker) -> None:
        announce(broker, new_ids(1_000))
        with open_inbox(broker) as inbox:
            messages = receive(inbox, 10)
            for message in [*messages[5:], *messages[:5]]:
                inbox.done([message])
            inbox.done(messages)
            announce(broker, new_ids(1))
            receive_ids(inbox, 1)
        with open_inbox(broker) as inbox:
            assert is_quiet(inbox)

    def test_messages_of_a_closed_inbox_are_passed_over(self, broker: Broker) -> None:
        announce(broker, new_ids(1))
        with open_inbox(broker) as inbox:
            old = receive(inbox)
        inbox.done(old)
        with open_inbox(broker) as other:
            other.done(old)
            assert len(receive(other)) == 1

    def test_a_message_that_is_held_is_nobody_elses(self, broker: Broker, rival_broker: Broker) -> None:
        announce(broker, new_ids(1))
        with open_inbox(broker) as inbox, open_inbox(rival_broker) as rival:
            receive(inbox)
            assert is_quiet(rival)

    def test_a_closed_inbox_can_be_closed_again(self, broker: Broker) -> None:
        inbox = broker.inbox()
        inbox.close()
        inbox.take(limit=1, timeout_seconds=0)
        inbox.close()
        inbox.close()

    def test_a_command_arrives_as_it_was_sent(self, broker: Broker) -> None:
        body = '{"customer_id": "C1 é", "lines": []}'.encode()
        with open_inbox(broker) as inbox:
            inbox.take(limit=1, timeout_seconds=0)
            self.send_command(broker, body)
            (message,) = receive(inbox)
            assert (message.kind, message.body) == (MessageKind.COMMAND, body)
            inbox.done([message])

    def test_empty_and_unreadable_bodies_arrive(self, broker: Broker) -> None:
        bodies = [b"", b"\x00\xff\xfe", b"{" * 10_000]
        for body in bodies:
            self.send_command(broker, body)
        with open_inbox(broker) as inbox:
            messages = receive(inbox, 3)
            assert [message.body for message in messages] == bodies
            inbox.done(messages)

    def test_a_huge_message_arrives_and_holds_nothing_up(self, broker: Broker) -> None:
        size = self.huge_body_bytes(broker)
        self.send_command(broker, b"x" * size)
        self.send_command(broker, b"{}")
        with open_inbox(broker) as inbox:
            huge, small = receive(inbox, 2)
            assert len(huge.body) > MEBIBYTE or len(huge.body) == size  # It may be cut once it is too large.
            assert small.body == b"{}"
            inbox.done([huge, small])
