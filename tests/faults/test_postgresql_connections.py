"""Connections that break and servers that go away: the caller is mostly told nothing, for it is tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.importing import apply_batch
from oms_contracts.storage_contract.injected_races import move_while, set_while
from oms_contracts.storage_contract.shop import Shop, new_shop, placed, refused
from oms_peewee.models import ProductRow
from oms_peewee.postgresql import open_postgresql
from oms_peewee.session import Session
from oms_peewee.storage import PeeweeStorage

from oms_core.domain.commands import SetStock
from oms_core.domain.import_commands import ImportMode
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.stock.import_decisions import StockEntry
from oms_core.ports.import_storage import ImportBatch, ImportState
from oms_core.ports.storage import StorageOptions
from tests.faults.rivals import (
    CONNECTIONS,
    DEADLINE_SECONDS,
    TERMINATE,
    count,
    once,
    told,
)
from tests.services import wait_until
from tests.services.postgresql import PrivatePostgresql, connected


def test_connections_that_the_server_ended_are_replaced(shop: Shop, postgresql_url: str) -> None:
    run_together([lambda: shop.product("WIDGET")] * 8)
    assert count(postgresql_url, TERMINATE) >= 1
    assert placed(shop.place(shop.order(("WIDGET", 1)))[0])
    assert count(postgresql_url, TERMINATE) >= 1
    assert shop.levels("WIDGET") == {"main": (10, 1)}


def test_a_connection_lost_in_a_transaction_is_replaced_and_the_work_done_once(shop: Shop, postgresql_url: str) -> None:
    order = shop.buy(("WIDGET", 2))
    steps: list[int] = []
    step = once(lambda: steps.append(count(postgresql_url, TERMINATE)))
    assert move_while(shop, order, OrderStatus.SHIPPED, step).version == 2
    assert steps[0] >= 1
    step = once(lambda: steps.append(count(postgresql_url, TERMINATE)))
    assert set_while(shop, SetStock(sku="WIDGET", on_hand=20), step).on_hand == 20
    assert steps[1] >= 1
    assert len(shop.moves(order.id)) == 2
    assert not shop.audit().discrepancies


def test_a_connection_lost_while_deciding_a_placement_is_replaced(shop: Shop, postgresql_url: str) -> None:
    step = once(lambda: count(postgresql_url, TERMINATE))
    outcomes = shop.place_deciding(shop.deciding_after(step), shop.order(("WIDGET", 2)), shop.order(("WIDGET", 9)))
    assert not placed(outcomes[0]).replayed
    assert refused(outcomes[1]).code == "insufficient_inventory"
    assert shop.levels("WIDGET") == {"main": (10, 2)}


def test_a_server_that_is_down_is_storage_unavailable_until_it_is_up(
    private_postgresql: Callable[[], PrivatePostgresql],
) -> None:
    server = private_postgresql()
    storage = open_postgresql(server.url, StorageOptions(deadline_seconds=1.0))
    storage.schema.upgrade()
    shop = new_shop(storage)
    shop.set("WIDGET", 10)
    for end in (server.stop, server.kill):
        end()
        for work in (lambda: shop.product("WIDGET"), lambda: shop.place(shop.order(("WIDGET", 1)))):
            error = told(work)
            assert error.code == "storage_unavailable"
            assert server.url not in error.detail
        server.start()
        assert shop.product("WIDGET").on_hand == 10
        assert placed(shop.place(shop.order(("WIDGET", 1)))[0])
    assert shop.levels("WIDGET") == {"main": (10, 2)}
    storage.close()


def test_statements_lost_in_a_pooler_name_the_setting(shop: Shop, storage: PeeweeStorage) -> None:
    shop.buy(("WIDGET", 1))
    storage.database.read(lambda session: session.execute_sql("DEALLOCATE ALL"))
    error = told(lambda: shop.place(shop.order(("WIDGET", 1))))
    assert error.code == "storage_unusable"
    assert "OMS_PREPARED_STATEMENTS" in error.detail


def test_a_process_holds_few_connections_however_many_threads_it_has(
    shop: Shop, storage: PeeweeStorage, postgresql_url: str
) -> None:
    run_together([lambda: shop.place(shop.order(("WIDGET", 11)))] * 40)
    assert 1 <= count(postgresql_url, CONNECTIONS) <= 8
    assert "at most 8 connections" in storage.describe()
    storage.close()
    wait_until(lambda: count(postgresql_url, CONNECTIONS) == 0, DEADLINE_SECONDS, "no connection is left")


def test_waiting_for_a_connection_ends_at_the_deadline(shop: Shop, impatient_shop: Shop) -> None:
    order = shop.buy(("WIDGET", 1))
    done, all_in = threading.Event(), threading.Barrier(9)

    def hold() -> None:
        all_in.wait(DEADLINE_SECONDS)
        done.wait(DEADLINE_SECONDS)

    database = impatient_shop.storage.database  # type: ignore[attr-defined]
    holders = [threading.Thread(target=database.read, args=(lambda session: hold(),)) for _ in range(8)]
    for holder in holders:
        holder.start()
    all_in.wait(DEADLINE_SECONDS)
    error = told(lambda: impatient_shop.get(order.id))
    done.set()
    for holder in holders:
        holder.join(DEADLINE_SECONDS)
    assert (error.code, "all 8 connections" in error.detail) == ("storage_unavailable", True)
    assert impatient_shop.get(order.id) == order


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
def test_a_value_that_cannot_be_sent_is_an_internal_error(storage: PeeweeStorage, name: str) -> None:
    query = ProductRow.select().where(ProductRow.name == name)
    assert told(lambda: storage.database.read(query.first)).code == "internal_error"


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
def test_an_import_of_a_value_that_can_never_be_stored_is_no_outage(
    shop: Shop, storage: PeeweeStorage, name: str
) -> None:
    entries = [StockEntry("WIDGET", "main", 1, name, None, None, 1)]
    batch = ImportBatch(mode=ImportMode.SET, entries=entries)
    works: list[Callable[[], object]] = [
        lambda: storage.imports.rehearse(batch),
        lambda: apply_batch(shop, batch, None, ImportState()),
    ]
    for work in works:
        assert told(work).code == "internal_error"
    assert shop.levels("WIDGET") == {"main": (10, 0)}


def test_an_order_that_cannot_be_written_is_an_internal_error_and_costs_the_whole_call(
    shop: Shop, postgresql_url: str
) -> None:
    with connected(postgresql_url) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders ADD CONSTRAINT made_up CHECK (customer_id <> 'cursed')")
    before = shop.everything()
    placements = [shop.order(("WIDGET", 1)), shop.order(("WIDGET", 1), customer_id="cursed")]
    error = told(lambda: shop.place(*placements))
    assert error.code == "internal_error"
    assert "cursed" not in error.detail
    assert shop.everything() == before


def test_every_session_has_its_timeouts(postgresql_url: str) -> None:
    for prepared in (True, False):
        options = StorageOptions(prepared_statements=prepared, lock_timeout_seconds=4, statement_timeout_seconds=20)
        other = open_postgresql(postgresql_url, options)
        settings = {
            "lock_timeout": "4s",
            "statement_timeout": "20s",
            "idle_in_transaction_session_timeout": "2s",
            "transaction_isolation": "read committed",
            "TimeZone": "UTC",
            "application_name": "oms",
        }
        assert {name: other.database.read(partial(setting, name)) for name in settings} == settings
        other.close()


def setting(name: str, session: Session) -> str:
    return str(session.execute_sql("SELECT current_setting(%s)", (name,)).fetchone()[0])
