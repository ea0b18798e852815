"""Compares draining a queue at RabbitMQ and at NATS, and placing, with pgbench, which places one order per transaction.

`python -m tests.bench.bench_drain`: each round measures everything on a fresh database and fresh queues, one after the
other, and only ratios of one round mean anything. `oms worker` runs as it is, publishing the events that it causes;
the orders were accepted and announced before. A worker's rate is taken from the times at which its batches were
decided, without the first. Afterwards the books must be right, or the figures are worth nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from typing import Protocol

from oms_core import Settings
from oms_core.bootstrap import open_ports
from oms_core.domain.orders.placement import Placed
from oms_core.domain.orders.queueing import decide_acceptance
from tests.adapters.broker_places import BrokerPlace
from tests.bench.bench_placing import PGBENCH_NAME, prepared, prepared_database, rate_of_pgbench, table_of
from tests.bench.brokers import nats_server, own_names, rabbitmq_server
from tests.bench.checkouts import HERE, SKUS, Checkout, checkouts
from tests.bench.options import options_of_comparison
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Results
from tests.bench.working import working
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected
from tests.services.waiting import wait_until

BATCH = 500
DRAIN_SECONDS_MAX = 300
SETTLED = """SELECT count(*) - count(*) FILTER (WHERE updated_at = first), extract(epoch FROM max(updated_at) - first)
FROM orders, (SELECT min(updated_at) AS first FROM orders WHERE status = 'pending' AND version = 2) AS f
WHERE status = 'pending' AND version = 2 GROUP BY first"""
WAITING = "SELECT EXISTS (SELECT FROM waiting_orders)"
UNPUBLISHED = "SELECT EXISTS (SELECT FROM outbox)"


class Names(Protocol):
    """Where a broker is, and whose names are ours."""

    url: str
    prefix: str


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = options_of_comparison(__doc__, seconds=4, rounds=3)
    parser.add_argument("--orders", type=int, default=20_000, help="to drain in batches (%(default)s)")
    given = parser.parse_args(argv)
    compared = checkouts(given.base)
    with postgresql_server() as postgresql, rabbitmq_server() as rabbitmq_url, nats_server() as nats_url:
        rounds = [measure(postgresql, (rabbitmq_url, nats_url), compared, given) for _ in range(given.rounds)]
    table = table_of("Draining a queue and placing, orders of one hot product and one of 10,000", rounds)
    Results(command="python -m tests.bench.bench_drain", tables={"drain": table}).give(given.json)


def measure(
    postgresql: PostgresqlServer, broker_urls: tuple[str, str], compared: Sequence[Checkout], given: argparse.Namespace
) -> dict[str, float]:
    """Measure pgbench and workers on new databases; orders a second by contender, the floor first."""
    with prepared_database(postgresql, HERE) as url:
        rates = {PGBENCH_NAME: rate_of_pgbench(url, given.seconds, hot=True)}
    rabbitmq_url, nats_url = broker_urls
    for name, broker_url, orders, batch_max, processes in (
        ("1 worker, batches of 500", rabbitmq_url, given.orders, BATCH, 1),
        ("1 worker, batches of 500, NATS", nats_url, given.orders, BATCH, 1),
        ("2 workers, batches of 500", rabbitmq_url, given.orders, BATCH, 2),
        ("2 workers, batches of 500, NATS", nats_url, given.orders, BATCH, 2),
        ("1 worker, batches of 1", rabbitmq_url, given.orders // 20, 1, 1),
    ):
        for checkout in [HERE] if broker_url == nats_url else compared:  # An earlier one may not know NATS.
            drained = f"{name}, {checkout.name}" if checkout.name else name
            with prepared_database(postgresql, checkout) as url, own_names(broker_url, url) as broker:
                names = f"SimpleNamespace(url={broker.url!r}, prefix={broker.prefix!r})"
                checkout.call(f"bench_drain.accept({url!r}, __import__('types').{names}, {orders})")
                rates[drained] = rate_of_workers(checkout, url, broker, batch_max, processes)
    return rates


def rate_of_workers(checkout: Checkout, url: str, broker: BrokerPlace, batch_max: int, processes: int) -> float:
    """Let workers drain the queue; orders a second."""
    settings = {
        "OMS_DATABASE_URL": url,
        "OMS_QUEUE_URL": broker.url,
        "OMS_QUEUE_PREFIX": broker.prefix,
        "OMS_WORKER_BATCH_MAX": str(batch_max),
    }
    with (
        working(settings, processes=processes, program=checkout.program),
        connected(url) as connection,
        connection.cursor() as cursor,
    ):

        def says(question: str) -> bool:
            cursor.execute(question)
            return bool(cursor.fetchone()[0])

        wait_until(lambda: not says(WAITING), DRAIN_SECONDS_MAX, "every order is placed")
        wait_until(lambda: not says(UNPUBLISHED), DRAIN_SECONDS_MAX, "every event is published")
        cursor.execute(SETTLED)
        settled, seconds = cursor.fetchone()
        return float(settled) / float(seconds)


def accept(url: str, broker: Names, orders: int) -> None:
    """Queue orders and announce them."""
    ports = open_ports(Settings(database_url=url, queue_url=broker.url, queue_prefix=broker.prefix))
    with closing(ports.storage) as storage, closing(ports.broker):
        announcer = ports.broker.announcer()
        for _ in range(0, orders, BATCH):
            batch = [prepared(hot=True, skus=SKUS) for _ in range(min(BATCH, orders))]
            accepted = [each for each in storage.queue.accept(batch, decide_acceptance) if isinstance(each, Placed)]
            announcer.announce([each.order.id for each in accepted])
        announcer.close()


if __name__ == "__main__":
    main()
