"""A COMMIT of accepting or settling whose answer never came: nothing is written twice, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop, placed, refused
from oms_peewee.postgresql import open_postgresql

from oms_core.domain.orders.order import OrderFilter
from oms_core.domain.orders.placement import EnteredAs
from oms_core.domain.orders.queueing import Claim
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.ports.storage import StorageOptions
from tests.faults.commit_proxy import CommitProxy, Fate
from tests.faults.rivals import told

BOTH = pytest.mark.parametrize("fate", [Fate.COMMIT, Fate.ANSWER])
SHORT_DEADLINE = StorageOptions(deadline_seconds=0.5)


@pytest.fixture
def proxy(postgresql_url: str) -> Iterator[CommitProxy]:
    storage = open_postgresql(postgresql_url, StorageOptions())
    storage.schema.upgrade()
    storage.close()
    proxy = CommitProxy(postgresql_url)
    yield proxy
    proxy.close()
    assert proxy.losses, "nothing was lost, so nothing was tested"


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
def shop(proxy: CommitProxy, request: pytest.FixtureRequest) -> Iterator[Shop]:
    storage = open_postgresql(proxy.url, StorageOptions(prepared_statements=request.param, keeps_outbox=True))
    yield new_shop(storage)
    storage.close()


@pytest.fixture
def impatient_shop(proxy: CommitProxy) -> Iterator[Shop]:
    storage = open_postgresql(proxy.url, SHORT_DEADLINE)
    yield new_shop(storage, seed=1)
    storage.close()


@BOTH
def test_orders_are_accepted_once(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    shop.set("WIDGET", 3)
    placements = [shop.order(("WIDGET", 2)), shop.order(("UNKNOWN", 2)), shop.order(("WIDGET", 1), idempotency_key="K")]
    proxy.lose_next(fate)
    first, second, third = shop.accept(*placements)
    orders = [placed(first).order, placed(third).order]
    assert [order.id for order in orders] == [placements[0].id, placements[2].id]
    assert [(placed(each).replayed, placed(each).entered_as) for each in (first, third)] == [
        (False, EnteredAs.QUEUED)
    ] * 2
    assert refused(second).code == "unknown_sku"
    assert [shop.get(order.id) for order in orders] == orders
    assert list(shop.storage.queue.sample().numbers) == [order.queue_no for order in orders]
    events = [event for order in orders for event in shop.events(order.id)]
    assert len(events) == 2
    assert shop.storage.outbox.unpublished(limit=10) == events


@BOTH
def test_orders_are_settled_once(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    shop.set("WIDGET", 3)
    orders = [shop.queue_up(("WIDGET", quantity)) for quantity in (2, 2, 1)]
    ids = [order.id for order in orders]
    shop.storage.queue.claim(ids, lease_seconds=0)
    proxy.lose_next(fate)
    settlement = shop.settle(*ids, claimed=ids)
    assert [settlement.statuses[order_id].value for order_id in ids] == ["pending", "rejected", "pending"]
    ended = [(order.status.value, order.version, order.attempts) for order in map(shop.get, ids)]
    assert ended == [("pending", 2, 0), ("rejected", 2, 0), ("pending", 2, 0)]
    assert sorted(order.id for order in shop.storage.queue.settled(ids)) == ids
    assert shop.levels("WIDGET") == {"main": (3, 3)}
    assert [len(shop.events(order_id)) for order_id in ids] == [2, 2, 2]
    assert len(shop.storage.outbox.unpublished(limit=10)) == 7  # One says that the product is depleted.
    assert not shop.audit().discrepancies


@BOTH
def test_when_the_database_stays_away_nobody_knows_which_orders_were_accepted_or_settled(
    shop: Shop, impatient_shop: Shop, proxy: CommitProxy, fate: Fate
) -> None:
    shop.set("WIDGET", 3)
    happened = fate is Fate.ANSWER
    placement = impatient_shop.order(("WIDGET", 1))
    for work, status in (
        (lambda: impatient_shop.accept(placement), OrderStatus.QUEUED),
        (lambda: impatient_shop.settle(placement.id), OrderStatus.PENDING),
    ):
        proxy.lose_next(fate, then_go_down=True)
        error = told(work)
        assert (error.code, error.data) == ("outcome_unknown", {"order_ids": [str(placement.id)]})
        proxy.come_up()
        found = shop.storage.orders.find(OrderFilter(), after=None, limit=5)
        assert (len(found) == 1 and found[0].status is status) == happened
        work()
        assert shop.get(placement.id).status is status
    assert shop.levels("WIDGET") == {"main": (3, 1)}
    assert len(shop.events(placement.id)) == 2
    assert not shop.audit().discrepancies


@BOTH
def test_an_order_is_retried_once(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    shop.set("WIDGET", 0)
    order = shop.queue_up(("WIDGET", 1))
    shop.settle(order.id)
    proxy.lose_next(fate)
    retried = shop.retry(order.id)
    assert (retried.status, retried.version) == (OrderStatus.QUEUED, 3)
    assert len(shop.events(order.id)) == 3


@BOTH
def test_a_lease_whose_answer_was_lost_is_still_held(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    proxy.lose_next(fate)
    assert shop.storage.outbox.lease("ours", seconds=3_600)
    assert not shop.storage.outbox.lease("theirs", seconds=3_600)


@BOTH
def test_a_claim_counts_its_try_once(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    shop.set("WIDGET", 1)
    order = shop.queue_up(("WIDGET", 1))
    proxy.lose_next(fate)
    (claim,) = shop.storage.queue.claim([order.id], lease_seconds=3_600)
    assert claim == Claim(order_id=order.id, attempts=1)


@BOTH
def test_what_was_swept_is_given_and_its_try_counted_once(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    shop.set("WIDGET", 1)
    order = shop.queue_up(("WIDGET", 1))
    proxy.lose_next(fate)
    assert shop.sweep(lease_seconds=3_600) == [order.id]
    assert shop.get(order.id).attempts == 1
