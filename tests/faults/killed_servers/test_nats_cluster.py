"""Three NATS servers as one broker: any of them is killed or frozen, and orders and events go on at the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from nats.aio.client import Client
from oms_contracts.broker_contract.post import ids_in, new_ids, open_inbox
from oms_nats import open_broker

from oms_core.errors import OmsError
from oms_core.ports.broker import Announcer, Broker, BrokerOptions, OutgoingEvent
from tests.adapters.nats_broker import NatsPlace
from tests.services import free_port, wait_until
from tests.services.processes import ServerProcess
from tests.services.tcp import LOOPBACK

SERVERS = 3
HEALING_SECONDS = 60
EVENT = OutgoingEvent(id="1", type="order.placed", body=b"{}")


@dataclass(frozen=True, slots=True)
class Cluster:
    servers: list[ServerProcess]

    @property
    def url(self) -> str:
        hosts = ",".join(server.url.partition("@")[2] for server in self.servers)
        return f"{self.servers[0].url.partition('@')[0]}@{hosts}"

    def leader(self, place: NatsPlace, queue: str) -> ServerProcess:
        """Find the server that leads a stream; its name is that of the process's place in the list."""

        async def ask(client: Client) -> str:
            cluster = (await client.jetstream().stream_info(place.stream(queue))).cluster
            return (cluster.leader if cluster else None) or ""

        return self.servers[int(place.run(ask).removeprefix("n"))]


@pytest.fixture(scope="module")
def cluster(start_nats: Callable[..., ServerProcess]) -> Cluster:
    routes = [free_port() for _ in range(SERVERS)]
    listed = ", ".join(f"nats://{LOOPBACK}:{port}" for port in routes)
    servers = [
        start_nats(
            f"server_name: n{number}",
            f"cluster {{ name: shop, listen: {LOOPBACK}:{port}, routes: [{listed}] }}",
            is_alone=False,
        )
        for number, port in enumerate(routes)
    ]
    return Cluster(servers)


@pytest.fixture
def broker(cluster: Cluster, unique_name: str) -> Iterator[Broker]:
    broker = open_broker(cluster.url, BrokerOptions(prefix=unique_name))
    wait_until(lambda: succeeds(broker.check), HEALING_SECONDS, "the cluster has a leader")
    wait_until(lambda: succeeds(lambda: broker.dead_letters().list(limit=1)), HEALING_SECONDS, "it takes streams")
    yield broker
    broker.close()


@pytest.fixture
def place(cluster: Cluster, unique_name: str) -> NatsPlace:
    return NatsPlace(cluster.servers[0].url, unique_name)


def succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except OmsError:
        return False
    return True


def test_streams_of_a_cluster_are_kept_by_three_servers(cluster: Cluster, broker: Broker, place: NatsPlace) -> None:
    async def ask(client: Client) -> list[int | None]:
        streams = [await client.jetstream().stream_info(place.stream(queue)) for queue in ("orders", "events", "dead")]
        return [stream.config.num_replicas for stream in streams]

    assert place.run(ask) == [3, 3, 3]


@pytest.mark.parametrize("fault", ["killed", "frozen"])
def test_the_leader_of_the_orders_stream_may_go(cluster: Cluster, broker: Broker, place: NatsPlace, fault: str) -> None:
    announcer, publisher = broker.announcer(), broker.event_publisher()
    sent = new_ids(300)
    announcer.announce(sent)
    with open_inbox(broker) as inbox:
        seen = set(ids_in(held := inbox.take(limit=1, timeout_seconds=HEALING_SECONDS)))
        leader = cluster.leader(place, "orders")
        (leader.kill if fault == "killed" else leader.freeze)()
        try:
            sent += insist(announcer)
            wait_until(lambda: succeeds(lambda: publisher.publish([EVENT])), HEALING_SECONDS, "events go on")
            wait_until(lambda: succeeds(broker.check), HEALING_SECONDS, "the broker answers")
            inbox.done(held)

            def all_came() -> bool:
                messages = inbox.take(limit=500, timeout_seconds=0.1)
                seen.update(ids_in(messages))
                inbox.done(messages)
                return seen == set(sent)

            wait_until(all_came, HEALING_SECONDS, "every id arrives")
        finally:
            (leader.start if fault == "killed" else leader.thaw)()
        wait_until(lambda: succeeds(lambda: place.kept("orders")), HEALING_SECONDS, "it is back")
    for part in (announcer, publisher):
        part.close()


def insist(announcer: Announcer) -> list[object]:
    """Announce until it succeeds; each try takes a bounded time."""
    ids = new_ids(100)

    def announced() -> bool:
        began = time.monotonic()
        done = succeeds(lambda: announcer.announce(ids))
        assert time.monotonic() - began < 9.0, "two connections at most, and an answer of each"
        return done

    wait_until(announced, HEALING_SECONDS, "orders are announced")
    return [*ids]
