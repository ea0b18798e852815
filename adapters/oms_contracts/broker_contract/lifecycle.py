"""A broker as a whole: its description, its check, events, closing it, and forked processes."""

from __future__ import annotations

import multiprocessing
import sys

import pytest

from oms_contracts.broker_contract.hooks import PASSWORD
from oms_contracts.broker_contract.post import announce, new_ids, open_inbox, receive_ids
from oms_core.ports.broker import Announcer, Broker, Inbox, OutgoingEvent

CHILD_SECONDS = 60.0


def announce_and_receive(broker: Broker, announcer: Announcer, inbox: Inbox) -> None:
    """Use in a forked child what its parent has used."""
    broker.check()
    ids = new_ids(3)
    announcer.announce(ids)
    if receive_ids(inbox, 3) != ids:
        sys.exit("the child does not receive what it announced")
    announcer.close()
    inbox.close()
    broker.close()


class LifecyclePromises:
    """Checking, describing, closing, forking."""

    def test_a_broker_that_answers_passes_the_check(self, broker: Broker) -> None:
        broker.check()
        broker.check()

    def test_the_description_names_the_broker_without_a_password(self, broker: Broker) -> None:
        assert broker.describe()
        assert PASSWORD not in broker.describe()

    def test_events_can_be_published_with_no_subscriber(self, broker: Broker) -> None:
        publisher = broker.event_publisher()
        publisher.publish([])
        publisher.publish([OutgoingEvent(id=str(number), type="order.placed", body=b"{}") for number in range(1_200)])
        publisher.close()
        publisher.close()

    def test_a_closed_broker_works_again(self, broker: Broker) -> None:
        broker.close()
        broker.close()
        broker.check()
        announce(broker, new_ids(1))
        with open_inbox(broker) as inbox:
            receive_ids(inbox, 1)

    @pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_what_is_open_works_in_a_forked_child_and_on_in_the_parent(self, broker: Broker) -> None:
        announcer, inbox = broker.announcer(), broker.inbox()
        announcer.announce(new_ids(1))
        receive_ids(inbox, 1)
        inbox.close()  # So that the child's messages are not brought to the parent.
        child = multiprocessing.get_context("fork").Process(
            target=announce_and_receive, args=(broker, announcer, inbox)
        )
        child.start()
        child.join(CHILD_SECONDS)
        assert child.exitcode == 0
        announcer.announce(new_ids(1))
        receive_ids(inbox, 1)
        inbox.close()
        announcer.close()

    @pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_a_child_that_ends_takes_nothing_from_its_parents_inbox(self, broker: Broker) -> None:
        announce(broker, new_ids(1))
        with open_inbox(broker) as inbox:
            messages = inbox.take(limit=1, timeout_seconds=CHILD_SECONDS)
            child = multiprocessing.get_context("fork").Process(target=inbox.close)
            child.start()
            child.join(CHILD_SECONDS)
            assert child.exitcode == 0
            inbox.done(messages)
            announce(broker, new_ids(1))
            receive_ids(inbox, 1)
        with open_inbox(broker) as inbox:
            assert not inbox.take(limit=1, timeout_seconds=0.3)
