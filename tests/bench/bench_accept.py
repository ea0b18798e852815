"""Compares POST /v1/orders answered 202 and placed by a worker with the same answered 201, on PostgreSQL and RabbitMQ.

`python -m tests.bench.bench_accept`: one hot SKU, `oms serve` and `oms worker` as they are, the latter publishing the
events of both. The two alternate, on fresh databases; only ratios of one round mean anything. First 64 connections that
wait for their answers show the rate. Then orders sent at a pace of their own show how long a caller waits. Afterwards
every order must be placed and the books be right, or the figures are worth nothing.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.brokers import own_names, rabbitmq_server
from tests.bench.checkouts import HOT, STOCK, Checkout, checkouts
from tests.bench.generators import LoadFailed, Target, generator, send_orders
from tests.bench.load import post
from tests.bench.open_load import OpenLoad, run_open_load
from tests.bench.options import options_of_comparison
from tests.bench.orders import ORDERS, hot_orders
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable
from tests.bench.served import START_SECONDS_MAX, Served, served
from tests.bench.working import working
from tests.services.databases import PostgresqlServer
from tests.services.postgresql import connected
from tests.services.waiting import wait_until

CREATED, ACCEPTED = 201, 202
DRAIN_SECONDS_MAX = 300
CONNECTIONS = 64
COLUMNS = (
    Column(name="answer"),
    Column(name="orders/s", form="{:,.0f}"),
    Column(name="placed meanwhile", form="{:.0%}"),
    Column(name="p99 ms at pace", form="{:,.1f}"),
    Column(name="CPU us", form="{:,.0f}"),
)
RATIOS = (
    Column(name="202 to 201"),
    Column(name="orders/s", form="{:.2f}x"),
    Column(name="p99 at pace", form="{:.2f}x"),
)
COUNTS = """SELECT count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'queued')
FROM orders"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a checkout is asked for: an order placed at once, or one accepted."""

    checkout: Checkout
    status: int

    @property
    def name(self) -> str:
        """Name it in a table."""
        words = {CREATED: "201", ACCEPTED: "202 and a worker"}[self.status]
        return f"{words}, {self.checkout.name}" if self.checkout.name else words

    @property
    def headers(self) -> dict[str, str]:
        """Give the header that asks for it."""
        return {"Prefer": "respond-async"} if self.status == ACCEPTED else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Answers a second and their cost; the share that was placed by the time the load ended; the p99 at a pace."""

    rate: float
    cpu_us: float
    placed_share: float
    p99_ms: float


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = options_of_comparison(__doc__, seconds=5, rounds=3)
    parser.add_argument("--pace", type=float, default=1_000, help="of the open loop, orders a second (%(default)s)")
    given = parser.parse_args(argv)
    answers = [
        Answer(checkout=checkout, status=status) for checkout in checkouts(given.base) for status in (CREATED, ACCEPTED)
    ]
    with (
        postgresql_server() as postgresql,
        rabbitmq_server() as rabbitmq_url,
        tempfile.TemporaryDirectory() as folder,
    ):
        bench = Bench(postgresql, rabbitmq_url, hot_orders(Path(folder)), round(given.seconds), given.pace)
        rounds = [{each: bench.measure(each) for each in answers} for _ in range(given.rounds)]
    Results(
        command="python -m tests.bench.bench_accept",
        tables={"answers": table_of(answers, rounds, given.pace), "ratios": ratios_of(answers, rounds)},
        setting={"load generator": generator()},
    ).give(given.json)


class Bench:
    """Loads a fresh service on a fresh database, first as fast as it answers, then at a pace."""

    def __init__(
        self, postgresql: PostgresqlServer, rabbitmq_url: str, orders: Path, seconds: int, pace: float
    ) -> None:
        self._postgresql = postgresql
        self._rabbitmq_url = rabbitmq_url
        self._orders = orders
        self._seconds = seconds
        self._pace = pace

    def measure(self, answer: Answer) -> Measured:
        """Load with 64 connections that wait for their answers, and once all is placed in an open loop."""
        with self._deployed(answer) as (url, target):
            loaded = send_orders(target, connections=CONNECTIONS, seconds=self._seconds)
            placed, queued = counts(url)
            wait_until(lambda: not counts(url)[1], DRAIN_SECONDS_MAX, "every order is placed")
            p99_ms = self._p99_ms(answer, target)
            wait_until(lambda: not counts(url)[1], DRAIN_SECONDS_MAX, "every order is placed")
        return Measured(
            rate=loaded.report.rate, cpu_us=loaded.cpu_us, placed_share=placed / (placed + queued), p99_ms=p99_ms
        )

    def _p99_ms(self, answer: Answer, target: Target) -> float:
        load = OpenLoad(
            host=target.host,
            port=target.port,
            request=post(ORDERS, self._orders.read_bytes().rstrip(), headers=answer.headers),
            per_second=self._pace,
            seconds=self._seconds,
        )
        report = run_open_load(load)
        if set(report.by_status) != {answer.status}:
            raise LoadFailed(f"{answer.name} gave {report.by_status}")
        return report.by_status[answer.status].p99_ms

    @contextmanager
    def _deployed(self, answer: Answer) -> Iterator[tuple[str, Target]]:
        """Serve and work on a new database, with names of its own at the broker; check the books at the end."""
        checkout = answer.checkout
        with (
            checkout.database(self._postgresql, {HOT: STOCK}) as url,
            own_names(self._rabbitmq_url, url) as broker,
            tempfile.TemporaryDirectory() as folder,
        ):
            settings = {"OMS_DATABASE_URL": url, "OMS_QUEUE_URL": broker.url, "OMS_QUEUE_PREFIX": broker.prefix}
            with (
                served(Path(folder), settings, program=checkout.program) as service,
                working(settings, program=checkout.program),
            ):
                wait_until(lambda: has_worker(service), START_SECONDS_MAX, "the worker is there")
                yield (
                    url,
                    Target(
                        host=service.host,
                        port=service.port,
                        pid=service.pid,
                        path=ORDERS,
                        orders=self._orders,
                        headers=answer.headers,
                        status=answer.status,
                    ),
                )


def has_worker(service: Served) -> bool:
    """Tell whether a worker shows itself."""
    return bool(json.loads(service.ask("GET", "/v1/queue")[1])["workers"])


def counts(url: str) -> tuple[int, int]:
    """Count the orders that are placed, and those that are queued."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(COUNTS)
        placed, queued = cursor.fetchone()
        return placed, queued


