"""The sweep of holds: all that is overdue, in bounded transactions, by one at a time, past what cannot be expired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from oms_contracts.clock import BEGINNING
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_memory import MemoryStorage
from oms_memory.holds import MemoryHolds
from oms_memory.tables import Tables

from oms_core import ALL_SCOPES, Caller, OmsError, OrderStatus
from oms_core.domain.limits import TRANSACTION_LINES_MAX
from oms_core.domain.stamps import Stamp
from oms_core.use_cases.orders.expire_holds import ExpireHolds, ExpiryReport
from oms_core.worker.hold_sweep import HoldSweep
from tests.core.worker.worker_fixtures import AWAY, Unhurried

SWEEPER = Caller(name="worker", scopes=ALL_SCOPES)


class WatchedHolds(MemoryHolds):
    """Notes what is expired together; fails where a named order is, and as often as it is told to."""

    expire_orders_max = 4

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.batches: list[list[UUID]] = []
        self.poison: set[UUID] = set()
        self.faults: list[Exception] = []

    def expire(self, order_ids: Sequence[UUID], *, stamp: Stamp) -> list[UUID]:
        if self.faults:
            raise self.faults.pop(0)
        if self.poison.intersection(order_ids):
            raise OmsError("internal_error", "the decision is not covered by stock")
        self.batches.append(list(order_ids))
        return super().expire(order_ids, stamp=stamp)


class Hall:
    """A shop with overdue holds, and sweeps over it."""

    def __init__(self) -> None:
        self.now: datetime = BEGINNING
        self.storage = MemoryStorage(Tables(now=lambda: self.now))
        self.holds = self.storage.holds = WatchedHolds(self.storage.tables)  # type: ignore[assignment]
        self.shop: Shop = new_shop(self.storage)
        self.shop.set("A", 10_000)

    def hold(self, count: int, lines: int = 1) -> list[UUID]:
        """Place held orders whose time is over in a minute."""
        return [self.shop.hold(*[("A", 1)] * lines, seconds=60).id for _ in range(count)]

    def sweep(self, holder: str = "one") -> ExpireHolds:
        return ExpireHolds(holds=self.holds, clock=self.shop.clock, caller=SWEEPER, holder=holder)

    def run(self, holder: str = "one", steps: int = 3) -> list[float]:
        """Run a sweep until it has paused so often; give its pauses."""
        stop = _StopAfter(steps)
        HoldSweep(storage=self.storage, clock=self.shop.clock, caller=SWEEPER, holder=holder).run(stop)
        return stop.pauses

    def statuses(self, ids: Sequence[UUID]) -> set[str]:
        return {self.shop.get(order_id).status.value for order_id in ids}


class _StopAfter(Unhurried):
    def __init__(self, pauses: int) -> None:
        super().__init__()
        self._left = pauses

    def wait(self, timeout: float | None = None) -> bool:
        super().wait(timeout)
        self._left -= 1
        if self._left <= 0:
            self.set()
        return self.is_set()


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_all_that_is_overdue_is_expired_in_bounded_transactions(hall: Hall) -> None:
    ids, later = hall.hold(10), hall.shop.hold(("A", 1), seconds=600).id
    hall.now += timedelta(seconds=61)
    assert hall.sweep()() == ExpiryReport(expired=10, failed=0, left_to_another=False)
    assert [len(batch) for batch in hall.holds.batches] == [4, 4, 2]
    assert (hall.statuses(ids), hall.statuses([later])) == ({"expired"}, {"held"})
    assert hall.shop.levels("A") == {"main": (10_000, 1)}
    assert hall.shop.events(ids[0])[-1].actor == "worker"


def test_a_transaction_is_bounded_by_its_lines_too(hall: Hall) -> None:
    hall.hold(3, lines=2_000)
    hall.now += timedelta(seconds=61)
    assert hall.sweep()().expired == 3
    assert [len(batch) for batch in hall.holds.batches] == [TRANSACTION_LINES_MAX // 2_000, 1]


def test_where_nothing_is_overdue_nothing_is_written(hall: Hall) -> None:
    hall.hold(1)
    assert hall.sweep()() == ExpiryReport(expired=0, failed=0, left_to_another=False)
    assert hall.storage.tables.leases == {}


def test_one_order_at_fault_costs_the_others_nothing_and_is_passed_over(hall: Hall) -> None:
    ids = hall.hold(6)
    hall.holds.poison = {ids[2]}
    hall.now += timedelta(seconds=61)
    sweep = hall.sweep()
    assert sweep() == ExpiryReport(expired=5, failed=1, left_to_another=False)
    assert hall.statuses([ids[2]]) == {"held"}
    assert sweep() == ExpiryReport(expired=0, failed=0, left_to_another=False)
    assert hall.sweep()().failed == 1  # Another process does not know yet.


def test_what_is_no_orders_fault_is_raised(hall: Hall) -> None:
    hall.hold(2)
    hall.now += timedelta(seconds=61)
    hall.holds.faults = [AWAY]
    sweep = hall.sweep()
    with pytest.raises(OmsError, match="storage_unavailable"):
        sweep()
    assert sweep().expired == 2


def test_while_one_sweeps_another_leaves_it_to_him_until_his_lease_runs_out(hall: Hall) -> None:
    ids = hall.hold(1)
    hall.now += timedelta(seconds=61)
    assert hall.holds.lease("killed", seconds=20)
    assert hall.sweep()() == ExpiryReport(expired=0, failed=0, left_to_another=True)
    assert hall.run() == [2.0, 2.0, 2.0]
    hall.now += timedelta(seconds=21)
    assert hall.sweep()().expired == 1
    assert hall.statuses(ids) == {"expired"}


def test_a_sweep_rests_between_transactions_and_stops_when_it_is_told_to(hall: Hall) -> None:
    hall.hold(10)
    hall.now += timedelta(seconds=61)
    worked: list[float] = []

    def rest(seconds: float) -> bool:
        worked.append(seconds)
        return len(worked) < 2

    assert hall.sweep()(rest).expired == 8
    assert hall.holds.count_overdue() == 2


def test_the_sweep_goes_on_after_a_fault_and_gives_up_its_lease_when_it_ends(hall: Hall) -> None:
    ids = hall.hold(2)
    hall.now += timedelta(seconds=61)
    hall.holds.faults = [AWAY, RuntimeError("a defect")]
    assert len(hall.run(steps=5)) == 5
    assert hall.statuses(ids) == {"expired"}
    assert hall.storage.tables.leases == {}


def test_a_confirmed_order_is_none_of_its_business(hall: Hall) -> None:
    confirmed, swept = hall.hold(2)
    hall.now += timedelta(seconds=61)
    hall.shop.confirm(confirmed)
    assert hall.sweep()().expired == 1
    assert [hall.shop.get(each).status for each in (confirmed, swept)] == [OrderStatus.PENDING, OrderStatus.EXPIRED]


def test_who_may_not_manage_orders_may_not_sweep(hall: Hall) -> None:
    bound: Any = Caller(name="shop", scopes=ALL_SCOPES, customer_id="C1")
    with pytest.raises(OmsError, match="forbidden"):
        hall.shop.holds.expire(caller=bound)
