"""Compares draining a RabbitMQ queue and placing with pgbench, which places one order per transaction.

`python -m tests.bench.bench_drain`: each round measures everything on a fresh database and fresh queues, one after the
other, and only ratios of one round mean anything. `oms worker` runs as it is, publishing the events that it causes;
the orders were accepted and announced before. A worker's rate is taken from the times at which its batches were
decided, without the first. Afterwards the books must be right, or the figures are worth nothing.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from contextlib import closing, contextmanager

from rich.console import Console

from oms_core import Settings
from oms_core.bootstrap import open_ports
from oms_core.domain.orders.placement import Placed
from oms_core.domain.orders.queueing import decide_acceptance
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.bench.bench_placing import HERE, SKUS, check_books, prepared, rate_of_pgbench, table_of
from tests.bench.postgresql import postgresql_server
from tests.bench.rabbitmq import own_names, rabbitmq_server
from tests.bench.working import working
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected
from tests.services.waiting import wait_until

BATCH = 500
DRAIN_SECONDS_MAX = 300
SETTLED = """SELECT count(*) - count(*) FILTER (WHERE updated_at = first), extract(epoch FROM max(updated_at) - first)
FROM orders, (SELECT min(updated_at) AS first FROM orders WHERE status = 'pending' AND queue_no IS NOT NULL) AS f
WHERE status = 'pending' AND queue_no IS NOT NULL GROUP BY first"""
WAITING = "SELECT EXISTS (SELECT FROM orders WHERE status = 'queued')"
UNPUBLISHED = "SELECT EXISTS (SELECT FROM outbox)"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000, help="to drain in batches (%(default)s)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of pgbench (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    options = parser.parse_args()
    with postgresql_server() as postgresql, rabbitmq_server() as rabbitmq_url:
        rounds = [measure(postgresql, rabbitmq_url, options) for _ in range(options.rounds)]
    console = Console(width=120)
    console.print(table_of("Draining RabbitMQ and placing, orders of one hot SKU and one of 10,000", rounds))
    one_by_one = statistics.median(each["1 worker, batches of 500"] / each["1 worker, batches of 1"] for each in rounds)
    console.print(f"batches of 500 to batches of 1: {one_by_one:.0f}x")


def measure(postgresql: PostgresqlServer, rabbitmq_url: str, options: argparse.Namespace) -> dict[str, float]:
    """Measure pgbench and workers on new databases; orders a second by contender, the floor first."""
    with database(postgresql) as url:
        rates = {"pgbench, 1 order a transaction, 8 clients": rate_of_pgbench(url, options.seconds, hot=True)}
    for name, orders, batch_max, processes in (
        ("1 worker, batches of 500", options.orders, BATCH, 1),
        ("2 workers, batches of 500", options.orders, BATCH, 2),
        ("1 worker, batches of 1", options.orders // 20, 1, 1),
    ):
        with database(postgresql) as url, own_names(rabbitmq_url, url) as broker:
            rates[name] = rate_of_workers(url, broker, orders, batch_max, processes)
    return rates


@contextmanager
def database(postgresql: PostgresqlServer) -> Iterator[str]:
    """Give a new database with 10,000 products; check the books when it has been used."""
    with postgresql.database() as url:
        with closing(open_ports(Settings(database_url=url)).storage) as storage, connected(url) as connection:
            storage.schema.upgrade()
            connection.cursor().execute((HERE / "one_order_setup.sql").read_text())
        yield url
        with connected(url) as connection, connection.cursor() as cursor:
            check_books(cursor)


def rate_of_workers(url: str, broker: RabbitmqVhost, orders: int, batch_max: int, processes: int) -> float:
    """Accept and announce orders, then let workers drain the queue; orders a second."""
    accept(url, broker, orders)
    settings = {
        "OMS_DATABASE_URL": url,
        "OMS_QUEUE_URL": broker.url,
        "OMS_QUEUE_PREFIX": broker.prefix,
        "OMS_WORKER_BATCH_MAX": str(batch_max),
    }
    with working(settings, processes=processes), connected(url) as connection, connection.cursor() as cursor:

        def says(question: str) -> bool:
            cursor.execute(question)
            return bool(cursor.fetchone()[0])

        wait_until(lambda: not says(WAITING), DRAIN_SECONDS_MAX, "every order is placed")
        wait_until(lambda: not says(UNPUBLISHED), DRAIN_SECONDS_MAX, "every event is published")
        cursor.execute(SETTLED)
        settled, seconds = cursor.fetchone()
        return float(settled) / float(seconds)


def accept(url: str, broker: RabbitmqVhost, orders: int) -> None:
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
