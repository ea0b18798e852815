"""The made file replayed from several clients at once, and checks that would notice if the books were wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from oms_core import AdjustStock, Oms, OrderFilter, OrderLine, PlaceOrder, ReceiveStock, Settings
from tests.system.online_retail.__main__ import main
from tests.system.online_retail.books import disagreements, read_books
from tests.system.online_retail.planning import plan_steps
from tests.system.online_retail.reading import Line, read_files
from tests.system.online_retail.replay import APPLIED, CALLER, ORDER_NOT_PLACED, Tally, replay, share_out
from tests.system.online_retail.report import Report
from tests.system.online_retail.sheet import Sheet, read_sheet
from tests.system.online_retail.shelves import stock_shelves
from tests.system.online_retail.steps import Category, Plan

CLIENTS = 4
ORDERS = 9


@pytest.fixture
def plan(made_file: Path) -> Plan:
    return plan_steps(read_files([made_file]))


@pytest.fixture
def sheet(made_file: Path, plan: Plan) -> Sheet:
    return read_sheet([made_file], ignoring={entry.invoice for entry in plan.not_understood})


def open_oms(url: str) -> Oms:
    oms = Oms.open(Settings(database_url=url))
    oms.schema.upgrade()
    return oms


def load(oms: Oms, plan: Plan, *, percent_of_sold: int = 100) -> Tally:
    stock_shelves(oms, plan.steps, reference="made", percent_of_sold=percent_of_sold)
    return replay(oms, share_out(plan.steps, CLIENTS))


def found(oms: Oms, sheet: Sheet) -> list[str]:
    discrepancies = oms.audit(caller=CALLER).discrepancies
    return [str(discrepancy) for discrepancy in discrepancies] + disagreements(sheet, read_books(oms, caller=CALLER))


def test_the_made_file_replays_to_the_unit(database_url: str, plan: Plan, sheet: Sheet) -> None:
    with open_oms(database_url) as oms:
        tally = load(oms, plan)
        assert not found(oms, sheet)
    assert tally.lines == {(step.category, APPLIED): plan.lines_by_category()[step.category] for step in plan.steps}
    assert tally.orders == {APPLIED: ORDERS}


def test_a_second_replay_changes_nothing(database_url: str, plan: Plan, sheet: Sheet) -> None:
    with open_oms(database_url) as oms:
        first = load(oms, plan)
        before = read_books(oms, caller=CALLER)
        assert load(oms, plan) == first
        assert read_books(oms, caller=CALLER) == before


def test_with_scarce_stock_orders_are_refused_and_nothing_is_oversold(database_url: str, plan: Plan) -> None:
    with open_oms(database_url) as oms:
        tally = load(oms, plan, percent_of_sold=60)
        assert not oms.audit(caller=CALLER).discrepancies
        assert all(product.available >= 0 for product in oms.stock.export(caller=CALLER))
        placed = oms.orders.list(caller=CALLER, limit=500).items
    assert tally.orders["insufficient_inventory"] > 0
    assert tally.orders[APPLIED] == len(placed)
    assert tally.orders.total() == ORDERS
    counts = plan.lines_by_category()
    assert tally.lines.total() == sum(counts[category] for category in {step.category for step in plan.steps})
    assert {code for _, code in tally.lines} <= {
        APPLIED,
        "insufficient_inventory",
        "stock_below_reserved",
        ORDER_NOT_PLACED,
    }


def an_extra_receipt(oms: Oms) -> None:
    oms.stock.receive(ReceiveStock(sku="10131", quantity=1), caller=CALLER)


def a_write_off_of_nothing_in_the_file(oms: Oms) -> None:
    oms.stock.adjust(AdjustStock(sku="10131", delta=-1, reason="damages", reference="600009"), caller=CALLER)


def an_extra_order(oms: Oms) -> None:
    line = OrderLine(sku="10131", quantity=1, unit_price=Decimal(1))
    oms.orders.place(PlaceOrder(customer_id="10001", lines=[line], reference="699999"), caller=CALLER)


def a_cancelled_order(oms: Oms) -> None:
    (order,) = oms.orders.list(OrderFilter(reference="600001"), caller=CALLER).items
    oms.orders.cancel(order.id, reason="C600003", caller=CALLER)


@pytest.mark.parametrize(
    "wrong", [an_extra_receipt, a_write_off_of_nothing_in_the_file, an_extra_order, a_cancelled_order]
)
def test_the_comparison_with_the_file_notices(wrong: Callable[[Oms], None], plan: Plan, sheet: Sheet) -> None:
    with open_oms("memory://") as oms:
        load(oms, plan)
        wrong(oms)
        assert found(oms, sheet)


def test_an_invoice_above_the_bounds_is_reported_as_refused() -> None:
    lines = [
        Line(
            place=f"made:{number}",
            invoice="600001",
            code="10123A",
            description="PAPER LANTERN RED",
            quantity=1,
            invoiced_at="2010-12-01 08:05:00",
            unit_price=Decimal(1),
            customer_id=None,
            country="United Kingdom",
        )
        for number in range(2_001)
    ]
    with open_oms("memory://") as oms:
        tally = load(oms, plan_steps(lines))
    assert tally.lines == {(Category.ORDER_LINE, "validation_error"): 2_001}


def test_a_report_that_misses_a_line_is_refused(plan: Plan) -> None:
    incomplete = Report(
        source="made",
        plan=plan,
        tally=Tally(),
        products=0,
        stocking_seconds=1.0,
        replay_seconds=1.0,
        discrepancies=(),
        disagreements=None,
    )
    with pytest.raises(AssertionError, match="a line is missing"):
        incomplete.show()


def test_the_command_reports_every_line(
    database_url: str, made_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(made_file, tmp_path / "2010-12.csv")
    data = ["--data", str(tmp_path), "--month", "2010-12"]
    assert main(["--database-url", database_url, *data, "--clients", "3"]) == 0
    shown = capsys.readouterr().out
    for expected in ("in all", "58", "gift_0001_20", "2010-12.csv:43", "9 of 9 orders placed", "to the unit"):
        assert expected in shown


def test_the_command_says_in_a_line_what_file_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--database-url", "memory://", "--data", str(tmp_path), "--month", "2011-02"]) == 2
    assert "2011-02.csv.gz" in capsys.readouterr().err
