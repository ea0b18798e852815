"""Sixty-four threads in four processes buy one product with 500 units, and exactly 500 are sold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from oms_contracts.concurrency import Rival
from psycopg2.extensions import connection as Connection

from oms_core import ALL_SCOPES, Caller, Oms, OrderFilter, OrderStatus, SetStock, Settings
from tests.services.postgresql import connected
from tests.system.buying import PROCESSES, SKU, THREADS, UNITS, Bought, buy_in_processes, check_exactly_sold

CLERK = Caller(name="clerk", scopes=ALL_SCOPES)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/oms.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def oms(url: str) -> Iterator[Oms]:
    with Oms.open(Settings(database_url=url, storage_deadline_seconds=60)) as oms:
        oms.schema.upgrade()
        yield oms


def test_four_processes_of_sixteen_threads_sell_exactly_what_is_there(oms: Oms, url: str) -> None:
    oms.stock.set(SetStock(sku=SKU, on_hand=UNITS), caller=CLERK)
    counts: list[int] = []

    def count_another_product() -> None:
        counts.append(oms.stock.set(SetStock(sku="OTHER", on_hand=len(counts) + 1), caller=CLERK).product.on_hand)

    bought = buy_in_processes(url, count_another_product)
    product = oms.stock.get(SKU, caller=CLERK)
    assert len(bought) == PROCESSES * THREADS
    check_exactly_sold(UNITS, bought, available=product.available)
    assert (product.on_hand, product.reserved) == (UNITS, UNITS)
    assert counts == list(range(1, len(counts) + 1))
    assert counts, "nobody else had a turn"


def test_what_was_sold_is_on_record_and_in_balance(oms: Oms, url: str) -> None:
    oms.stock.set(SetStock(sku=SKU, on_hand=UNITS), caller=CLERK)
    bought = buy_in_processes(url, lambda: oms.stock.get(SKU, caller=CLERK))
    promised = {order_id for each in bought for order_id in each.order_ids}
    pending, cursor = set(), None
    while True:
        wanted = OrderFilter(statuses=frozenset({OrderStatus.PENDING}), sku=SKU)
        page = oms.orders.list(wanted, caller=CLERK, cursor=cursor, limit=200)
        pending |= {str(order.id) for order in page.items}
        if (cursor := page.next) is None:
            break
    report = oms.audit(caller=CLERK)
    assert pending == promised
    assert (report.orders, report.discrepancies) == (UNITS, ())


def read_then_write(connection: Connection, rival: Rival[bool] | None) -> bool:
    """Buy a unit as it is often done: look whether there is one, then take it. The rival comes between."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT on_hand - reserved FROM plain_stock WHERE sku = %s", (SKU,))
        row = cursor.fetchone()
        assert row is not None
        if row[0] < 1:
            return False
        if row[0] == 1 and rival is not None:
            rival.let_in()
        cursor.execute("UPDATE plain_stock SET reserved = reserved + 1 WHERE sku = %s", (SKU,))
    return True


def test_reading_then_writing_without_lock_or_guard_oversells_and_the_check_says_so(postgresql_url: str) -> None:
    with connected(postgresql_url) as ours, connected(postgresql_url) as theirs:
        with ours.cursor() as cursor:
            cursor.execute("CREATE TABLE plain_stock (sku text PRIMARY KEY, on_hand bigint, reserved bigint)")
            cursor.execute("INSERT INTO plain_stock VALUES (%s, %s, 0)", (SKU, UNITS))
        rival = Rival(lambda: read_then_write(theirs, None))
        sold = 0
        while read_then_write(ours, rival):
            sold += 1
        with ours.cursor() as cursor:
            cursor.execute("SELECT on_hand - reserved FROM plain_stock")
            ((available,),) = cursor.fetchall()
    assert rival.outcome()
    figures = {"shortages": [{"sku": SKU, "requested": 1, "available": 0}]}
    everybody = [
        Bought(order_ids=[f"{who}-{number}" for number in range(count)], refusal=("insufficient_inventory", figures))
        for who, count in (("ours", sold), ("theirs", 1))
    ]
    assert (sold + 1, available) == (UNITS + 1, -1)
    with pytest.raises(AssertionError):
        check_exactly_sold(UNITS, everybody, available=available)
