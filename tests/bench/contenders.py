"""What takes turns under load: `oms serve` of a checkout with some settings, or a no-op on the same server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from oms_http.settings import HttpSettings
from tests.bench import servers
from tests.bench.checkouts import Checkout
from tests.bench.generators import Loaded, Target, send_orders
from tests.bench.noop import NOOP
from tests.bench.orders import ORDERS
from tests.bench.results import Cell, Column
from tests.bench.served import served
from tests.services.databases import PostgresqlServer
from tests.services.tcp import LOOPBACK

PROCESSES = 2
# By default a process refuses what is above 256 requests in flight, of which writes may take seven eighths.
IN_FLIGHT_MAX = 1_024
# Nothing is refused, so that all contenders answer the same: with threads, each request needs one to wait on.
BOUNDS = {
    "OMS_HTTP_IN_FLIGHT_MAX": f"{IN_FLIGHT_MAX}",
    "OMS_HTTP_THREADS": "512",
    "OMS_HTTP_LATENCY_TARGET_MS": "0",
}
RATE, P50, P99, P999 = "answers/s", "p50 ms", "p99 ms", "p99.9 ms"
CPU, VOLUNTARY, FORCED = "CPU us", "voluntary switches", "forced"
COLUMNS = (
    Column(name=RATE, form="{:,.0f}"),
    Column(name=P50, form="{:,.1f}"),
    Column(name=P99, form="{:,.1f}"),
    Column(name=P999, form="{:,.1f}"),
    Column(name=CPU, form="{:,.0f}"),
    Column(name=VOLUNTARY, form="{:.1f}"),
    Column(name=FORCED, form="{:.1f}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What is loaded: a checkout's service with these settings, or, with None, the no-op on its server."""

    name: str
    checkout: Checkout
    settings: Mapping[str, str] | None

    @property
    def key(self) -> str:
        """Name it, and the checkout if it is not this one."""
        return f"{self.name}, {self.checkout.name}" if self.checkout.name else self.name


def variants(checkout: Checkout) -> Iterator[Contender]:
    """List the ways in which orders are placed: as it is by default, and, of this checkout, all others."""
    yield Contender(name="orders", checkout=checkout, settings={})
    if not checkout.name:
        yield Contender(name="threads", checkout=checkout, settings={"OMS_HTTP_REQUEST_BATCHES": "off"})
        yield Contender(name="group commit off", checkout=checkout, settings={"OMS_GROUP_COMMIT": "off"})


def noop(checkout: Checkout) -> Contender:
    """Give the no-op on the server of a checkout."""
    return Contender(name="no-op", checkout=checkout, settings=None)


@contextmanager
def running(contender: Contender, server: PostgresqlServer, orders: Path) -> Iterator[Target]:
    """Run a contender on a new database until the block ends, then check its books."""
    if contender.settings is None:
        with running_noop(contender.checkout, orders) as target:
            yield target
        return
    with contender.checkout.database(server) as url, serving(contender, url, orders) as target:
        yield target


@contextmanager
def serving(contender: Contender, url: str, orders: Path) -> Iterator[Target]:
    """Run `oms serve` on a database."""
    settings = {**BOUNDS, **(contender.settings or {}), "OMS_DATABASE_URL": url}
    if url.startswith("postgresql"):
        settings["OMS_HTTP_PROCESSES"] = f"{PROCESSES}"
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder), settings, program=contender.checkout.program) as service,
    ):
        yield Target(host=service.host, port=service.port, pid=service.pid, path=ORDERS, orders=orders)


@contextmanager
def running_noop(checkout: Checkout, orders: Path) -> Iterator[Target]:
    """Run the no-op as `oms serve` would."""
    options = {"processes": PROCESSES, "threads": HttpSettings().http_threads, "in_flight_max": IN_FLIGHT_MAX}
    with servers.running(servers.ours(**options), checkout) as server:
        yield Target(host=LOOPBACK, port=server.port, pid=server.process.pid, path=NOOP, orders=orders)


def take_turns(
    targets: Mapping[str, Target], *, connections: Sequence[int], seconds: float, rounds: int
) -> list[dict[tuple[str, int], Loaded]]:
    """Load each target over each number of connections, once a round, after a second that is not counted."""
    for target in targets.values():
        send_orders(target, connections=max(connections), seconds=1)
    return [
        {
            (key, number): send_orders(target, connections=number, seconds=round(seconds))
            for number in connections
            for key, target in targets.items()
        }
        for _ in range(rounds)
    ]


def figures_of(loads: Sequence[Loaded]) -> list[Cell]:
    """Give the figures of COLUMNS, of each round."""
    latencies = [each.report.overall for each in loads]
    return [
        [each.report.rate for each in loads],
        [each.p50_ms for each in latencies],
        [each.p99_ms for each in latencies],
        [each.p999_ms for each in latencies],
        [each.cpu_us for each in loads],
        [each.voluntary for each in loads],
        [each.forced for each in loads],
    ]
