"""A storage as a whole: its schema, its description, closing it, and the processes and storages it meets."""

from __future__ import annotations

import multiprocessing
import sys

import pytest

from oms_contracts.storage_contract.hooks import PASSWORD
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_core.ports.storage import Storage

CHILD_SECONDS = 60.0


def sell_in_child(storage: Storage) -> None:
    """Sell one unit in a forked child."""
    shop = new_shop(storage, seed=2)
    shop.buy(("WIDGET", 1))
    if shop.product("WIDGET").reserved < 1:
        sys.exit("the child does not see what it sold")


class LifecyclePromises:
    """Opening, closing, forking."""

    def test_the_schema_is_current(self, storage: Storage) -> None:
        storage.schema.check()
        status = storage.schema.status()
        assert (status.pending, status.unknown) == ((), ())
        assert storage.schema.upgrade() == ()

    def test_a_storage_works_in_one_of_the_cells_if_there_are_any(self, storage: Storage) -> None:
        cells = storage.schema.cells()
        assert [cell.is_own for cell in cells].count(True) == bool(cells)
        assert all(cell.name and cell.node and cell.size_bytes > 0 and cell.orders >= 0 for cell in cells)

    def test_the_description_names_the_database_without_a_password(self, storage: Storage) -> None:
        assert storage.describe()
        assert PASSWORD not in storage.describe()

    def test_a_closed_storage_works_again(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        shop.storage.close()
        shop.storage.close()
        shop.set("OTHER", 1)
        assert not shop.audit().discrepancies

    def test_a_second_storage_sees_the_same(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("WIDGET", 5)
        order = rival_shop.buy(("WIDGET", 2), idempotency_key="K")
        assert shop.get(order.id) == order
        assert rival_shop.everything() == shop.everything()

    @pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_it_works_in_a_forked_child_and_on_in_the_parent(self, storage: Storage, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        shop.buy(("WIDGET", 1))
        child = multiprocessing.get_context("fork").Process(target=sell_in_child, args=(storage,))
        child.start()
        child.join(CHILD_SECONDS)
        assert child.exitcode == 0
        shop.buy(("WIDGET", 1))
        assert not shop.audit().discrepancies
