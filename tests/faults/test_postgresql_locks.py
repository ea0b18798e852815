"""Rivals who hold a lock on PostgreSQL: what is waited for, what is tried again, and what the caller is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from oms_contracts.storage_contract.injected_races import move_while, set_while
from oms_contracts.storage_contract.queue_races import QueueRacePromises
from oms_contracts.storage_contract.shop import Shop, new_shop, placed, refused
from oms_peewee.postgresql import open_postgresql, settling

from oms_core.domain.commands import SetStock
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.ports.storage import StorageOptions
from tests.faults.rivals import (
    DEADLINE_SECONDS,
    LOCK_LEVELS,
    LOCK_WAITING,
    WAITING,
    count,
    once,
    rival,
    told,
)
from tests.services import wait_until


def test_a_deadlock_is_fought_out_again(shop: Shop, postgresql_url: str) -> None:
    order = shop.buy(("WIDGET", 2))

    def cross() -> None:
        """Lock the level, then wait for the order that the other has locked, and longer than he does."""
        cursor.execute("SET deadlock_timeout = '60s'")
        cursor.execute(LOCK_LEVELS, ("WIDGET",))
        waiting.start()
        wait_until(lambda: count(postgresql_url, WAITING), DEADLINE_SECONDS, "the rival waits for the order")

    def wait_for_order() -> None:
        cursor.execute("SELECT * FROM orders WHERE id = %s FOR UPDATE", (str(order.id),))
        cursor.connection.commit()

    def step() -> None:
        decisions.append("made")
        if len(decisions) == 1:
            cross()

    decisions: list[str] = []
    with rival(postgresql_url) as cursor:
        waiting = threading.Thread(target=wait_for_order)
        moved = move_while(shop, order, OrderStatus.CANCELLED, step)
        waiting.join(DEADLINE_SECONDS)
    assert (moved.status, moved.version) == (OrderStatus.CANCELLED, 2)
    assert len(decisions) == 2, "it was decided once, so the deadlock was the rival's loss or did not happen"
    assert not shop.audit().discrepancies


@pytest.mark.parametrize("work", ["place", "adjust", "move"])
def test_a_lock_that_is_not_let_go_of_is_storage_unavailable(
    shop: Shop, impatient_shop: Shop, postgresql_url: str, work: str
) -> None:
    order = shop.buy(("WIDGET", 2))
    before = shop.everything()
    works: dict[str, Callable[[], object]] = {
        "place": lambda: impatient_shop.place(impatient_shop.order(("WIDGET", 1))),
        "adjust": lambda: impatient_shop.adjust("WIDGET", 1),
        "move": lambda: impatient_shop.move(order.id, OrderStatus.CANCELLED),
    }
    with rival(postgresql_url) as cursor:
        cursor.execute(LOCK_LEVELS, ("WIDGET",))
        error = told(works[work])
    assert error.code == "storage_unavailable"
    assert error.retry_after_seconds
    assert shop.everything() == before
    works[work]()
    assert not shop.audit().discrepancies


def test_refusals_wait_for_no_lock(shop: Shop, impatient_shop: Shop, postgresql_url: str) -> None:
    with rival(postgresql_url) as cursor:
        cursor.execute(LOCK_LEVELS, ("WIDGET",))
        outcome = impatient_shop.place(impatient_shop.order(("WIDGET", 11)))[0]
    assert refused(outcome).code == "insufficient_inventory"


def test_a_key_whose_first_order_does_not_end_is_in_use_and_costs_only_keyed_orders(
    shop: Shop, impatient_shop: Shop, postgresql_url: str
) -> None:
    placements = [impatient_shop.order(("WIDGET", 1), idempotency_key="K"), impatient_shop.order(("WIDGET", 2))]
    with rival(postgresql_url) as cursor:
        cursor.execute(
            """INSERT INTO order_keys (created_at, order_id, answer_status, act, caller, idempotency_key, fingerprint)
            VALUES (now(), gen_random_uuid(), 201, 'place', 'clerk', 'K', 'x')"""
        )
        keyed, other = impatient_shop.place(*placements)
    assert refused(keyed).code == "idempotency_key_in_use"
    assert placed(other).order.id == placements[1].id
    assert placed(impatient_shop.place(placements[0])[0]).order.id == placements[0].id
    assert shop.levels("WIDGET") == {"main": (10, 3)}


def test_a_client_frozen_with_the_hot_row_locked_does_not_keep_the_others_out(shop: Shop, postgresql_url: str) -> None:
    storage = open_postgresql(postgresql_url, StorageOptions(lock_timeout_seconds=1))
    freezing_shop = new_shop(storage, seed=1)
    thawed, frozen = threading.Event(), threading.Event()

    def freeze() -> None:
        frozen.set()
        assert thawed.wait(DEADLINE_SECONDS)

    step = once(freeze)
    thawing = threading.Thread(target=lambda: set_while(freezing_shop, SetStock(sku="WIDGET", on_hand=7), step))
    thawing.start()
    assert frozen.wait(DEADLINE_SECONDS)
    assert placed(shop.place(shop.order(("WIDGET", 1)))[0])
    thawed.set()
    thawing.join(DEADLINE_SECONDS)
    storage.close()
    assert shop.levels("WIDGET") == {"main": (7, 1)}
    assert not shop.audit().discrepancies


@pytest.mark.parametrize("work", ["settle", "claim", "sweep"])
def test_an_order_that_somebody_else_holds_is_passed_over_and_not_waited_for(
    shop: Shop, impatient_shop: Shop, postgresql_url: str, work: str
) -> None:
    held, free = shop.queue_up(("WIDGET", 1)), shop.queue_up(("WIDGET", 1))
    queue = impatient_shop.storage.queue
    works: dict[str, Callable[[], list[UUID]]] = {
        "settle": lambda: [*impatient_shop.settle(held.id, free.id).statuses],
        "claim": lambda: [claim.order_id for claim in queue.claim([held.id, free.id], lease_seconds=0)],
        "sweep": lambda: impatient_shop.sweep(limit=1),
    }
    with rival(postgresql_url) as cursor:
        cursor.execute(LOCK_WAITING, (str(held.id),))
        assert works[work]() == [free.id]
        cursor.connection.rollback()  # To be sure that the server has heard of it.
    assert works[work]()[0] == held.id


def test_a_claimed_order_that_a_sweep_looks_at_is_waited_for(shop: Shop, postgresql_url: str) -> None:
    order = shop.queue_up(("WIDGET", 1))
    claimed = shop.sweep(lease_seconds=3_600)
    settled: list[UUID] = []
    with rival(postgresql_url) as cursor:
        cursor.execute(LOCK_WAITING, (str(order.id),))
        settling = threading.Thread(target=lambda: settled.extend(shop.settle(*claimed, claimed=claimed).statuses))
        settling.start()
        wait_until(lambda: count(postgresql_url, WAITING), DEADLINE_SECONDS, "the settling waits for the sweep")
        cursor.connection.rollback()
        settling.join(DEADLINE_SECONDS)
    assert settled == claimed == [order.id]


def test_who_cancels_waits_for_the_one_who_settles(shop: Shop, impatient_shop: Shop, postgresql_url: str) -> None:
    order = shop.queue_up(("WIDGET", 1))
    with rival(postgresql_url) as cursor:
        cursor.execute(LOCK_WAITING, (str(order.id),))
        error = told(lambda: impatient_shop.move(order.id, OrderStatus.CANCELLED))
    assert error.code == "storage_unavailable"
    assert impatient_shop.move(order.id, OrderStatus.CANCELLED).status is OrderStatus.CANCELLED


def test_settling_waits_for_the_levels_and_leaves_its_orders_waiting_when_it_gives_up(
    shop: Shop, impatient_shop: Shop, postgresql_url: str
) -> None:
    order = shop.queue_up(("WIDGET", 1))
    before = shop.everything()
    with rival(postgresql_url) as cursor:
        cursor.execute(LOCK_LEVELS, ("WIDGET",))
        error = told(lambda: impatient_shop.settle(order.id))
    assert error.code == "storage_unavailable"
    assert shop.everything() == before
    assert [*impatient_shop.settle(order.id).statuses] == [order.id]


def test_rejections_wait_for_no_level(shop: Shop, impatient_shop: Shop, postgresql_url: str) -> None:
    order = shop.queue_up(("WIDGET", 11))
    with rival(postgresql_url) as cursor:
        cursor.execute(LOCK_LEVELS, ("WIDGET",))
        assert impatient_shop.settle(order.id).statuses == {order.id: OrderStatus.REJECTED}


def test_without_the_lock_on_its_row_an_order_would_be_placed_twice(
    shop: Shop, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = QueueRacePromises().test_a_rival_who_settles_the_same_orders_meanwhile_places_none_of_them_again
    rival_storage = open_postgresql(postgresql_url, StorageOptions())
    rival_shop = new_shop(rival_storage, seed=1)
    taking = settling.TAKE
    unlocked = replace(taking, name="take_unlocked", sql=taking.sql.replace("FOR UPDATE SKIP LOCKED", ""))
    monkeypatch.setattr(settling, "TAKE", unlocked)
    with pytest.raises(AssertionError):
        race(shop, rival_shop)
    rival_storage.close()


def test_a_return_that_a_rival_leaves_no_room_for_meanwhile_is_refused_by_the_figures(
    shop: Shop, postgresql_url: str
) -> None:
    order = shop.buy(("WIDGET", 2))
    shop.move(order.id, OrderStatus.SHIPPED)
    storage = open_postgresql(postgresql_url, StorageOptions())
    fill = once(lambda: new_shop(storage, seed=1).set("WIDGET", COUNT_MAX))
    error = told(lambda: move_while(shop, order, OrderStatus.RETURNED, fill))
    assert error.code == "stock_limit"
    assert shop.levels("WIDGET") == {"main": (COUNT_MAX, 0)}
    storage.close()