def table_of(answers: Sequence[Answer], rounds: Sequence[Mapping[Answer, Measured]], pace: float) -> ResultTable:
    """Show the rounds."""
    rows = []
    for answer in answers:
        measured = [each[answer] for each in rounds]
        figures = [[each.rate for each in measured], [each.placed_share for each in measured]]
        figures += [[each.p99_ms for each in measured], [each.cpu_us for each in measured]]
        rows.append([answer.name, *figures])
    title = f"POST /v1/orders on one hot product, {CONNECTIONS} connections, and paced at {pace:,.0f} a second"
    return ResultTable(title=title, columns=COLUMNS, rows=rows)


def ratios_of(answers: Sequence[Answer], rounds: Sequence[Mapping[Answer, Measured]]) -> ResultTable:
    """Compare the two answers of each checkout in the same round."""
    rows: list[list[Cell]] = []
    for created, accepted in zip(answers[::2], answers[1::2], strict=True):
        rates = [each[accepted].rate / each[created].rate for each in rounds]
        p99s = [each[accepted].p99_ms / each[created].p99_ms for each in rounds]
        rows.append([created.checkout.name or "now", rates, p99s])
    return ResultTable(title="202 to 201", columns=RATIOS, rows=rows)


if __name__ == "__main__":
    main()
