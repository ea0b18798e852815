"""A broker that is down, killed, frozen, full or emptied: accepting does not notice, and all is placed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol
from uuid import UUID

import pytest
from pika import BlockingConnection, URLParameters

from oms_core import Oms, OmsError
from oms_core.ports.broker import Broker
from oms_core.use_cases.orders.intake import Intake
from tests.faults.queue_deployment import (
    ACCEPT_SECONDS,
    STOPPING_SECONDS,
    Callers,
    accept,
    deployment,
    relaying,
    working,
)
from tests.faults.queue_deployment_checks import Subscriber, all_placed, rows
from tests.services import free_port, wait_until
from tests.services.processes import PrivateServer
from tests.services.rabbitmq import PrivateRabbitmq

DEADLINE_SECONDS = 60
RABBITMQ = "private_rabbitmq"
DISK_ALARM = "{resource_limit, disk, node()}"
QUEUED = "SELECT count(*) FROM orders WHERE status = 'queued'"


class BrokerServer(PrivateServer, Protocol):
    """A private broker of either kind."""

    def freeze(self) -> None:
        """Let it do nothing any more, with its connections open."""
        ...

    def thaw(self) -> None:
        """Let it go on."""
        ...


@pytest.fixture(scope="module", params=[RABBITMQ, "start_nats"])
def server(request: pytest.FixtureRequest) -> BrokerServer:
    start: Callable[[], BrokerServer] = request.getfixturevalue(request.param)
    return start()


@pytest.fixture
def oms(server: BrokerServer, postgresql_url: str, unique_name: str) -> Iterator[Oms]:
    with deployment(postgresql_url, server.url, unique_name) as oms:
        yield oms


@contextmanager
def frozen(server: BrokerServer) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


def is_connected(queue: Broker) -> bool:
    try:
        queue.check()
    except OmsError:
        return False
    return True


def has_placed(oms: Oms, at_least: int) -> bool:
    ((count,),) = rows(oms.settings.database_url, "SELECT count(*) FROM orders WHERE status = 'pending'")
    return bool(count >= at_least)


def test_orders_are_accepted_before_the_broker_is_there_while_it_dies_and_after_it_came_back(
    server: BrokerServer, oms: Oms
) -> None:
    server.kill()
    accepted = accept(oms, 100, "before")
    with working(oms.settings):
        wait_until(lambda: has_placed(oms, 100), DEADLINE_SECONDS, "the sweep places what no broker announced")
        server.start()
        subscriber = Subscriber(server.url, oms.settings.queue_prefix)
        wait_until(lambda: is_connected(oms._ports.broker), DEADLINE_SECONDS, "the broker is back")
        with relaying(oms.settings), Callers(oms, name="during") as callers:
            wait_until(lambda: len(callers.accepted) >= 50, DEADLINE_SECONDS, "some are accepted")
            server.kill()
            wait_until(lambda: len(callers.accepted) >= 150, DEADLINE_SECONDS, "some are accepted meanwhile")
            server.start()
            wait_until(lambda: is_connected(oms._ports.broker), DEADLINE_SECONDS, "the broker is back again")
            accepted += accept(oms, 100, "after")
        assert set(callers.told) == {"accepted"}
        assert callers.slowest_seconds < ACCEPT_SECONDS
        all_placed(oms, [*accepted, *callers.accepted])
        with relaying(oms.settings):
            subscriber.check(oms.settings.database_url)


def test_without_the_sweep_orders_accepted_while_the_broker_is_away_would_wait_for_ever(
    oms: Oms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oms_core.worker.worker.Worker._sweep_if_due", lambda *_, **__: None)
    nowhere = f"amqp://guest:guest@127.0.0.1:{free_port()}"
    with Oms.open(replace(oms.settings, queue_url=nowhere)) as cut_off, working(oms.settings):
        accept(cut_off, 20, "unannounced")

        def announced() -> bool:
            accept(oms, 1, f"announced-{threading.get_ident()}")
            return has_placed(oms, 1)

        wait_until(announced, DEADLINE_SECONDS, "a later one is placed")
    assert rows(oms.settings.database_url, QUEUED)[0][0] >= 20


def test_nobody_waits_for_a_frozen_broker_while_the_sweep_places(server: BrokerServer, oms: Oms) -> None:
    with working(oms.settings) as worker:
        accepted = accept(oms, 50, "calm")
        all_placed(oms, accepted)
        with frozen(server):
            accepted += accept(oms, 150, "frozen")
            all_placed(oms, accepted)
            with pytest.raises(OmsError):
                oms._ports.broker.check()
        wait_until(lambda: is_connected(worker.queue), DEADLINE_SECONDS, "the broker answers again")
        accepted += accept(oms, 50, "thawed")
        all_placed(oms, accepted)


def test_whoever_announces_on_the_callers_thread_would_wait(
    server: BrokerServer, oms: Oms, monkeypatch: pytest.MonkeyPatch
) -> None:
    announcer = oms._ports.broker.announcer()

    def announce(_: Intake, order_ids: Sequence[UUID]) -> None:
        with pytest.raises(OmsError):
            announcer.announce(order_ids)

    monkeypatch.setattr(Intake, "announce", announce)
    with frozen(server), pytest.raises(AssertionError, match="it took"):
        accept(oms, 1, "frozen")
    announcer.close()


@pytest.mark.parametrize("server", [RABBITMQ], indirect=True)
def test_while_the_disk_is_full_orders_are_accepted_and_placed(server: PrivateRabbitmq, oms: Oms) -> None:
    subscriber = Subscriber(server.url, oms.settings.queue_prefix)
    with working(oms.settings), relaying(oms.settings):
        all_placed(oms, accepted := accept(oms, 20, "calm"))
        server.evaluate(f"rabbit_alarm:set_alarm({{{DISK_ALARM}, []}}).")
        try:
            accepted += accept(oms, 100, "full")
            all_placed(oms, accepted)
        finally:
            server.evaluate(f"rabbit_alarm:clear_alarm({DISK_ALARM}).")
        accepted += accept(oms, 20, "emptied")
        all_placed(oms, accepted)
        subscriber.check(oms.settings.database_url)


@pytest.mark.parametrize("server", [RABBITMQ], indirect=True)
def test_a_queue_deleted_under_its_workers_costs_no_order(server: PrivateRabbitmq, oms: Oms) -> None:
    accepted = accept(oms, 100, "announced")
    waiting = f"{oms.settings.queue_prefix}.orders.v1"
    connection = BlockingConnection(URLParameters(server.url))
    channel = connection.channel()
    with working(oms.settings), working(oms.settings), Callers(oms, name="during") as callers:
        for _ in range(3):
            before = len(callers.accepted)
            channel.queue_delete(waiting)
            wait_until(lambda: len(callers.accepted) >= before + 40, STOPPING_SECONDS, "orders are accepted")  # noqa: B023
        connection.close()
    assert set(callers.told) == {"accepted"}
    with working(oms.settings):
        all_placed(oms, [*accepted, *callers.accepted])
