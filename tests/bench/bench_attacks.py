"""Measures an honest client beside attacks: 20 orders a second, all of which it must keep, with a p99 under a second.

`python -m tests.bench.bench_attacks`: PostgreSQL, keys in force, the rest by default, 2 processes. Attackers wait for
each answer and heed no Retry-After; they come from another address of this machine, but for the one that is told apart
by its key alone. On loopback addresses have no limit; `--rate-limit 2000/minute` adds the one that others have.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from oms_core import ALL_SCOPES, Caller, Oms, Scope, SetStock, Settings
from oms_core.domain.api_keys import CreateApiKey
from oms_core.domain.commands import OrderLine, PlaceOrder
from tests.bench.attacks import SKUS, Attack, attacks
from tests.bench.footprint import Footprint, footprint_of
from tests.bench.load import LoadReport, post, run_load
from tests.bench.open_load import OpenLoad, OpenReport, run_open_load
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable
from tests.bench.served import Served, served

CREATED = 201
STOCK = 1_000_000_000
ADMIN = Caller(name="bench", scopes=ALL_SCOPES)
HONEST_PER_SECOND = 20.0
WARM_UP_SECONDS = 4.0
P99_MS_MOST, MEMORY_MIB_MOST, TEMPORARY_MIB_MOST = 1_000.0, 400.0, 64.0
MEBIBYTE = 1024 * 1024
STOCKED_ORDERS = 2_000
COLUMNS = (
    Column(name="beside"),
    Column(name="placed"),
    *(Column(name=name, form="{:,.0f}") for name in ("p50 ms", "p99 ms", "max ms", "memory MiB", "files MiB")),
    Column(name="the attacker's answers a second"),
    Column(name="falls short in"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The Authorization headers of those who take part."""

    honest: dict[str, str]
    customer: dict[str, str]
    ended: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What became of the honest client beside one attack (None: none), of the attack, and of the service."""

    name: str
    honest: OpenReport
    attack: LoadReport | None
    footprint: Footprint

    @property
    def kept(self) -> int:
        """Count the honest orders that were placed."""
        return self.honest.by_status[CREATED].answers if CREATED in self.honest.by_status else 0

    @property
    def p99_ms(self) -> float:
        """Give how long the honest orders took."""
        return self.honest.by_status[CREATED].p99_ms if self.kept else float("inf")

    @property
    def shortfalls(self) -> list[str]:
        """Name what was promised and not kept."""
        kept = {
            "orders": self.kept == self.honest.sent,
            "p99": self.p99_ms < P99_MS_MOST,
            "memory": self.footprint.memory_bytes < MEMORY_MIB_MOST * MEBIBYTE,
            "temporary files": self.footprint.temporary_bytes < TEMPORARY_MIB_MOST * MEBIBYTE,
        }
        return [name for name, is_kept in kept.items() if not is_kept]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table, and what of the promises was not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each attack (%(default)s)")
    parser.add_argument("--only", default="", help="attacks whose name holds this")
    parser.add_argument("--rate-limit", default="off", help="of an address, such as 2000/minute (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the table there too")
    options = parser.parse_args(argv)
    settings = {"OMS_AUTH": "keys", "OMS_HTTP_RATE_LIMIT": options.rate_limit}
    rows = []
    with postgresql_server() as server, server.database() as url, tempfile.TemporaryDirectory() as folder:
        keys = prepare(url)
        chosen = [None, *attacks(customer=keys.customer, ended=keys.ended)]
        for attack in (each for each in chosen if each is None or options.only in each.name):
            with served(Path(folder), {"OMS_DATABASE_URL": url, **settings}) as service:
                rows.append(measure(service, keys, attack, options.seconds))
    Results(
        command="python -m tests.bench.bench_attacks",
        tables={"attacks": table_of(rows)},
        setting={"load generator": "python"},
    ).give(options.json)


def prepare(url: str) -> Keys:
    """Fill a database with stock, orders and keys."""
    settings = Settings(database_url=url, auth="keys", rate_limits="off")
    with Oms.open(settings) as oms:
        oms.schema.upgrade()
        for sku in ("HOT", *SKUS):
            oms.stock.set(SetStock(sku=sku, on_hand=STOCK), caller=ADMIN)
        lines = [OrderLine(sku=sku, quantity=1, unit_price=Decimal(1)) for sku in SKUS[:4]]
        orders = [PlaceOrder(customer_id="C1", lines=lines)] * 500
        for _ in range(STOCKED_ORDERS // len(orders)):
            oms.orders.place_many(orders, caller=ADMIN)
        scopes = [Scope.ORDERS_WRITE, Scope.ORDERS_READ]
        tokens = [oms.api_keys.create(CreateApiKey(name=name, scopes=scopes), caller=ADMIN) for name in ("a", "b", "c")]
        oms.api_keys.revoke("c", caller=ADMIN)
    honest, customer, ended = ({"Authorization": f"Bearer {issued.token}"} for issued in tokens)
    return Keys(honest=honest, customer=customer, ended=ended)


def measure(service: Served, keys: Keys, attack: Attack | None, seconds: float) -> Measured:
    """Let the honest client order beside the attack; what it orders while that begins is not counted."""
    order = {"customer_id": "C1", "lines": [{"sku": "HOT", "quantity": 1, "unit_price": "9.99"}]}
    load = OpenLoad(
        host=service.host,
        port=service.port,
        request=post("/v1/orders", json.dumps(order).encode(), headers=keys.honest),
        per_second=HONEST_PER_SECOND,
        seconds=seconds,
        warm_up_seconds=WARM_UP_SECONDS,
        answers_awaited_seconds=30.0,
    )
    with ThreadPoolExecutor(1) as attacker, footprint_of(service.pid) as footprint:
        attacking = None
        if attack:
            attacking = attacker.submit(run_load, attack.load(service, load.warm_up_seconds + seconds))
        honest = run_open_load(load)
        report = attacking.result() if attacking else None
    return Measured(name=attack.name if attack else "nobody", honest=honest, attack=report, footprint=footprint)


def table_of(measured: Sequence[Measured]) -> ResultTable:
    """Show what became of the honest client, and what the attack got."""
    title = f"An honest client with {HONEST_PER_SECOND:g} orders a second, beside others"
    return ResultTable(title=title, columns=COLUMNS, rows=[row_of(each) for each in measured])


def row_of(measured: Measured) -> list[Cell]:
    """Give the figures of COLUMNS."""
    honest = measured.honest.by_status.get(CREATED)
    statuses = {} if measured.attack is None else measured.attack.statuses
    seconds = 1.0 if measured.attack is None else measured.attack.seconds
    return [
        measured.name,
        f"{measured.kept} of {measured.honest.sent}",
        *([honest.p50_ms, honest.p99_ms, honest.max_ms] if honest else ["", "", ""]),
        measured.footprint.memory_bytes / MEBIBYTE,
        measured.footprint.temporary_bytes / MEBIBYTE,
        ", ".join(f"{status}: {count / seconds:,.1f}" for status, count in statuses.items()),
        ", ".join(measured.shortfalls) or "nothing",
    ]


if __name__ == "__main__":
    main()
