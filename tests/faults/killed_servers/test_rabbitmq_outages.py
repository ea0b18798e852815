"""A broker that is killed, frozen, full or deleting: callers hear of it in time, and all goes on by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from oms_contracts.broker_contract.post import (
    announce,
    ids_in,
    is_quiet,
    new_ids,
    open_inbox,
    receive,
    receive_ids,
)
from oms_rabbitmq import open_broker

from oms_core.errors import OmsError
from oms_core.ports.broker import Broker, BrokerOptions, OutgoingEvent
from tests.services import wait_until
from tests.services.rabbitmq import PrivateRabbitmq

IN_TIME_SECONDS = 4.5  # Three promised, the rest for a busy machine.
HEALING_SECONDS = 60
DISK_ALARM = "{resource_limit, disk, node()}"
EVENT = OutgoingEvent(id="1", type="order.placed", body=b"{}")


@pytest.fixture(scope="module")
def server(private_rabbitmq: Callable[..., PrivateRabbitmq]) -> PrivateRabbitmq:
    return private_rabbitmq()


@pytest.fixture
def queue(server: PrivateRabbitmq, unique_name: str) -> Iterator[Broker]:
    queue = open_broker(server.url, BrokerOptions(prefix=unique_name))
    yield queue
    queue.close()


@contextmanager
def frozen(server: PrivateRabbitmq) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@contextmanager
def killed(server: PrivateRabbitmq) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextmanager
def full_disk(server: PrivateRabbitmq) -> Iterator[None]:
    server.evaluate(f"rabbit_alarm:set_alarm({{{DISK_ALARM}, []}}).")
    try:
        yield
    finally:
        server.evaluate(f"rabbit_alarm:clear_alarm({DISK_ALARM}).")


def refused_in_time(call: Callable[[], object]) -> str:
    """Expect `queue_unavailable` within about three seconds, and give its detail."""
    started = time.monotonic()
    with pytest.raises(OmsError) as caught:
        call()
    assert time.monotonic() - started < IN_TIME_SECONDS
    assert caught.value.code == "queue_unavailable"
    assert "guest" not in caught.value.detail
    return caught.value.detail


def succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except OmsError:
        return False
    return True


def calls(queue: Broker) -> dict[str, Callable[[], object]]:
    """Everything that talks to the broker and says so, on connections that are open already."""
    announcer, publisher, letters = queue.announcer(), queue.event_publisher(), queue.dead_letters()
    return {
        "announce": lambda: announcer.announce(new_ids(1)),
        "publish": lambda: publisher.publish([EVENT]),
        "dead letters": lambda: letters.list(limit=1),
        "check": queue.check,
    }


def test_a_broker_that_is_killed_loses_nothing_that_was_confirmed(server: PrivateRabbitmq, queue: Broker) -> None:
    used = calls(queue)
    ids = new_ids(1_000)
    announce(queue, ids)
    for call in used.values():
        call()
    # A queue declared some seconds before a kill -9 is not yet in RabbitMQ 3.10's directory, and never leads again.
    server.evaluate("[dets:sync(Table) || Table <- dets:all()].")
    with open_inbox(queue) as inbox:
        held = receive(inbox, 11)
        with killed(server):
            wait_until(lambda: not inbox.connected, HEALING_SECONDS, "the inbox notices")
            for call in used.values():
                refused_in_time(call)
            inbox.done(held[:5])
            inbox.dead_letter(held[5], OmsError("malformed_json", "its connection is lost: it comes again"))
            assert inbox.take(limit=10, timeout_seconds=0.1) == []
        again = receive(inbox, 11)
        assert set(ids) <= set(ids_in(again))
        assert all(message.redelivered for message in again)
        inbox.done(held)  # Acknowledging what is lost does the new connection no harm.
        inbox.done(again)
        for name, call in used.items():
            wait_until(partial(succeeds, call), HEALING_SECONDS, f"{name} works again")
        receive_ids(inbox, 1)
        assert inbox.connected
    assert queue.dead_letters().list(limit=1) == []


def test_nobody_waits_long_for_a_frozen_broker_and_all_goes_on_when_it_thaws(
    server: PrivateRabbitmq, queue: Broker
) -> None:
    used = calls(queue)
    for call in used.values():
        call()
    with open_inbox(queue) as inbox:
        receive_ids(inbox, 1)
        with frozen(server):
            for call in used.values():
                refused_in_time(call)  # The connection that was open...
            refused_in_time(used["announce"])  # ... and the one that cannot be opened.
            started = time.monotonic()
            assert inbox.take(limit=1, timeout_seconds=0.1) == []
            assert time.monotonic() - started < IN_TIME_SECONDS
        for name, call in used.items():
            wait_until(partial(succeeds, call), HEALING_SECONDS, f"{name} works again")
        receive_ids(inbox, 1)


def test_an_inbox_is_closed_in_bounded_time_when_the_broker_is_frozen(server: PrivateRabbitmq, queue: Broker) -> None:
    announce(queue, new_ids(1))
    inbox = queue.inbox()
    inbox.done(receive(inbox))
    with frozen(server):
        started = time.monotonic()
        inbox.close()
        assert time.monotonic() - started < IN_TIME_SECONDS


def test_while_the_disk_is_full_publishing_is_refused_and_reading_goes_on(
    server: PrivateRabbitmq, queue: Broker
) -> None:
    used = calls(queue)
    for call in used.values():
        call()
    with open_inbox(queue) as inbox:
        with full_disk(server):
            for name in ("announce", "publish"):
                assert "disk" in refused_in_time(used[name])
                assert "disk" in refused_in_time(used[name])  # On a new connection.
            used["dead letters"]()
            used["check"]()
            receive_ids(inbox, 1)
        for name in ("announce", "publish"):
            wait_until(partial(succeeds, used[name]), HEALING_SECONDS, f"{name} works again")
        receive_ids(inbox, 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("guest:guest", "guest:wrong"), "refuses the user or the password"),
        (("guest:guest", "nobody:hidden"), "refuses the user or the password"),
        (("127.0.0.1", "127.0.0.2"), "refused"),
    ],
)
def test_a_broker_that_does_not_let_us_in_is_told_without_the_password(
    server: PrivateRabbitmq, change: tuple[str, str], reason: str
) -> None:
    queue = open_broker(server.url.replace(*change), BrokerOptions())
    for call in calls(queue).values():
        detail = refused_in_time(call)
        assert reason in detail
        assert "wrong" not in detail
        assert "hidden" not in detail
    with open_inbox(queue) as inbox:
        assert is_quiet(inbox)
        assert not inbox.connected
