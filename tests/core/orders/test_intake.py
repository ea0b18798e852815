"""Writing prepared orders: bounded transactions, and one order's fault is no other's."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop, placed, refused
from oms_memory import MemoryStorage
from oms_memory.orders import MemoryOrders
from oms_memory.tables import Tables

from oms_core import OmsError
from oms_core.domain.metrics import Metric
from oms_core.domain.orders.placement import Placement, PlacementOutcome
from oms_core.ports.metrics import NoMetrics
from oms_core.ports.no_broker import NoBroker
from oms_core.ports.order_storage import DecidePlacement
from oms_core.use_cases.orders.intake import Intake, PlaceMany

POISON = "poison"


class WatchedOrders(MemoryOrders):
    """Keeps the sizes of its batches; raises `error` for a batch that holds a poisonous order."""

    def __init__(self, tables: Tables, error: Exception | None = None) -> None:
        super().__init__(tables)
        self.batches: list[tuple[int, int]] = []
        self._error = error

    def place(self, placements: Sequence[Placement], decide: DecidePlacement) -> list[PlacementOutcome]:
        self.batches.append((len(placements), sum(len(placement.command.lines) for placement in placements)))
        if self._error and any(placement.command.customer_id == POISON for placement in placements):
            raise self._error
        return super().place(placements, decide)


class Counted(NoMetrics):
    """Counts what is counted."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, ...], int] = {}
        self.observed: list[float] = []

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        self.counts[labels] = self.counts.get(labels, 0) + amount

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        self.observed.append(value)


def open_shop(error: Exception | None = None) -> tuple[Shop, WatchedOrders, PlaceMany, Counted]:
    storage, metrics = MemoryStorage(), Counted()
    orders = storage.orders = WatchedOrders(storage.tables, error)
    shop = new_shop(storage)
    shop.set("A", 100_000)
    intake = Intake(storage=storage, broker=NoBroker(), metrics=metrics, location_priority=["main"])
    return shop, orders, intake.place_many, metrics


@pytest.mark.parametrize("error", [RuntimeError("a bug"), OmsError("internal_error", "a bad value")], ids=repr)
@pytest.mark.parametrize("position", [0, 137, 499])
def test_a_poisonous_order_among_five_hundred_is_refused_and_the_others_are_placed(
    position: int, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    shop, orders, commit, _ = open_shop(error)
    placements = [shop.order(("A", 1), customer_id=POISON if n == position else "C1") for n in range(500)]
    with caplog.at_level(logging.ERROR):
        outcomes = commit(placements)
    refusal = refused(outcomes.pop(position))
    del placements[position]
    assert [placed(outcome).order.id for outcome in outcomes] == [placement.id for placement in placements]
    assert (refusal.code, refusal.detail) == (
        "internal_error",
        "the order could not be written; the log holds the reason",
    )
    assert len(orders.batches) <= 2 * 9 + 1
    (record,) = caplog.records
    assert str(refusal.data["order_id"]) in record.message
    assert record.exc_info is not None


def test_two_poisonous_orders_are_told_apart() -> None:
    shop, _, commit, metrics = open_shop(RuntimeError("a bug"))
    outcomes = commit([shop.order(("A", 1), customer_id=POISON if n in {3, 4} else "C1") for n in range(8)])
    assert [refused(outcomes[index]).code for index in (3, 4)] == ["internal_error"] * 2
    assert metrics.counts == {("placed",): 6, ("internal_error",): 2}
    assert sum(metrics.observed) == 6


@pytest.mark.parametrize("code", ["storage_unavailable", "outcome_unknown", "idempotency_key_in_use"])
def test_what_is_nobodys_fault_is_everybodys_answer_and_is_not_tried_again(code: str) -> None:
    shop, orders, commit, _ = open_shop(OmsError(code, "on purpose"))
    outcomes = commit([shop.order(("A", 1), customer_id=POISON), shop.order(("A", 1))])
    assert [refused(outcome).code for outcome in outcomes] == [code] * 2
    assert len(orders.batches) == 1


def test_an_unknown_outcome_names_to_each_caller_its_own_order_alone() -> None:
    everybody = {"order_ids": ["mine", "yours"]}
    shop, _, commit, _ = open_shop(OmsError("outcome_unknown", "on purpose", data=everybody, retry_after_seconds=1))
    placements = [shop.order(("A", 1), customer_id=POISON), shop.order(("A", 1))]
    errors = [refused(outcome) for outcome in commit(placements)]
    assert [error.data for error in errors] == [{"order_ids": [str(placement.id)]} for placement in placements]
    assert [error.retry_after_seconds for error in errors] == [1, 1]


def test_a_transaction_holds_at_most_five_hundred_orders() -> None:
    shop, orders, commit, _ = open_shop()
    assert len(commit([shop.order(("A", 1)) for _ in range(1_001)])) == 1_001
    assert [count for count, _ in orders.batches] == [500, 500, 1]


def test_a_transaction_holds_at_most_five_thousand_lines() -> None:
    shop, orders, commit, _ = open_shop()
    sizes = [2_000, 2_000, 1_000, 1, 2_000, 2_000, 999, 2_000]
    outcomes = commit([shop.order(*[("A", 1)] * size) for size in sizes])
    assert [len(placed(outcome).order.lines) for outcome in outcomes] == sizes
    assert orders.batches == [(3, 5_000), (4, 5_000), (1, 2_000)]


def test_outcomes_are_counted_by_name() -> None:
    shop, _, commit, metrics = open_shop()
    keyed = [shop.order(("A", 1), idempotency_key="K") for _ in range(2)]
    commit([*keyed, shop.order(("B", 1)), shop.order(("A", 1_000_000))])
    assert metrics.counts == {("placed",): 1, ("replayed",): 1, ("unknown_sku",): 1, ("insufficient_inventory",): 1}
