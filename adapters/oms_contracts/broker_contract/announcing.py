"""Announced ids reach an inbox: all of them, in order, one inbox each."""

from __future__ import annotations

from oms_contracts.broker_contract.post import announce, ids_in, is_quiet, new_ids, open_inbox, receive, receive_ids
from oms_core.ports.broker import Broker


class AnnouncingPromises:
    """Announcer."""

    def test_an_announced_order_reaches_an_inbox(self, broker: Broker) -> None:
        ids = new_ids(1)
        announce(broker, ids)
        with open_inbox(broker) as inbox:
            (message,) = receive(inbox)
            assert ids_in([message]) == ids
            assert not message.redelivered

    def test_an_inbox_that_waits_is_told(self, broker: Broker) -> None:
        with open_inbox(broker) as inbox:
            assert is_quiet(inbox)
            ids = new_ids(1)
            announce(broker, ids)
            assert receive_ids(inbox, 1) == ids

    def test_many_ids_arrive_in_order_and_many_to_a_message(self, broker: Broker) -> None:
        ids = new_ids(2_550)
        announce(broker, ids)
        with open_inbox(broker) as inbox:
            messages = receive(inbox, 26)
            assert ids_in(messages) == ids
            assert {len(ids_in([message])) for message in messages} == {100, 50}
            inbox.done(messages)
            assert is_quiet(inbox)

    def test_calls_of_one_announcer_arrive_in_order(self, broker: Broker) -> None:
        announcer = broker.announcer()
        ids = new_ids(150)
        for start in range(0, 150, 3):
            announcer.announce(ids[start : start + 3])
        announcer.close()
        with open_inbox(broker) as inbox:
            assert receive_ids(inbox, 150) == ids

    def test_announcing_nothing_sends_nothing(self, broker: Broker) -> None:
        announce(broker, [])
        with open_inbox(broker) as inbox:
            assert is_quiet(inbox)

    def test_what_one_opening_announces_another_receives(self, broker: Broker, rival_broker: Broker) -> None:
        ids = new_ids(120)
        announce(rival_broker, ids)
        with open_inbox(broker) as inbox:
            assert receive_ids(inbox, 120) == ids

    def test_a_closed_announcer_announces_again(self, broker: Broker) -> None:
        announcer = broker.announcer()
        announcer.announce(new_ids(1))
        announcer.close()
        announcer.close()
        announcer.announce(new_ids(1))
        announcer.close()
        with open_inbox(broker) as inbox:
            assert len(receive_ids(inbox, 2)) == 2
