"""The broker on NATS JetStream: its address, and what can be opened on it."""

from __future__ import annotations

import threading

from oms_core.ports.broker import Announcer, Broker, BrokerOptions, DeadLetters, EventPublisher, Inbox
from oms_core.runtime.forks import begin_in_each_process
from oms_nats.addresses import Address, read_address
from oms_nats.connections import ANSWER_SECONDS, Connection
from oms_nats.dead_letters import NatsDeadLetters
from oms_nats.faults import unavailable
from oms_nats.inbox import NatsInbox
from oms_nats.links import Line
from oms_nats.publishing import NatsAnnouncer, NatsEventPublisher
from oms_nats.topology import Names, read_names


class NatsBroker:
    """One broker, which may be a cluster; everything that is opened on it has a connection of its own."""

    carries_events = True

    def __init__(self, address: Address, names: Names) -> None:
        self._address = address
        self._names = names
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._checking = threading.Lock()
        self._line = Line(self._address, "check")

    def announcer(self) -> Announcer:
        return NatsAnnouncer(self._address, self._names)

    def inbox(self) -> Inbox:
        return NatsInbox(self._address, self._names)

    def event_publisher(self) -> EventPublisher:
        return NatsEventPublisher(self._address, self._names)

    def dead_letters(self) -> DeadLetters:
        return NatsDeadLetters(self._address, self._names)

    def check(self) -> None:
        """Ask JetStream about the account, on a connection that stays open for the next check."""
        if not self._checking.acquire(timeout=ANSWER_SECONDS):
            raise unavailable(f"no answer within {ANSWER_SECONDS:g} seconds")
        try:
            (self._line.current() or self._line.open()).ask(_account)
        except BaseException:
            self._line.drop()
            raise
        finally:
            self._checking.release()

    def describe(self) -> str:
        return f"{self._address.describe()}, prefix {self._names.prefix}"

    def close(self) -> None:
        with self._checking:
            self._line.close()


async def _account(connection: Connection) -> None:
    await connection.jetstream.account_info()


def open_broker(url: str, options: BrokerOptions) -> Broker:
    """Open the broker of a `nats://` or `tls://` URL without connecting yet. Raise `invalid_setting`."""
    return NatsBroker(read_address(url), read_names(options.prefix))
