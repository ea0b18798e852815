"""Messages that could not be read: kept with their reason, sent back or removed by a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oms_contracts.broker_contract.hooks import BrokerHooks
from oms_contracts.broker_contract.post import announce, ids_in, is_quiet, new_ids, open_inbox, receive
from oms_core.errors import OmsError
from oms_core.ports.broker import Broker, MessageKind

REASON = OmsError("malformed_json", "not JSON: é at line 1")


class DeadLetterPromises(BrokerHooks):
    """Inbox.dead_letter and DeadLetters."""

    def dead_letter_commands(self, broker: Broker, *bodies: bytes) -> None:
        """Send commands in, and dead-letter them."""
        for body in bodies:
            self.send_command(broker, body)
        with open_inbox(broker) as inbox:
            for message in receive(inbox, len(bodies)):
                inbox.dead_letter(message, REASON)

    def test_there_are_no_dead_letters_at_first(self, broker: Broker) -> None:
        letters = broker.dead_letters()
        assert letters.list(limit=10) == []
        assert letters.replay(None) == 0
        assert letters.discard(None) == 0

    def test_a_dead_lettered_message_is_listed_with_its_reason_and_delivered_no_more(self, broker: Broker) -> None:
        before = datetime.now(UTC)
        self.dead_letter_commands(broker, b"{oops")
        with open_inbox(broker) as inbox:
            assert is_quiet(inbox)
        (letter,) = broker.dead_letters().list(limit=10)
        assert (letter.kind, letter.code, letter.detail) == (MessageKind.COMMAND, REASON.code, REASON.detail)
        assert letter.body == b"{oops"
        assert letter.died_at is not None
        assert before - timedelta(seconds=5) < letter.died_at < datetime.now(UTC) + timedelta(seconds=5)

    def test_listing_changes_nothing_and_gives_the_oldest_first(self, broker: Broker) -> None:
        self.dead_letter_commands(broker, b"1", b"2", b"3")
        letters = broker.dead_letters()
        first = letters.list(limit=10)
        assert [letter.body for letter in first] == [b"1", b"2", b"3"]
        assert len({letter.id for letter in first}) == 3
        assert letters.list(limit=2) == first[:2]
        assert broker.dead_letters().list(limit=10) == first

    def test_a_replayed_letter_comes_in_again(self, broker: Broker) -> None:
        self.dead_letter_commands(broker, b"1", b"2", b"3")
        letters = broker.dead_letters()
        chosen = letters.list(limit=10)[1]
        assert letters.replay([chosen.id, "unknown"]) == 1
        with open_inbox(broker) as inbox:
            (message,) = receive(inbox)
            assert (message.kind, message.body) == (MessageKind.COMMAND, b"2")
            inbox.done([message])
            assert is_quiet(inbox)
        assert [letter.body for letter in letters.list(limit=10)] == [b"1", b"3"]

    def test_an_announcement_goes_back_to_the_announcements(self, broker: Broker) -> None:
        ids = new_ids(2)
        announce(broker, ids)
        with open_inbox(broker) as inbox:
            inbox.dead_letter(receive(inbox)[0], REASON)
            letters = broker.dead_letters()
            assert letters.list(limit=1)[0].kind is MessageKind.ORDER_IDS
            assert letters.replay(None) == 1
            assert ids_in(receive(inbox)) == ids

    def test_all_are_replayed_when_none_is_named(self, broker: Broker) -> None:
        self.dead_letter_commands(broker, b"1", b"2", b"3")
        letters = broker.dead_letters()
        assert letters.replay(None) == 3
        assert letters.list(limit=10) == []
        with open_inbox(broker) as inbox:
            assert [message.body for message in receive(inbox, 3)] == [b"1", b"2", b"3"]

    def test_discarded_letters_are_gone(self, broker: Broker) -> None:
        self.dead_letter_commands(broker, b"1", b"2", b"3")
        letters = broker.dead_letters()
        first, second, third = letters.list(limit=10)
        assert letters.discard([first.id, third.id]) == 2
        assert letters.discard([first.id]) == 0
        assert letters.list(limit=10) == [second]
        assert letters.discard(None) == 1
        with open_inbox(broker) as inbox:
            assert is_quiet(inbox)

    def test_naming_no_letter_touches_none(self, broker: Broker) -> None:
        self.dead_letter_commands(broker, b"1")
        letters = broker.dead_letters()
        assert letters.replay([]) == 0
        assert letters.discard([]) == 0
        assert len(letters.list(limit=10)) == 1

    def test_a_message_of_a_closed_inbox_is_not_dead_lettered(self, broker: Broker) -> None:
        self.send_command(broker, b"{oops")
        with open_inbox(broker) as inbox:
            (message,) = receive(inbox)
        inbox.dead_letter(message, REASON)
        assert broker.dead_letters().list(limit=10) == []
        with open_inbox(broker) as inbox:
            assert receive(inbox)[0].redelivered
