"""An import of shipments that is killed goes on when it is run again, and nothing is shipped twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from oms_core import ImportShipments, Oms, OrderFilter, OrderLine, OrderStatus, PlaceOrder, SetStock, Settings
from tests.faults.killed_shipments import CLERK, file_of
from tests.services import wait_until

ORDERS = 1_000
DEADLINE_SECONDS = 60.0
KILLS = 2


def kill_after_more(url: str, file: Path, oms: Oms) -> int:
    """Run the import until it has shipped more than was before, kill it, and give how many units were shipped."""
    before = oms.stock.get("A", caller=CLERK).on_hand
    command = [sys.executable, "-m", "tests.faults.killed_shipments", url, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        wait_until(lambda: oms.stock.get("A", caller=CLERK).on_hand < before, DEADLINE_SECONDS, "some are shipped")
        process.kill()
    return 2 * ORDERS - oms.stock.get("A", caller=CLERK).on_hand


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_shipments_that_are_killed_again_and_again_are_each_made_once(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/oms.db" if database == "sqlite" else request.getfixturevalue("postgresql_url")
    with Oms.open(Settings(database_url=url)) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku="A", on_hand=2 * ORDERS), caller=CLERK)
        wanted = [PlaceOrder(customer_id="C1", lines=[OrderLine(sku="A", quantity=2)]) for _ in range(ORDERS)]
        order_ids = [outcome.order.id for outcome in oms.orders.place_many(wanted, caller=CLERK)]  # type: ignore[union-attr]
        file = tmp_path / "shipped.csv"
        file.write_bytes(file_of(order_ids).read())
        shipped = [kill_after_more(url, file, oms) for _ in range(KILLS)]
        assert 0 < shipped[0] < shipped[1] < 2 * ORDERS, "each run went on after the one before it, and none was late"
        report = oms.imports.shipments(ImportShipments(), file_of(order_ids), caller=CLERK)
        assert (report.made, report.replayed, report.refused) == (2 * ORDERS - shipped[-1], shipped[-1], 0)
        assert oms.stock.get("A", caller=CLERK).on_hand == 0
        shipped_orders = OrderFilter(statuses=frozenset({OrderStatus.SHIPPED}))
        assert sum(1 for _ in oms.orders.export(shipped_orders, caller=CLERK)) == ORDERS
        assert not oms.audit(caller=CLERK).discrepancies
