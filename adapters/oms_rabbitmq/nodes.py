"""The nodes of a broker: which one the next connection tries first, and which are left for last."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from oms_core.runtime.forks import begin_in_each_process
from oms_rabbitmq.addresses import Address, read_addresses

AVOIDED_SECONDS = 10.0


class Nodes:
    """The nodes of one broker, one or many. For any thread.

    Connections take turns at where they start, and each process starts at random, so that connections spread over the
    nodes. A node that has failed in the last 10 seconds is tried after the others, so that a frozen one is waited for
    once and not at every connection. Connections stay where they are when a node is back.
    """

    def __init__(self, addresses: Sequence[Address], clock: Callable[[], float] = time.monotonic) -> None:
        self._addresses = tuple(addresses)
        self._clock = clock
        begin_in_each_process(self._begin)

    def _begin(self) -> None:
        self._turn = random.randrange(len(self._addresses))  # noqa: S311  It spreads load, and need not be secret.
        self._failed_at: dict[Address, float] = {}

    def in_turn(self) -> list[Address]:
        """Return all addresses in the order in which a new connection tries them."""
        self._turn = start = (self._turn + 1) % len(self._addresses)
        since = self._clock() - AVOIDED_SECONDS
        failed_at = self._failed_at
        return sorted(
            [*self._addresses[start:], *self._addresses[:start]],
            key=lambda address: max(0.0, failed_at.get(address, since) - since),
        )

    def failed(self, address: Address) -> None:
        """Note that a node could not be reached, did not answer or was lost."""
        self._failed_at[address] = self._clock()

    def describe(self) -> str:
        """Return hosts, ports and virtual host."""
        places = ",".join(address.place for address in self._addresses)
        return f"RabbitMQ at {places}, virtual host {self._addresses[0].virtual_host}"


def read_nodes(url: str) -> Nodes:
    """Read a broker's nodes from OMS_QUEUE_URL. Raise `invalid_setting`, which never quotes it."""
    return Nodes(read_addresses(url))
