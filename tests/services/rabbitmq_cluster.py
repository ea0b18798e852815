"""A RabbitMQ cluster of three nodes on this machine, from installed binaries, for tests that kill and freeze nodes."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.services.processes import ServerProcess
from tests.services.rabbitmq import Ports, evaluate, name_daemon, node
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, free_port

NODES = 3
# One scheduler a node, which sleeps when there is nothing to do: three nodes share a few cores with what they serve.
SMALL = "+S 1:1 +SDcpu 1:1 +SDio 1 +A 4 +sbwt none +sbwtdcpu none +sbwtdio none"
# As docs/production/brokers.md advises: by default a frozen node is taken for down after a minute. The setting belongs
# to Erlang's kernel, which starts before RabbitMQ reads its configuration.
TICKS = "-kernel net_ticktime 8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node: its name among the others, what it runs in, and its process."""

    name: str
    place: str
    environment: Mapping[str, str]
    process: ServerProcess


class PrivateRabbitmqCluster:
    """Three nodes with a name daemon, ports, data and a cookie of their own. `url` names all of them."""

    def __init__(self, run: Run) -> None:
        names_port = free_port()
        self._folders = [run.new_folder("epmd"), *(run.new_folder("node") for _ in range(NODES))]
        own, *folders = self._folders
        ports = [Ports(amqp=free_port(), distribution=free_port(), names=names_port) for _ in folders]
        self._names = ServerProcess(run, name_daemon(own, ports[0]))
        cookie = secrets.token_hex(16).upper()
        for folder in folders:
            _prepare(folder, [f"{folders[0].name}@localhost"] if folder != folders[0] else [], cookie)
        self.nodes = [_node(run, folder, each) for folder, each in zip(folders, ports, strict=True)]
        self.url = f"amqp://guest:guest@{','.join(each.place for each in self.nodes)}"

    def start(self) -> None:
        """Start the first node, then the others, which join it: some fifteen seconds."""
        self._names.start()
        first, *others = self.nodes
        first.process.start()
        with ThreadPoolExecutor(len(others)) as pool:
            list(pool.map(lambda each: each.process.start(), others))

    def discard(self) -> None:
        """Kill all nodes, which have nothing to lose, and leave nothing of them on the disk."""
        for each in self.nodes:
            each.process.kill()
        self._names.stop()
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def leader(self, queue: str) -> Node:
        """Return the node that leads a quorum queue which all nodes hold; they all have to run."""
        expression = (
            f'{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"{queue}">>)),'
            " {Name, _} = amqqueue:get_pid(Q), {ok, Members, {_, Leader}} = ra:members({Name, node()}),"
            " {length(Members), Leader}."
        )
        count, name = evaluate(expression, self.nodes[0].environment).strip().strip("{}").split(",")
        assert count == f"{NODES}"
        return next(each for each in self.nodes if each.name == name.strip("'"))


def _prepare(folder: Path, names: Sequence[str], cookie: str) -> None:
    listed = ", ".join(f"'{name}'" for name in names)
    settings = f"{{cluster_nodes, {{[{listed}], disc}}}}, {{cluster_partition_handling, autoheal}}"
    (folder / "advanced.config").write_text(f"[{{rabbit, [{settings}]}}].")
    (folder / ".erlang.cookie").write_text(cookie)
    (folder / ".erlang.cookie").chmod(0o400)


def _node(run: Run, folder: Path, ports: Ports) -> Node:
    place = f"{LOOPBACK}:{ports.amqp}"
    command = node(folder, ports, f"amqp://guest:guest@{place}", f"{SMALL} {TICKS}")
    return Node(
        name=f"{folder.name}@localhost",
        place=place,
        environment=command.environment,
        process=ServerProcess(run, command),
    )
