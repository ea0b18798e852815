"""An import of shipments, or of returns, that is killed goes on when it is run again, and nothing is done twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from oms_core import ChangeOrderStatuses, Oms, OrderFilter, OrderLine, OrderStatus, PlaceOrder, SetStock, Settings
from tests.faults.killed_acts import CLERK, bring, file_of
from tests.services import wait_until

ORDERS = 1_000
DEADLINE_SECONDS = 60.0
KILLS = 2
ENDS = {"shipments": OrderStatus.SHIPPED, "returns": OrderStatus.RETURNED}


def kill_after_more(url: str, kind: str, file: Path, oms: Oms, *, begun_at: int) -> int:
    """Run the import until it has moved more units than before, kill it, and give how many units were moved."""
    before = oms.stock.get("A", caller=CLERK).on_hand
    command = [sys.executable, "-m", "tests.faults.killed_acts", url, kind, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        wait_until(lambda: oms.stock.get("A", caller=CLERK).on_hand != before, DEADLINE_SECONDS, "some are moved")
        process.kill()
    return abs(oms.stock.get("A", caller=CLERK).on_hand - begun_at)


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_acts_that_are_killed_again_and_again_are_each_done_once(
    database: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/oms.db" if database == "sqlite" else request.getfixturevalue("postgresql_url")
    with Oms.open(Settings(database_url=url)) as oms:
        oms.schema.upgrade()
        oms.stock.set(SetStock(sku="A", on_hand=2 * ORDERS), caller=CLERK)
        wanted = [PlaceOrder(customer_id="C1", lines=[OrderLine(sku="A", quantity=2)]) for _ in range(ORDERS)]
        order_ids = [outcome.order.id for outcome in oms.orders.place_many(wanted, caller=CLERK)]  # type: ignore[union-attr]
        if kind == "returns":
            oms.orders.change_many(ChangeOrderStatuses(order_ids=order_ids, status=OrderStatus.SHIPPED), caller=CLERK)
        begun_at = oms.stock.get("A", caller=CLERK).on_hand
        file = tmp_path / "acts.csv"
        file.write_bytes(file_of(kind, order_ids).read())
        moved = [kill_after_more(url, kind, file, oms, begun_at=begun_at) for _ in range(KILLS)]
        assert 0 < moved[0] < moved[1] < 2 * ORDERS, "each run went on after the one before it, and none was late"
        report = bring(oms, kind, file_of(kind, order_ids))
        assert (report.made, report.replayed, report.refused) == (2 * ORDERS - moved[-1], moved[-1], 0)
        assert oms.stock.get("A", caller=CLERK).on_hand == 2 * ORDERS - begun_at
        ended = OrderFilter(statuses=frozenset({ENDS[kind]}))
        assert sum(1 for _ in oms.orders.export(ended, caller=CLERK)) == ORDERS
        assert not oms.audit(caller=CLERK).discrepancies
