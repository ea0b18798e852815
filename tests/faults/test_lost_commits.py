"""A COMMIT whose answer never came has happened or not; the caller is told which, or that nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from oms_contracts.storage_contract.shop import Shop, new_shop, placed, refused
from oms_peewee.postgresql import open_postgresql

from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError
from oms_core.ports.storage import StorageOptions
from tests.faults.commit_proxy import CommitProxy, Fate

BOTH = pytest.mark.parametrize("fate", [Fate.COMMIT, Fate.ANSWER])
SHORT_DEADLINE = StorageOptions(deadline_seconds=0.5)


@pytest.fixture(params=["postgresql_url", "citus_cell_url"])
def proxy(request: pytest.FixtureRequest) -> Iterator[CommitProxy]:
    url = request.getfixturevalue(request.param)
    storage = open_postgresql(url, StorageOptions())
    storage.schema.upgrade()
    storage.close()
    proxy = CommitProxy(url)
    yield proxy
    proxy.close()
    assert proxy.losses, "nothing was lost, so nothing was tested"


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
def shop(proxy: CommitProxy, request: pytest.FixtureRequest) -> Iterator[Shop]:
    storage = open_postgresql(proxy.url, StorageOptions(prepared_statements=request.param))
    yield new_shop(storage)
    storage.close()


@pytest.fixture
def impatient_shop(proxy: CommitProxy) -> Iterator[Shop]:
    storage = open_postgresql(proxy.url, SHORT_DEADLINE)
    yield new_shop(storage, seed=1)
    storage.close()


@BOTH
def test_orders_are_placed_once(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    shop.set("WIDGET", 3)
    placements = [shop.order(("WIDGET", 2)), shop.order(("WIDGET", 2)), shop.order(("WIDGET", 1), idempotency_key="K")]
    proxy.lose_next(fate)
    first, second, third = shop.place(*placements)
    assert [placed(outcome).order.id for outcome in (first, third)] == [placements[0].id, placements[2].id]
    assert [placed(outcome).replayed for outcome in (first, third)] == [False, False]
    assert refused(second).code == "insufficient_inventory"
    assert shop.get(placements[0].id) == placed(first).order
    assert shop.levels("WIDGET") == {"main": (3, 3)}
    assert [len(shop.events(placement.id)) for placement in (placements[0], placements[2])] == [1, 1]
    assert not shop.audit().discrepancies


@BOTH
def test_stock_is_changed_once(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    shop.set("WIDGET", 3)
    proxy.lose_next(fate)
    changed = shop.adjust("WIDGET", 4)
    assert (changed.product.on_hand, changed.replayed) == (7, False)
    assert changed.before is not None
    assert changed.before.on_hand == 3
    assert len(shop.movements("WIDGET")) == 2
    assert not shop.audit().discrepancies


@BOTH
def test_a_product_is_created_once(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    proxy.lose_next(fate)
    created = shop.set("WIDGET", 3, name="widget")
    assert (created.product.on_hand, created.product.name, created.product.version) == (3, "widget", 1)
    assert created.before is None
    assert len(shop.movements("WIDGET")) == 1


@BOTH
def test_an_order_is_moved_once(shop: Shop, proxy: CommitProxy, fate: Fate) -> None:
    shop.set("WIDGET", 3)
    order = shop.buy(("WIDGET", 2))
    proxy.lose_next(fate)
    moved = shop.move(order.id, OrderStatus.SHIPPED, if_version=1)
    assert (moved.status, moved.version) == (OrderStatus.SHIPPED, 2)
    assert [move.event.type for move in shop.moves(order.id)] == ["order.placed", "order.shipped"]
    assert shop.levels("WIDGET") == {"main": (1, 0)}
    assert not shop.audit().discrepancies


@BOTH
def test_a_migration_is_applied_once(postgresql_url: str, fate: Fate) -> None:
    proxy = CommitProxy(postgresql_url)
    storage = open_postgresql(proxy.url, StorageOptions())
    proxy.lose_next(fate)
    assert storage.schema.upgrade() == storage.schema.status().applied
    storage.schema.check()
    assert storage.schema.status().pending == ()
    storage.close()
    proxy.close()
    assert proxy.losses == 1


@BOTH
def test_when_the_database_stays_away_the_caller_is_told_which_orders_to_look_up(
    shop: Shop, impatient_shop: Shop, proxy: CommitProxy, fate: Fate
) -> None:
    shop.set("WIDGET", 3)
    placements = [impatient_shop.order(("WIDGET", 1)), impatient_shop.order(("WIDGET", 5))]
    proxy.lose_next(fate, then_go_down=True)
    error = unknown(lambda: impatient_shop.place(*placements))
    assert error.data == {"order_ids": [str(placement.id) for placement in placements]}
    proxy.come_up()
    happened = {Fate.ANSWER: 1, Fate.COMMIT: 0}[fate]
    assert shop.levels("WIDGET") == {"main": (3, happened)}
    assert placed(impatient_shop.place(placements[0])[0]).order.id == placements[0].id
    assert shop.levels("WIDGET") == {"main": (3, 1)}


@BOTH
def test_when_the_database_stays_away_the_caller_is_told_what_may_have_changed(
    shop: Shop, impatient_shop: Shop, proxy: CommitProxy, fate: Fate
) -> None:
    shop.set("WIDGET", 3)
    order = shop.buy(("WIDGET", 2))
    proxy.lose_next(fate, then_go_down=True)
    assert unknown(lambda: impatient_shop.adjust("WIDGET", 4)).data == {"sku": "WIDGET"}
    proxy.come_up()
    proxy.lose_next(fate, then_go_down=True)
    error = unknown(lambda: impatient_shop.move(order.id, OrderStatus.CANCELLED))
    assert error.data == {"order_ids": [str(order.id)]}
    proxy.come_up()
    happened = {Fate.ANSWER: (7, 0), Fate.COMMIT: (3, 2)}[fate]
    assert shop.levels("WIDGET") == {"main": happened}
    assert not shop.audit().discrepancies


def unknown(work: Callable[[], object]) -> OmsError:
    with pytest.raises(OmsError) as caught:
        work()
    assert caught.value.code == "outcome_unknown"
    assert caught.value.retry_after_seconds
    return caught.value


def test_a_look_at_the_queue_meets_no_fate(shop: Shop, proxy: CommitProxy) -> None:
    shop.set("WIDGET", 3)
    proxy.lose_next(Fate.ANSWER)
    shop.storage.queue.sample()
    assert proxy.losses == 0, (
        "a process looks at its queue every few seconds, also while tests lose the COMMIT of an order"
    )
    assert placed(shop.place(shop.order(("WIDGET", 1)))[0])
