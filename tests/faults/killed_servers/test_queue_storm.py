"""Everything at once: workers killed again and again, while database and broker are killed and come back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from oms_core import Oms
from tests.adapters.broker_places import place_at
from tests.faults.queue_deployment import Callers, accept, deployment, nothing, on_thread, processes, relaying, working
from tests.faults.queue_deployment_checks import Subscriber, all_placed
from tests.services import wait_until
from tests.services.postgresql import PrivatePostgresql
from tests.services.processes import PrivateServer

DEADLINE_SECONDS = 90
LIFE_SECONDS = 1.5
WORKERS = 2


@pytest.fixture
def database(private_postgresql: Callable[[], PrivatePostgresql]) -> PrivatePostgresql:
    return private_postgresql()


@pytest.fixture(scope="module", params=["private_rabbitmq", "start_nats"])
def server(request: pytest.FixtureRequest) -> PrivateServer:
    start: Callable[[], PrivateServer] = request.getfixturevalue(request.param)
    return start()


@pytest.fixture
def oms(server: PrivateServer, database: PrivatePostgresql, unique_name: str) -> Iterator[Oms]:
    with deployment(database.url, server.url, unique_name) as oms:
        yield oms


@contextmanager
def short_lived_workers(oms: Oms) -> Iterator[list[int]]:
    """Keep two workers' processes, and kill them every so often; gives how many were killed, a number a time."""
    killed: list[int] = []

    def run(stop: threading.Event) -> None:
        while not stop.is_set():
            with processes(oms.settings, [nothing] * WORKERS):
                stop.wait(LIFE_SECONDS)
            killed.append(WORKERS)

    with on_thread(run):
        yield killed


def test_after_a_storm_every_accepted_order_is_placed_once(
    oms: Oms, server: PrivateServer, database: PrivatePostgresql
) -> None:
    subscriber = Subscriber(server.url, oms.settings.queue_prefix)
    accepted = accept(oms, 100, "A")
    servers: list[PrivateServer] = [database, server, database]
    with relaying(oms.settings), Callers(oms, name="during") as callers:
        with short_lived_workers(oms) as killed:
            for number, shaken in enumerate(servers, start=1):
                wait_until(lambda: len(killed) >= number, DEADLINE_SECONDS, "workers were killed")  # noqa: B023
                shaken.kill()
                shaken.start()
        before = len(callers.accepted)
        with working(oms.settings):
            wait_until(lambda: len(callers.accepted) > before + 50, DEADLINE_SECONDS, "orders are accepted again")
    with working(oms.settings), relaying(oms.settings):
        all_placed(oms, [*accepted, *callers.accepted])
        subscriber.check(database.url)
        orders = place_at(server.url, oms.settings.queue_prefix)
        wait_until(lambda: orders.left("orders.v1") == 0, DEADLINE_SECONDS, "every message is taken")
