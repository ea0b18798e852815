"""Measures what a page costs the service: of 500 and of 50 orders of four lines, and of 500 products.

`python -m tests.bench.bench_pages`: PostgreSQL; one request after the other, the checkouts in turns.
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from tests.bench.checkouts import checkouts
from tests.bench.contenders import Contender, running
from tests.bench.generators import LoadFailed, Target, send_orders
from tests.bench.options import add_base, options_of_rounds
from tests.bench.orders import four_line_orders
from tests.bench.postgresql import postgresql_server
from tests.bench.results import Cell, Column, Results, ResultTable
from tests.bench.usage import usage_of

PAGE_MOST = 500
PATHS = (f"/v1/orders?limit={PAGE_MOST}", "/v1/orders?limit=50", "/v1/inventory?limit=500")
REQUESTS = 10
COLUMNS = (Column(name="page"), Column(name="ms", form="{:,.1f}"), Column(name="service's CPU ms", form="{:,.1f}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The median time to an answer, and the service's processor time for one, in milliseconds."""

    took_ms: float
    cpu_ms: float


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = options_of_rounds(__doc__, rounds=5)
    add_base(parser)
    given = parser.parse_args(argv)
    contenders = [Contender(name="page", checkout=each, settings={}) for each in checkouts(given.base)]
    with postgresql_server() as server, tempfile.TemporaryDirectory() as folder, ExitStack() as ending:
        orders = four_line_orders(Path(folder))
        targets = {each.checkout: ending.enter_context(running(each, server, orders)) for each in contenders}
        for target in targets.values():
            placed = 0
            while placed < PAGE_MOST:
                placed += send_orders(target, connections=64, seconds=1).report.overall.answers
        rounds = [{(path, checkout): read(target, path) for path in PATHS for checkout, target in targets.items()}
                  for _ in range(given.rounds)]  # fmt: skip
    rows: list[list[Cell]] = []
    for path in PATHS:
        for checkout in targets:
            reads = [each[path, checkout] for each in rounds]
            name = f"{path}, {checkout.name}" if checkout.name else path
            rows.append([name, [each.took_ms for each in reads], [each.cpu_ms for each in reads]])
    table = ResultTable(title="Pages", columns=COLUMNS, rows=rows)
    Results(command="python -m tests.bench.bench_pages", tables={"pages": table}).give(given.json)


def read(target: Target, path: str) -> Read:
    """Ask for a page some times."""
    seconds = []
    before = usage_of(target.pid)
    with closing(http.client.HTTPConnection(target.host, target.port, timeout=30)) as connection:
        for _ in range(REQUESTS):
            began = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            seconds.append(time.perf_counter() - began)
            found = len(json.loads(body)["items"]) if answer.status == http.client.OK else 0
            if not path.endswith(f"={found}"):
                raise LoadFailed(f"{path} gave {answer.status} with {found} items")
    used = usage_of(target.pid).since(before)
    return Read(took_ms=statistics.median(seconds) * 1_000, cpu_ms=used.cpu_seconds / REQUESTS * 1_000)


if __name__ == "__main__":
    main()
