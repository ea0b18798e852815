"""What `WorkerStorage` promises: who has shown a sign of life of late, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.orders.queueing import WorkerState

LONG_SECONDS = 3_600.0
LONG_AGO = datetime(2020, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


def worker(name: str, **given: float) -> WorkerState:
    """Return the state of a worker, whose own clock is years behind."""
    figures = {"orders_per_second": 12.5, "settled": 7} | given
    return WorkerState(
        id=name,
        started_at=LONG_AGO,
        seen_at=LONG_AGO,
        orders_per_second=figures["orders_per_second"],
        settled=int(figures["settled"]),
    )


def seen(shop: Shop, silent_seconds: float = LONG_SECONDS) -> list[WorkerState]:
    """List the workers, without the time when they were seen."""
    return [replace(state, seen_at=LONG_AGO) for state in shop.storage.workers.find(silent_seconds=silent_seconds)]


class WorkerPromises:
    """Signs of life."""

    def test_workers_are_listed_by_id_as_they_last_were(self, shop: Shop, rival_shop: Shop) -> None:
        assert seen(shop) == []
        shop.storage.workers.beat(worker("b"))
        rival_shop.storage.workers.beat(worker("a"))
        shop.storage.workers.beat(worker("b", orders_per_second=0.1, settled=10**12))
        assert seen(shop) == [worker("a"), worker("b", orders_per_second=0.1, settled=10**12)]
        assert seen(rival_shop) == seen(shop)

    def test_a_worker_that_begins_again_under_its_name_says_when(self, shop: Shop) -> None:
        shop.storage.workers.beat(worker("host:1", settled=9))
        again = replace(worker("host:1", settled=0), started_at=LONG_AGO + timedelta(days=1))
        shop.storage.workers.beat(again)
        assert seen(shop) == [again]

    def test_a_worker_is_seen_by_the_clock_of_the_database(self, shop: Shop) -> None:
        shop.storage.workers.beat(worker("a"))
        (state,) = shop.storage.workers.find(silent_seconds=LONG_SECONDS)
        assert abs(state.seen_at - datetime.now(UTC)) < timedelta(hours=1)
        assert state.seen_at.utcoffset() == timedelta(0)

    def test_a_silent_worker_is_left_out_until_it_is_heard_again(self, shop: Shop) -> None:
        shop.storage.workers.beat(worker("a"))
        assert seen(shop, silent_seconds=-1.0) == []
        shop.storage.workers.beat(worker("a"))
        assert seen(shop) == [worker("a")]

    def test_a_worker_that_leaves_is_forgotten(self, shop: Shop, rival_shop: Shop) -> None:
        for name in ("a", "b"):
            shop.storage.workers.beat(worker(name))
        rival_shop.storage.workers.leave("a")
        rival_shop.storage.workers.leave("nobody")
        assert seen(shop) == [worker("b")]
