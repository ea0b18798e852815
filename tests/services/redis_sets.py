"""Redis in sets, from an installed redis-server: a master, a replica and Sentinels; the nodes of a Redis Cluster."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from tests.services.processes import ServerProcess
from tests.services.redis import private_redis
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, free_port
from tests.services.waiting import wait_until

MASTER = "shop"
PASSWORD = "s3cret"  # Of the servers; the Sentinels have one of their own.
SENTINEL_PASSWORD = "s3nt1nel"
SENTINELS = 3
DOWN_AFTER_MS = 1_000
NODE_TIMEOUT_MS = 1_500
SLOTS = 16_384
READY_SECONDS = 60


class PrivateSentinels:
    """A master with a password, a replica, and three Sentinels with another one, who need two votes.

    `url` is for OMS_RATE_LIMIT_URL.
    """

    def __init__(self, run: Run) -> None:
        secret = ["--requirepass", PASSWORD, "--masterauth", PASSWORD]
        self.master = private_redis(run, *secret, password=PASSWORD)
        self.replica = private_redis(
            run, *secret, "--replicaof", LOOPBACK, f"{port_of(self.master)}", password=PASSWORD
        )
        self.sentinels = [self._sentinel(run) for _ in range(SENTINELS)]
        places = ",".join(f"{LOOPBACK}:{port_of(each)}" for each in self.sentinels)
        self.url = f"redis+sentinel://:{PASSWORD}@{places}/{MASTER}/2?sentinel_password={SENTINEL_PASSWORD}"

    def start(self) -> None:
        """Start all, and wait until every Sentinel knows the replica and the others."""
        self.master.start()
        self.replica.start()
        # A Sentinel looks for replicas at once, and then every ten seconds.
        wait_until(lambda: role_of(self.replica)["master_link_status"] == "up", READY_SECONDS, "the replica follows")
        start_all(self.sentinels)
        wait_until(lambda: all(map(self._is_ready, self.sentinels)), READY_SECONDS, "the Sentinels know each other")

    def stop(self) -> None:
        """Stop all."""
        stop_all([*self.sentinels, self.replica, self.master])

    def _sentinel(self, run: Run) -> ServerProcess:
        file = run.new_folder("sentinel") / "sentinel.conf"
        file.write_text(
            f"sentinel monitor {MASTER} {LOOPBACK} {port_of(self.master)} 2\n"
            f"sentinel auth-pass {MASTER} {PASSWORD}\n"
            f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {MASTER} 6000\n"
            f"sentinel sentinel-pass {SENTINEL_PASSWORD}\n"
            f"requirepass {SENTINEL_PASSWORD}\n"
        )
        return private_redis(run, "--sentinel", file=file, password=SENTINEL_PASSWORD)

    def _is_ready(self, sentinel: ServerProcess) -> bool:
        with Redis(host=LOOPBACK, port=port_of(sentinel), password=SENTINEL_PASSWORD) as client:
            state = client.sentinel_masters()[MASTER]  # type: ignore[no-untyped-call]
        return bool(state["num-slaves"] == 1 and state["num-other-sentinels"] == SENTINELS - 1)


class PrivateRedisCluster:
    """Three masters that share the slots, and a replica of the first. `url` is for OMS_RATE_LIMIT_URL."""

    def __init__(self, run: Run) -> None:
        self._buses = [free_port() for _ in range(4)]
        self.nodes = [_cluster_node(run, bus) for bus in self._buses]
        self.masters, self.replica = self.nodes[:3], self.nodes[3]
        self.url = f"redis+cluster://{','.join(f'{LOOPBACK}:{port_of(node)}' for node in self.nodes[:2])}"

    def start(self) -> None:
        """Start all, and wait until every node says that the cluster works."""
        start_all(self.nodes)
        first, *others = (self.client(node) for node in self.nodes)
        for number, client in enumerate([first, *others[:2]]):
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)  # type: ignore[no-untyped-call]
            begin, end = (SLOTS * each // 3 for each in (number, number + 1))
            client.execute_command("CLUSTER ADDSLOTSRANGE", begin, end - 1)  # type: ignore[no-untyped-call]
        for node, bus in zip(self.nodes[1:], self._buses[1:], strict=True):
            first.execute_command("CLUSTER MEET", LOOPBACK, port_of(node), bus)  # type: ignore[no-untyped-call]
        wait_until(lambda: all(map(self.works, self.nodes)), READY_SECONDS, "the cluster works")
        name = first.execute_command("CLUSTER MYID").decode()  # type: ignore[no-untyped-call]
        others[-1].execute_command("CLUSTER REPLICATE", name)  # type: ignore[no-untyped-call]
        wait_until(lambda: others[-1].info("replication")["role"] == "slave", READY_SECONDS, "a replica")
        wait_until(lambda: others[-1].info("replication")["master_link_status"] == "up", READY_SECONDS, "its link")

    def stop(self) -> None:
        """Stop all."""
        stop_all(self.nodes)

    def client(self, node: ServerProcess) -> Redis:
        """Return a client of one node."""
        return Redis(host=LOOPBACK, port=port_of(node))

    def works(self, node: ServerProcess) -> bool:
        """Tell whether a node sees all slots served, by all nodes."""
        try:
            state = self.client(node).execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
        except RedisError:
            return False
        return state["cluster_state"] == "ok" and state["cluster_known_nodes"] == "4"


def _cluster_node(run: Run, bus: int) -> ServerProcess:
    options = {"enabled": "yes", "port": f"{bus}", "node-timeout": f"{NODE_TIMEOUT_MS}"}
    return private_redis(run, *(word for name, value in options.items() for word in (f"--cluster-{name}", value)))


def port_of(server: ServerProcess) -> int:
    """Return the port of a server."""
    return int(server.url.rpartition(":")[2])


def role_of(server: ServerProcess) -> dict[str, Any]:
    """Ask one of the servers behind Sentinels what it is."""
    with Redis(host=LOOPBACK, port=port_of(server), password=PASSWORD) as client:
        told: dict[str, Any] = client.info("replication")  # type: ignore[assignment]
        return told


def start_all(servers: Sequence[ServerProcess]) -> None:
    """Start servers at once."""
    with ThreadPoolExecutor(len(servers)) as pool:
        list(pool.map(lambda server: server.start(), servers))


def stop_all(servers: Sequence[ServerProcess]) -> None:
    """Kill servers, also frozen ones, which have nothing to lose."""
    for server in servers:
        server.kill()
