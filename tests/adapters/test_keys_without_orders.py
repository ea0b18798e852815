"""A key outlives its order: once that is gone, the command is not done again, and its caller is told so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from oms_contracts.storage_contract.failing import rejected
from oms_contracts.storage_contract.keyed_changes import retry_once
from oms_contracts.storage_contract.shop import Shop, new_shop, placed, refused
from oms_memory import MemoryStorage
from oms_peewee.postgresql import open_postgresql
from oms_peewee.sqlite import open_sqlite
from oms_peewee.storage import PeeweeStorage

from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError
from oms_core.ports.storage import Storage, StorageOptions

Remove = Callable[[UUID], None]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[Storage]:
    """An empty storage of each kind."""
    if request.param == "memory":
        yield MemoryStorage()
        return
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/oms.db" if is_file else request.getfixturevalue("postgresql_url")
    opened = (open_sqlite if is_file else open_postgresql)(url, StorageOptions())
    opened.schema.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def shop(storage: Storage) -> Shop:
    """The storage in use."""
    return new_shop(storage)


@pytest.fixture
def remove(storage: Storage) -> Remove:
    """Take an order away, with its lines."""

    def remove(order_id: UUID) -> None:
        if isinstance(storage, MemoryStorage):
            del storage.tables.orders[order_id]
            return
        assert isinstance(storage, PeeweeStorage)
        for table, column in (("orders", "id"), ("order_lines", "order_id")):
            storage.database.write_by_ids(
                lambda attempt, table=table, column=column: attempt.session.execute_sql(  # type: ignore[misc]
                    f"DELETE FROM {table} WHERE {column} = {attempt.session.param}", (str(order_id),)
                ),
                look_up={},
            )

    return remove


def test_a_late_repeat_places_no_second_order_and_says_which_was_the_first(shop: Shop, remove: Remove) -> None:
    shop.set("WIDGET", 10)
    order = shop.buy(("WIDGET", 3), idempotency_key="K")
    shop.move(order.id, OrderStatus.CANCELLED)
    remove(order.id)
    late, other, new = shop.place(
        shop.order(("WIDGET", 3), idempotency_key="K"),
        shop.order(("WIDGET", 4), idempotency_key="K"),
        shop.order(("WIDGET", 2)),
    )
    assert (refused(late).code, refused(late).data) == ("order_archived", {"order_id": str(order.id)})
    assert refused(other).code == "idempotency_key_reused"
    assert placed(new).order.lines[0].quantity == 2
    assert refused(shop.accept(shop.order(("WIDGET", 3), idempotency_key="K"))[0]).code == "order_archived"
    assert shop.levels("WIDGET") == {"main": (10, 2)}


def test_a_late_repeat_of_a_retry_says_so_too(shop: Shop, remove: Remove) -> None:
    order = rejected(shop)
    retry_once(shop, order)
    shop.settle(order.id)
    remove(order.id)
    with pytest.raises(OmsError) as caught:
        retry_once(shop, order)
    assert (caught.value.code, caught.value.data) == ("order_archived", {"order_id": str(order.id)})
    with pytest.raises(OmsError, match="order_not_found"):
        retry_once(shop, order, "another")
