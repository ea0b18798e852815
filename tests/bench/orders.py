"""The orders that are sent: files with a JSON document a line, of two lines, and of as many as real ones have."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.checkouts import HOT, SKUS, sku
from tests.system.online_retail.planning import plan_steps
from tests.system.online_retail.reading import read_files
from tests.system.online_retail.source import MONTHS, data_folder, month_file
from tests.system.online_retail.steps import Sale

ORDERS = "/v1/orders"
DOCUMENTS = 5_000
LONG_LINES = 21  # Of a real retailer's orders half have 15 or fewer, and 29 is the mean: docs/online-retail.md.


def two_line_orders(folder: Path) -> Path:
    """Write orders of the hot product and one of 10,000 each."""
    return _written(folder / "two-lines.jsonl", (_order([HOT, sku(random.randint(2, SKUS))]) for _ in range(DOCUMENTS)))


def hot_orders(folder: Path) -> Path:
    """Write an order of the hot product alone."""
    return _written(folder / "hot.jsonl", [_order([HOT])])


def four_line_orders(folder: Path) -> Path:
    """Write orders of which 500 just fill a page."""
    return _written(folder / "four-lines.jsonl", _orders_of(4))


def long_orders(folder: Path) -> Path:
    """Write orders of 21 of 10,000 products each."""
    return _written(folder / "long.jsonl", _orders_of(LONG_LINES))


def real_sales() -> list[Sale]:
    """Read the invoices of a real retailer; none where the files are not there."""
    try:
        paths = [month_file(data_folder(os.environ), month) for month in MONTHS]
    except FileNotFoundError:
        return []
    return [step for step in plan_steps(read_files(paths)).steps if isinstance(step, Sale)]


def real_orders(folder: Path, sales: Sequence[Sale]) -> Path:
    """Write real invoices as orders."""
    return _written(folder / "real.jsonl", (_real_order(sale) for sale in sales))


def _written(path: Path, documents: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(document)}\n" for document in documents))
    return path


def _orders_of(lines: int) -> Iterator[Mapping[str, Any]]:
    for _ in range(DOCUMENTS):
        yield _order([sku(number) for number in random.sample(range(1, SKUS + 1), lines)])


def _order(skus: Sequence[str]) -> dict[str, Any]:
    lines = [{"sku": each, "quantity": 1, "unit_price": "9.99"} for each in skus]
    return {"customer_id": f"C{random.randrange(100_000)}", "lines": lines}


def _real_order(sale: Sale) -> dict[str, Any]:
    lines = ({"sku": line.sku, "quantity": line.quantity, "unit_price": str(line.unit_price)} for line in sale.lines)
    return {"customer_id": sale.lines[0].customer_id or "walk-in", "currency": "GBP", "lines": list(lines)}


def skus_of(sales: Iterable[Sale]) -> Iterator[str]:
    """List the products that are sold."""
    yield from dict.fromkeys(line.sku for sale in sales for line in sale.lines)
