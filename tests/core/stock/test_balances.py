"""What an audit calls a discrepancy, case by case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from oms_contracts.storage_contract.shop import CLERK, new_shop
from oms_memory import MemoryStorage

from oms_core import OrderStatus
from oms_core.domain.orders.order import Holding
from oms_core.domain.stock.balances import WAITS_FOR, LevelBalance, OrderBalance, Waiting, audit_level, audit_order
from oms_core.use_cases.audit import audit
from oms_core.use_cases.databases import Databases

RESERVING = {OrderStatus.HELD, OrderStatus.PENDING, OrderStatus.PROCESSING}
SHIPPED = {OrderStatus.SHIPPED, OrderStatus.DELIVERED}
SOON = datetime(2026, 1, 2, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)


def level(on_hand: int, reserved: int, ledger_on_hand: int, ledger_reserved: int) -> LevelBalance:
    return LevelBalance(
        sku="A",
        location="main",
        on_hand=on_hand,
        reserved=reserved,
        ledger_on_hand=ledger_on_hand,
        ledger_reserved=ledger_reserved,
    )


def held(line_no: int, reserved: int, shipped: int, location: str = "main") -> Holding:
    return Holding(line_no=line_no, sku="A", location=location, reserved=reserved, shipped=shipped)


def order(status: OrderStatus, holdings: Sequence[Holding]) -> OrderBalance:
    waiting = Waiting(waits_for=WAITS_FOR[status], due_at=SOON) if status in WAITS_FOR else None
    return OrderBalance(
        order_id=UUID(int=1),
        status=status,
        quantities={1: 2, 2: 3},
        holdings=holdings,
        hold_until=SOON,
        waiting=waiting,
    )


@pytest.mark.parametrize("figures", [(5, 2, 5, 2), (0, 0, 0, 0), (5, 5, 5, 5)])
def test_a_level_that_is_the_sum_of_its_ledger_agrees(figures: tuple[int, int, int, int]) -> None:
    assert audit_level(level(*figures)) is None


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((6, 2, 5, 2), "on_hand 6, reserved 2; the ledger sums to 5 and 2"),
        ((5, 2, 5, 1), "on_hand 5, reserved 2; the ledger sums to 5 and 1"),
        ((5, 6, 5, 6), "oversold: on_hand 5, reserved 6"),
        ((-1, 0, -1, 0), "oversold: on_hand -1, reserved 0"),
        ((5, -1, 5, -1), "oversold: on_hand 5, reserved -1"),
    ],
)
def test_a_level_that_does_not_agree_is_named_with_its_figures(figures: tuple[int, int, int, int], said: str) -> None:
    found = audit_level(level(*figures))
    assert found is not None
    assert (found.subject, found.detail) == ("A main", said)


HOLDINGS = {
    "reserved": [held(1, 2, 0), held(2, 1, 0), held(2, 2, 0, "north")],
    "shipped": [held(1, 0, 2), held(2, 0, 1), held(2, 0, 2, "north")],
    "nothing": [held(1, 0, 0), held(2, 0, 0)],
    "no rows": [],
    "too little": [held(1, 2, 0), held(2, 2, 0)],
    "too much": [held(1, 2, 0), held(2, 4, 0)],
    "both": [held(1, 2, 2), held(2, 3, 3)],
    "a line that is not there": [held(1, 2, 0), held(2, 3, 0), held(3, 1, 0)],
    "the lines exchanged": [held(1, 3, 0), held(2, 2, 0)],
}


@pytest.mark.parametrize("what", HOLDINGS)
@pytest.mark.parametrize("status", OrderStatus)
def test_an_order_agrees_exactly_if_it_holds_what_its_status_says(status: OrderStatus, what: str) -> None:
    rightly = {"reserved"} if status in RESERVING else {"shipped"} if status in SHIPPED else {"nothing", "no rows"}
    found = audit_order(order(status, HOLDINGS[what]))
    assert (found is None) is (what in rightly)
    if found is not None:
        assert found.subject == f"order {UUID(int=1)}"
        assert status.value in found.detail


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("waits_for", [None, *WAITS_FOR.values()])
def test_an_order_waits_exactly_for_what_its_status_says(status: OrderStatus, waits_for: str | None) -> None:
    what = "reserved" if status in RESERVING else "shipped" if status in SHIPPED else "nothing"
    waiting = None if waits_for is None else Waiting(waits_for=waits_for, due_at=SOON)
    found = audit_order(replace(order(status, HOLDINGS[what]), waiting=waiting))
    assert (found is None) is (waits_for == WAITS_FOR.get(status))


@pytest.mark.parametrize("due_at", [None, LATER])
def test_a_hold_that_falls_at_another_time_than_it_says_is_named_with_both(due_at: datetime | None) -> None:
    waiting = Waiting(waits_for="confirm", due_at=due_at)
    found = audit_order(replace(order(OrderStatus.HELD, HOLDINGS["reserved"]), waiting=waiting))
    assert found is not None
    assert found.detail == f"held: it is held until {SOON}, and is due at {due_at}"


def test_the_first_thousand_discrepancies_are_reported_and_everything_is_compared() -> None:
    storage = MemoryStorage()
    shop = new_shop(storage)
    for number in range(1_001):
        sku = f"{number:04d}"
        shop.set(sku, 1)
        storage.tables.movements[sku].clear()
    told: list[tuple[int, int]] = []
    databases = Databases(primary=storage)
    report = audit(caller=CLERK, databases=databases, progress=lambda levels, orders: told.append((levels, orders)))
    assert (report.levels, len(report.discrepancies)) == (1_001, 1_000)
    assert report.discrepancies[-1].subject == "0999 main"
    assert told[-1] == (1_001, 0)
