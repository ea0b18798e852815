"""A NATS server that is killed, frozen, full or closed to us: callers hear of it in time, and all goes on by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from oms_contracts.broker_contract.post import announce, ids_in, is_quiet, new_ids, open_inbox, receive, receive_ids
from oms_nats import open_broker

from oms_core.errors import OmsError
from oms_core.ports.broker import Broker, BrokerOptions, OutgoingEvent
from tests.adapters.nats_broker import NatsPlace
from tests.services import free_port, wait_until
from tests.services.processes import ServerProcess

IN_TIME_SECONDS = 4.5  # Three promised, the rest for a busy machine.
HEALING_SECONDS = 60
EVENT = OutgoingEvent(id="1", type="order.placed", body=b"{}")


@pytest.fixture(scope="module")
def server(start_nats: Callable[..., ServerProcess]) -> ServerProcess:
    return start_nats()


@pytest.fixture
def queue(server: ServerProcess, unique_name: str) -> Iterator[Broker]:
    queue = open_broker(server.url, BrokerOptions(prefix=unique_name))
    yield queue
    queue.close()


@pytest.fixture
def place(server: ServerProcess, unique_name: str) -> NatsPlace:
    return NatsPlace(server.url, unique_name)


@contextmanager
def frozen(server: ServerProcess) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@contextmanager
def killed(server: ServerProcess) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()


def refused_in_time(call: Callable[[], object]) -> str:
    """Expect `queue_unavailable` within about three seconds, and give its detail."""
    started = time.monotonic()
    with pytest.raises(OmsError) as caught:
        call()
    assert time.monotonic() - started < IN_TIME_SECONDS
    assert caught.value.code == "queue_unavailable"
    assert "guest" not in caught.value.detail
    assert "\n" not in caught.value.detail
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


def test_a_server_that_is_killed_loses_nothing_that_was_confirmed(
    server: ServerProcess, queue: Broker, place: NatsPlace
) -> None:
    used = calls(queue)
    ids = new_ids(1_000)
    announce(queue, ids)
    for call in used.values():
        call()
    with open_inbox(queue) as inbox:
        held = receive(inbox, 11)
        with killed(server):
            wait_until(lambda: not inbox.connected, HEALING_SECONDS, "the inbox notices")
            for call in used.values():
                refused_in_time(call)
            inbox.done(held[:5])
            refused_in_time(lambda: inbox.dead_letter(held[5], OmsError("malformed_json", "it cannot be told now")))
            assert inbox.take(limit=10, timeout_seconds=0.1) == []
        wait_until(lambda: place.kept("orders") == 6, HEALING_SECONDS, "what was done meanwhile is acknowledged")
        for name, call in used.items():
            wait_until(partial(succeeds, call), HEALING_SECONDS, f"{name} works again")
        assert inbox.connected
        inbox.done(held[:6])
        seen = set(ids_in(held[5:]))

        def all_done() -> bool:
            messages = inbox.take(limit=500, timeout_seconds=0.1)
            seen.update(ids_in(messages))
            inbox.done(messages)
            return place.kept("orders") == 0

        inbox.done(held[6:])
        wait_until(all_done, HEALING_SECONDS, "all else was acknowledged, or came again")
        assert len(seen) >= 500
    assert queue.dead_letters().list(limit=1) == []


def test_nobody_waits_long_for_a_frozen_server_and_all_goes_on_when_it_thaws(
    server: ServerProcess, queue: Broker
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
            wait_until(lambda: not inbox.connected, HEALING_SECONDS, "the inbox notices the silence")
        for name, call in used.items():
            wait_until(partial(succeeds, call), HEALING_SECONDS, f"{name} works again")
        receive_ids(inbox, 1)


def test_an_inbox_is_closed_in_bounded_time_when_the_server_is_frozen(server: ServerProcess, queue: Broker) -> None:
    announce(queue, new_ids(1))
    inbox = queue.inbox()
    inbox.done(receive(inbox))
    with frozen(server):
        started = time.monotonic()
        inbox.close()
        assert time.monotonic() - started < IN_TIME_SECONDS


def test_while_a_stream_is_full_publishing_is_refused_and_nothing_is_lost(queue: Broker, place: NatsPlace) -> None:
    used = calls(queue)
    used["announce"]()
    place.bound("orders", messages_max=3)
    first = new_ids(200)
    announce(queue, first)
    with open_inbox(queue) as inbox:
        for _ in range(2):
            assert "maximum messages exceeded" in refused_in_time(used["announce"])
        used["check"]()
        used["publish"]()
        messages = receive(inbox, 3)
        assert ids_in(messages)[1:] == first
        inbox.done(messages)
        wait_until(partial(succeeds, used["announce"]), HEALING_SECONDS, "there is room again")
        receive_ids(inbox, 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("oms:guest", "oms:wrong"), "refuses the user or the password"),
        (("oms:guest", "nobody:hidden"), "refuses the user or the password"),
        (("oms:guest", ":hidden"), "refuses the user or the password"),
        (("oms:guest@", ""), "refuses the user or the password"),
        (("127.0.0.1", "127.0.0.2"), "Connect call failed"),
    ],
)
def test_a_server_that_does_not_let_us_in_is_told_without_the_password(
    server: ServerProcess, change: tuple[str, str], reason: str
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


def test_a_server_without_jetstream_is_told(start_nats: Callable[..., ServerProcess], unique_name: str) -> None:
    server = start_nats(jetstream=False)
    queue = open_broker(server.url, BrokerOptions(prefix=unique_name))
    for call in calls(queue).values():
        assert "JetStream" in refused_in_time(call)
    queue.close()


def test_the_first_server_that_answers_is_taken(server: ServerProcess, unique_name: str) -> None:
    away = f"127.0.0.1:{free_port()}"
    url = server.url.replace("@", f"@{away},")
    queue = open_broker(url, BrokerOptions(prefix=unique_name))
    for call in calls(queue).values():
        call()
    ids = new_ids(1)
    announce(queue, ids)
    with open_inbox(queue) as inbox:
        assert receive_ids(inbox, 2)[1:] == ids
    queue.close()
