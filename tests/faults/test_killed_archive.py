"""A run of archiving that is killed is run again: no order is lost, and no key forgotten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from oms_core import Oms, OmsError, OrderFilter, OrderLine, PlaceOrder, SetStock, Settings
from tests.faults.killed_archive import BATCH, CLERK, UNTOUCHED

ORDERS = 300
KILLS = 4
BATCHES = 3


def command(number: int) -> PlaceOrder:
    return PlaceOrder(customer_id="C1", lines=[OrderLine(sku="A", quantity=1)], idempotency_key=f"K{number}")


def killed_after_some_batches(url: str, path: Path) -> None:
    """Archive until some batches have left, and kill it wherever it is then."""
    arguments = [sys.executable, "-m", "tests.faults.killed_archive", url, str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(BATCHES):
            assert process.stdout.readline()
        process.kill()


def kept(oms: Oms) -> set[UUID]:
    """Return the orders that are in the database."""
    found: set[UUID] = set()
    cursor = None
    while True:
        page = oms.orders.list(OrderFilter(), caller=CLERK, cursor=cursor, limit=500)
        found |= {order.id for order in page.items}
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_runs_that_are_killed_lose_no_order_and_no_key(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/oms.db" if database == "sqlite" else request.getfixturevalue("postgresql_url")
    path = tmp_path / "orders.jsonl.gz"
    with Oms.open(Settings(database_url=url)) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku="A", on_hand=1_000), caller=CLERK)
        placed = oms.orders.place_many([command(number) for number in range(ORDERS)], caller=CLERK)
        ids = [outcome.order.id for outcome in placed if hasattr(outcome, "order")]
        assert len(ids) == ORDERS
        for order_id in ids:
            oms.orders.cancel(order_id, caller=CLERK)
        for _ in range(KILLS):
            killed_after_some_batches(url, path)
            archived = {document.id for document in oms.archive.list(path, caller=CLERK)}
            assert archived | kept(oms) == set(ids), "each is in the file or in the database"
            assert not oms.audit(caller=CLERK).discrepancies
        assert 0 < len(kept(oms)) <= ORDERS - KILLS * BATCHES * BATCH, "the kills came in the middle"
        oms.archive.write(path, untouched=UNTOUCHED, caller=CLERK)
        in_file = [document.id for document in oms.archive.list(path, caller=CLERK)]
        assert in_file == sorted(ids), "once each"
        assert kept(oms) == set()
        for number, order_id in enumerate(ids):
            with pytest.raises(OmsError) as caught:
                oms.orders.place(command(number), caller=CLERK)
            assert (caught.value.code, caught.value.data) == ("order_archived", {"order_id": str(order_id)})
        assert not oms.audit(caller=CLERK).discrepancies
