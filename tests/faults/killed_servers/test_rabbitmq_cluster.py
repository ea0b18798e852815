"""A RabbitMQ cluster whose leader freezes or dies: no command and no event is lost, and none is done twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from typing import Any

import pytest
from oms_rabbitmq import open_broker
from oms_rabbitmq.nodes import read_nodes
from oms_rabbitmq.publishing import Publisher, to_commands
from oms_rabbitmq.topology import Names

from oms_core import Oms, OmsError
from oms_core.ports.broker import BrokerOptions
from tests.faults.queue_deployment import ACCEPT_SECONDS, SKU, Callers, deployment, on_thread, relaying, working
from tests.faults.queue_deployment_checks import Subscriber, all_placed, rows
from tests.services import ServerUnusable, wait_until
from tests.services.plugin import do_without
from tests.services.rabbitmq_cluster import Node, PrivateRabbitmqCluster
from tests.services.run import Run

DEADLINE_SECONDS = 60
PACE_SECONDS = 0.02
ENOUGH = 20
BY_COMMAND = "SELECT reference, id FROM orders WHERE reference LIKE 'command-%'"
PLACED = """SELECT extract(epoch FROM e.created_at)::float8 FROM events AS e JOIN orders AS o ON o.id = e.order_id
WHERE e.type = 'order.placed' AND o.reference LIKE 'command-%' ORDER BY 1"""


@pytest.fixture
def cluster(test_run: Run) -> Iterator[PrivateRabbitmqCluster]:
    try:
        cluster = PrivateRabbitmqCluster(test_run)
    except ServerUnusable as error:
        do_without(f"NO RABBITMQ CLUSTER: {error}")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.discard()


@pytest.fixture
def oms(cluster: PrivateRabbitmqCluster, postgresql_url: str, unique_name: str) -> Iterator[Oms]:
    with deployment(postgresql_url, cluster.url, unique_name) as oms:
        yield oms


class Commands:
    """Another service that orders. It sends a command again, under its key, until the broker has confirmed it."""

    def __init__(self, oms: Oms) -> None:
        self._names = Names(oms.settings.queue_prefix)
        self._publisher = Publisher(read_nodes(oms.settings.queue_url), self._names, "commands")
        self.confirmed: list[str] = []
        self.sent_again = 0

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._insist(f"command-{len(self.confirmed)}")
            stop.wait(PACE_SECONDS)
        self._publisher.close()

    def _insist(self, key: str) -> None:
        order = {"customer_id": "C1", "lines": [{"sku": SKU, "quantity": 1}], "idempotency_key": key, "reference": key}
        while True:
            try:
                self._publisher.publish([to_commands(self._names, json.dumps(order).encode())])
            except OmsError:
                self.sent_again += 1
            else:
                self.confirmed.append(key)
                return


def go_on(oms: Oms, commands: Commands) -> None:
    """Wait until further commands are confirmed, and their orders placed."""
    confirmed = len(commands.confirmed) + ENOUGH
    wait_until(lambda: len(commands.confirmed) >= confirmed, DEADLINE_SECONDS, "commands are confirmed")
    wait_until(lambda: len(rows(oms.settings.database_url, PLACED)) >= confirmed, DEADLINE_SECONDS, "orders are placed")


@contextmanager
def frozen(node: Node) -> Iterator[None]:
    node.process.freeze()
    try:
        yield
    finally:
        node.process.thaw()


@contextmanager
def killed(node: Node) -> Iterator[None]:
    node.process.kill()
    yield


def placed_for(commands: Commands, oms: Oms) -> list[tuple[Any, ...]]:
    """Return the key and the order of each command, once there are as many as were confirmed."""
    found = rows(oms.settings.database_url, BY_COMMAND)
    return found if len(found) >= len(commands.confirmed) else []


def longest_gap(oms: Oms, since: float) -> float:
    """Return the longest time in which no command's order was placed."""
    times = [since, *(placed for (placed,) in rows(oms.settings.database_url, PLACED) if placed >= since)]
    return max(later - earlier for earlier, later in pairwise(times))


@pytest.mark.parametrize("fault", [frozen, killed])
def test_a_leader_that_freezes_or_dies_costs_no_command_and_no_event(
    cluster: PrivateRabbitmqCluster, oms: Oms, fault: Callable[[Node], AbstractContextManager[None]]
) -> None:
    subscriber = Subscriber(cluster.url, oms.settings.queue_prefix)
    commands = Commands(oms)
    with (
        working(oms.settings),
        working(oms.settings),
        relaying(oms.settings),
        Callers(oms, name="during") as callers,
        on_thread(commands.run),
    ):
        go_on(oms, commands)
        leader = cluster.leader(f"{oms.settings.queue_prefix}.commands.v1")
        since = time.time()
        with fault(leader):
            with pytest.raises(OmsError):
                open_broker(f"amqp://guest:guest@{leader.place}", BrokerOptions()).check()
            go_on(oms, commands)
            gap = longest_gap(oms, since)
        go_on(oms, commands)
    assert set(callers.told) == {"accepted"}
    assert callers.slowest_seconds < ACCEPT_SECONDS
    with working(oms.settings), relaying(oms.settings):
        by_command = wait_until(lambda: placed_for(commands, oms), DEADLINE_SECONDS, "every command made an order")
        assert sorted(key for key, _ in by_command) == sorted(commands.confirmed), "a command made two orders"
        all_placed(oms, [*callers.accepted, *(order_id for _, order_id in by_command)])
        subscriber.check(oms.settings.database_url)
    repeated = len(subscriber.heard) - len(set(subscriber.heard))
    print(f"no command was placed for {gap:.2f} s; {commands.sent_again} sent again; {repeated} events repeated")
