"""The made file and the two real months through the queue, a real broker and two workers: as if placed at once."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from oms_core import Oms, Order, OrderStatus, ReceiveStock, Settings
from tests.adapters.rabbitmq_broker import RabbitmqVhost
from tests.system.online_retail.__main__ import main
from tests.system.online_retail.books import Books, disagreements, read_books, read_orders
from tests.system.online_retail.planning import plan_steps
from tests.system.online_retail.queued import replay_through_queue
from tests.system.online_retail.reading import read_files
from tests.system.online_retail.replay import APPLIED, CALLER, replay, share_out
from tests.system.online_retail.sheet import read_sheet
from tests.system.online_retail.shelves import stock_shelves
from tests.system.online_retail.source import MONTHS, data_folder, month_file
from tests.system.online_retail.steps import Plan, Sale

CLIENTS = 8
WORKERS = 2
ORDERS = {"made": 9, "months": 1_552 + 1_081}
SCARCE_PERCENT = {"made": 60, "months": 10}


@pytest.fixture(params=["made", "months"])
def files(request: pytest.FixtureRequest, made_file: Path) -> list[Path]:
    """The made file, or the two real ones as one, where they are."""
    if request.param == "made":
        return [made_file]
    try:
        return [month_file(data_folder(os.environ), month) for month in MONTHS]
    except FileNotFoundError as error:
        pytest.skip(f"REAL ORDERS NOT REPLAYED: {error}")


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    name: str = request.node.callspec.params["files"]
    return name


@pytest.fixture
def plan(files: list[Path]) -> Plan:
    return plan_steps(read_files(files))


@pytest.fixture
def oms(postgresql_url: str, rabbitmq_url: str, unique_name: str) -> Iterator[Oms]:
    """An empty system on PostgreSQL and a broker."""
    settings = Settings(database_url=postgresql_url, queue_url=rabbitmq_url, queue_prefix=unique_name)
    with Oms.open(settings) as oms:
        oms.schema.upgrade()
        yield oms
    RabbitmqVhost(rabbitmq_url, unique_name).delete_all()


def placed_at_once(plan: Plan) -> Books:
    """Replay without a queue, by one client, in memory."""
    with Oms.open(Settings(database_url="memory://")) as oms:
        oms.schema.upgrade()
        stock_shelves(oms, plan.steps, reference="opening", percent_of_sold=100)
        replay(oms, share_out(plan.steps, 1))
        return read_books(oms, caller=CALLER)


def test_with_ample_stock_the_queue_leaves_the_levels_that_placing_at_once_leaves(
    oms: Oms, name: str, plan: Plan, files: list[Path]
) -> None:
    stock_shelves(oms, plan.steps, reference="opening", percent_of_sold=100)
    replayed = replay_through_queue(oms, share_out(plan.steps, CLIENTS), count=WORKERS)
    assert replayed.tally.orders[APPLIED] == ORDERS[name] == sum(replayed.settled_by)
    audit = oms.audit(caller=CALLER)
    assert audit.orders == ORDERS[name]
    assert not audit.discrepancies
    books = read_books(oms, caller=CALLER)
    assert all(order.version > 1 for order in books.orders), "each went through the queue"
    assert books.levels == placed_at_once(plan).levels
    ignored = {entry.invoice for entry in plan.not_understood}
    assert not disagreements(read_sheet(files, ignoring=ignored), books)[:10]


def test_with_scarce_stock_the_queue_oversells_nothing_and_rejects_only_what_lacks_stock(
    oms: Oms, name: str, plan: Plan
) -> None:
    """First the sales alone: stock only falls then, so whoever was rejected still lacks some at the end."""
    stock_shelves(oms, plan.steps, reference="opening", percent_of_sold=SCARCE_PERCENT[name])
    opening = {product.sku: product.on_hand for product in oms.stock.export(caller=CALLER)}
    sales = [step for step in plan.steps if isinstance(step, Sale)]
    replayed = replay_through_queue(oms, share_out(sales, CLIENTS), count=WORKERS)
    orders = read_orders(oms, caller=CALLER)
    assert sum(replayed.settled_by) == len(orders) == ORDERS[name]
    statuses = Counter(order.status for order in orders)
    assert statuses.keys() == {OrderStatus.PENDING, OrderStatus.REJECTED}
    assert unproven(orders, oms) == []
    for sku, (on_hand, reserved) in read_books(oms, caller=CALLER).levels.items():
        assert (on_hand, reserved) == (opening[sku], sold(orders)[sku])
        assert reserved <= on_hand, f"{sku} is oversold"
    assert not oms.audit(caller=CALLER).discrepancies
    # Then all the rest, with those sales as replays: returns, finds, write-offs, cancellations.
    again = replay_through_queue(oms, share_out(plan.steps, CLIENTS), count=WORKERS)
    assert len(read_orders(oms, caller=CALLER)) == ORDERS[name], "none came twice"
    assert again.tally.orders == replayed.tally.orders
    assert all(product.available >= 0 for product in oms.stock.export(caller=CALLER))
    assert not oms.audit(caller=CALLER).discrepancies


def sold(orders: list[Order]) -> Counter[str]:
    units: Counter[str] = Counter()
    for order in orders:
        if order.status is OrderStatus.PENDING:
            units.update(demand(order))
    return units


def demand(order: Order) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in order.lines:
        units[line.sku] += line.quantity
    return units


def unproven(orders: list[Order], oms: Oms) -> list[str]:
    """Name the rejected orders that what is left would serve, and those rejected for another reason."""
    left = {product.sku: product.available for product in oms.stock.export(caller=CALLER)}
    return [
        str(order.reference)
        for order in orders
        if order.status is OrderStatus.REJECTED
        and (
            order.failure is None
            or order.failure.code != "insufficient_inventory"
            or all(left[sku] >= units for sku, units in demand(order).items())
        )
    ]


@pytest.mark.parametrize("files", ["made"], indirect=True)
def test_the_proof_notices_a_rejected_order_that_what_is_left_would_serve(oms: Oms, plan: Plan) -> None:
    stock_shelves(oms, plan.steps, reference="opening", percent_of_sold=60)
    sales = [step for step in plan.steps if isinstance(step, Sale)]
    replay_through_queue(oms, share_out(sales, CLIENTS), count=1)
    assert unproven(read_orders(oms, caller=CALLER), oms) == []
    for product in list(oms.stock.export(caller=CALLER)):
        oms.stock.receive(ReceiveStock(sku=product.sku, quantity=1_000), caller=CALLER)
    assert unproven(read_orders(oms, caller=CALLER), oms)


def test_the_command_replays_through_a_broker(
    oms: Oms, made_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(made_file, tmp_path / "2010-12.csv")
    data = ["--database-url", oms.settings.database_url, "--data", str(tmp_path), "--month", "2010-12"]
    queue = ["--queue-url", oms.settings.queue_url, "--queue-prefix", oms.settings.queue_prefix]
    assert main([*data, *queue]) == 0
    told = capfd.readouterr()
    assert "each worker's orders: " in told.err
    assert "9 of 9 orders placed" in told.out
    assert "to the unit" in told.out
