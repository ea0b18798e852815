"""The names at the broker and their declaration, which changes nothing that exists already (docs/queue.md)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from pika.channel import Channel

from oms_rabbitmq.links import Link

# From this version on quorum queues drop a message after 20 deliveries unless configured otherwise.
_FIRST_MAJOR_WITH_DELIVERY_LIMIT = 4
_ANY_KEY = "#"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of everything declared at the broker; a queue whose arguments change gets a new version."""

    prefix: str

    @property
    def orders(self) -> str:
        """The queue of announced order ids."""
        return f"{self.prefix}.orders.v1"

    @property
    def commands(self) -> str:
        """The queue of commands."""
        return f"{self.prefix}.commands.v1"

    @property
    def dead(self) -> str:
        """The queue of dead letters."""
        return f"{self.prefix}.dead.v1"

    @property
    def commands_exchange(self) -> str:
        """The exchange to which other services publish commands, under any routing key."""
        return f"{self.prefix}.commands"

    @property
    def events_exchange(self) -> str:
        """The exchange to which events are published."""
        return f"{self.prefix}.events"


def declare(link: Link, channel: Channel, names: Names) -> None:
    """Declare whatever is missing. Raise `queue_unavailable`, also when something exists with other properties."""
    arguments = queue_arguments(link.server_version)
    for queue in (names.orders, names.commands, names.dead):
        link.ask(partial(channel.queue_declare, queue, durable=True, arguments=arguments))
    for exchange in (names.commands_exchange, names.events_exchange):
        link.ask(partial(channel.exchange_declare, exchange, "topic", durable=True))
    link.ask(partial(channel.queue_bind, names.commands, names.commands_exchange, _ANY_KEY))


def queue_arguments(server_version: str) -> dict[str, Any]:
    """Return the arguments of every queue: no length limit and no dead-letter exchange.

    Both lose confirmed messages. If the server has a default delivery limit, it is lifted: attempts are counted in the
    order's row, not by the broker.
    """
    major = server_version.partition(".")[0]
    limited = major.isdecimal() and int(major) >= _FIRST_MAJOR_WITH_DELIVERY_LIMIT
    return {"x-queue-type": "quorum", **({"x-delivery-limit": -1} if limited else {})}
