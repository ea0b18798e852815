"""Measures what limits cost: by address and by caller, as a part of the processor time of a POST and a GET.

`python -m tests.bench.bench_limits`: PostgreSQL, one order a request, counted in memory. Applications with limits that
nobody reaches are paired as in bench_auth: with a limit by caller and without any, with one by address beside it and
without that. A caller's order is charged by the core, its address by the route; a read by flask-limiter's hooks both
times, which is why orders are passed over by these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from oms_http.app import create_app
from tests.bench.bench_auth import opened, order_with_key, serving
from tests.bench.options import options_of_pairs
from tests.bench.paired import COSTS, cost_of, microseconds_served
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable

PROMISED_PERCENT = 3.0
RATE_LIMITS = "orders.place=1000000000/minute;inventory.read=1000000000/minute"
HTTP_RATE_LIMIT = "1000000000/minute"


def main(argv: Sequence[str] | None = None) -> None:
    """Print what each costs, of the application and of the service."""
    given = options_of_pairs(__doc__, requests=400).parse_args(argv)
    limits = {"OMS_RATE_LIMITS": RATE_LIMITS, "OMS_HTTP_RATE_LIMIT": HTTP_RATE_LIMIT}
    rows: list[list[Cell]] = []
    with (
        postgresql_server() as server,
        server.database() as url,
        opened(url, rate_limits=RATE_LIMITS, http_rate_limit=HTTP_RATE_LIMIT) as limited,
        opened(url, rate_limits=RATE_LIMITS) as by_caller,
        opened(url) as unlimited,
    ):
        order = order_with_key(unlimited)
        read = replace(order, method="GET", path="/v1/inventory/HOT", body=b"", status=200)
        for asked in (order, read):
            served_us = microseconds_served(serving(url) | limits, asked, given.requests * 5)
            for name, dear, cheap in (
                ("by caller", by_caller, unlimited),
                ("by address beside it", limited, by_caller),
            ):
                cost = cost_of(create_app(dear), create_app(cheap), asked, given.requests)
                rows.append([f"{asked.method} {asked.path}", name, *cost.cells(served_us)])
    columns = (Column(name="request"), Column(name="a limit more"), *COSTS)
    title = f"Processor time of a limit; promised: at most {PROMISED_PERCENT:g}% of the service's for an order"
    table = ResultTable(title=title, columns=columns, rows=rows)
    Results(command="python -m tests.bench.bench_limits", tables={"limits": table}).give(given.json)


if __name__ == "__main__":
    main()
