"""The race tests can fail: with the lock taken out, every one of them does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Any

import pytest
from oms_contracts import concurrency
from oms_contracts.storage_contract.api_key_races import ApiKeyRacePromises
from oms_contracts.storage_contract.change_races import ChangeRacePromises
from oms_contracts.storage_contract.hold_races import HoldRacePromises
from oms_contracts.storage_contract.injected_races import InjectedRacePromises
from oms_contracts.storage_contract.keyed_changes import KeyedChangeRacePromises
from oms_contracts.storage_contract.locating import LocationRacePromises
from oms_contracts.storage_contract.moving_many import BulkMoveRacePromises
from oms_contracts.storage_contract.order_races import OrderRacePromises
from oms_contracts.storage_contract.queue_races import QueueRacePromises
from oms_contracts.storage_contract.return_races import ReturnRacePromises
from oms_contracts.storage_contract.shipment_races import ShipmentRacePromises
from oms_contracts.storage_contract.shop import Shop, new_shop
from oms_contracts.storage_contract.stock_races import StockRacePromises
from oms_contracts.storage_contract.transferring import TransferRacePromises
from oms_memory import MemoryStorage

from oms_core import OmsError, OrderStatus, Product
from tests.adapters.unlocked_storage import Meeting, UnsortedLocks, interleaved_storage, unlocked_storage


def anything(moved: Collection[Product]) -> bool:
    return True


def a_product(moved: Collection[Product]) -> bool:
    return bool(moved)


def a_last_unit(moved: Collection[Product]) -> bool:
    return any(product.available == 0 for product in moved)


def product_a(moved: Collection[Product]) -> bool:
    return any(product.sku == "A" for product in moved)


# Where two threads have to meet for the race to be lost without luck: the point, and what is being written there.
MEETINGS: dict[str, tuple[str, Callable[[Collection[Product]], bool]]] = {
    "test_sixteen_buyers_of_five_hundred_units_get_exactly_five_hundred": ("decided", a_last_unit),
    "test_one_key_on_sixteen_threads_is_one_order": ("decided", a_product),
    "test_one_key_for_two_commands_is_taken_by_one": ("decided", a_product),
    "test_of_cancelling_and_shipping_one_happens": ("decided", a_product),
    "test_cancelling_sixteen_times_at_once_releases_once": ("decided", a_product),
    "test_buying_shipping_cancelling_and_counting_at_once_stay_in_balance": ("levels read", product_a),
    "test_adjustments_at_once_add_up": ("levels read", a_product),
    "test_what_is_taken_away_at_once_stops_at_what_is_reserved": ("decided", a_last_unit),
    "test_an_expected_count_is_replaced_by_one": ("decided", a_product),
    "test_sixteen_creators_of_a_product_do_not_collide": ("decided", a_product),
    "test_creators_of_levels_do_not_collide": ("levels read", a_product),
    "test_one_key_on_sixteen_threads_is_one_change": ("decided", a_product),
    "test_the_same_orders_settled_by_sixteen_are_placed_once": ("decided", a_product),
    "test_of_settling_and_cancelling_at_once_nothing_stays_reserved": ("decided", anything),
    "test_sixteen_sweepers_claim_each_order_once": ("found free", anything),
    "test_workers_and_buyers_sell_each_unit_once": ("decided", a_last_unit),
    "test_retrying_sixteen_times_at_once_queues_once": ("decided", anything),
    "test_one_key_on_sixteen_threads_changes_once": ("decided", anything),
    "test_one_key_for_two_orders_at_once_changes_one": ("decided", anything),
    "test_one_key_accepted_and_placed_on_sixteen_threads_is_one_order": ("decided", anything),
    "test_of_confirming_and_expiring_one_happens": ("decided", anything),
    "test_of_extending_and_expiring_one_happens": ("decided", anything),
    "test_who_cancels_a_hold_that_is_being_expired_releases_its_units_once": ("decided", a_product),
    "test_sixteen_who_sweep_expire_each_hold_once": ("decided", a_product),
    "test_buyers_of_the_last_units_and_the_sweep_sell_each_unit_once": ("levels read", a_product),
    "test_batches_that_hold_what_others_place_under_the_same_keys_all_come_to_an_end": ("decided", a_product),
    "test_of_two_payments_at_once_an_order_has_one": ("decided", anything),
    "test_one_payment_for_two_orders_at_once_confirms_one": ("decided", anything),
    "test_confirming_sixteen_times_at_once_confirms_once": ("decided", anything),
    "test_sixteen_calls_that_share_orders_move_each_once": ("decided", a_product),
    "test_the_last_unit_is_shipped_by_one_of_sixteen": ("decided", a_product),
    "test_shipments_of_parts_at_once_take_different_numbers": ("decided", a_product),
    "test_of_shipping_a_part_and_cancelling_one_happens": ("decided", a_product),
    "test_of_delivering_and_taking_back_one_happens": ("decided", anything),
    "test_taking_back_sixteen_times_at_once_brings_back_once": ("decided", a_product),
    "test_one_key_on_sixteen_threads_is_one_shipment": ("decided", a_product),
    "test_what_is_told_of_a_shipment_at_once_is_all_kept": ("decided", anything),
    "test_the_last_unit_comes_back_by_one_of_sixteen": ("decided", a_product),
    "test_returns_of_parts_at_once_take_different_numbers": ("decided", a_product),
    "test_of_returning_and_taking_the_shipment_back_one_happens": ("decided", a_product),
    "test_what_comes_back_is_sold_once": ("levels read", a_product),
    "test_orders_come_back_at_once_to_a_place_that_had_none": ("levels read", product_a),
    "test_one_key_on_sixteen_threads_is_one_return": ("decided", a_product),
    "test_of_changes_at_once_the_last_one_stands": ("decided", a_product),
    "test_lines_added_at_once_take_different_numbers": ("decided", a_product),
    "test_the_last_units_are_sold_or_added": ("levels read", a_product),
    "test_of_a_change_and_what_else_becomes_of_the_order_each_sees_the_other": ("decided", anything),
    "test_one_key_on_sixteen_threads_is_one_change_of_lines": ("decided", a_product),
    "test_details_told_at_once_are_all_kept": ("decided", anything),
    "test_transfers_that_cross_lose_nothing": ("levels read", a_product),
    "test_the_last_units_are_sold_or_moved": ("levels read", a_product),
    "test_one_key_on_sixteen_threads_is_one_transfer": ("decided", a_product),
    "test_nothing_is_sold_from_where_selling_was_ended": ("levels read", a_product),
    "test_the_last_free_units_are_sold_or_kept_back": ("levels read", a_product),
    "test_of_two_names_alike_one_is_made": ("found free", anything),
    "test_of_many_who_ask_at_once_one_may_publish": ("found free", anything),
    "test_of_sixteen_creators_of_a_name_one_gets_it": ("found free", anything),
    "test_sixteen_rotations_at_once_leave_one_key_that_lasts": ("found free", anything),
}
# A deadlock is not for want of a lock, but of an order among locks.
DEADLOCK = "test_orders_over_the_same_products_in_opposite_order_do_not_block_each_other"

INJECTED: dict[str, dict[str, Any]] = {
    "test_a_rival_who_buys_the_last_units_meanwhile_is_not_sold_them_again": {"units": 1},
    "test_the_last_decision_is_what_was_written": {},
    "test_a_rival_who_takes_the_key_meanwhile_has_placed_the_order": {},
    "test_a_rival_who_moves_units_elsewhere_meanwhile_is_noticed": {},
    "test_a_rival_who_moves_the_order_meanwhile_waits_or_comes_first": {
        "ours": OrderStatus.SHIPPED,
        "theirs": OrderStatus.CANCELLED,
    },
    "test_a_rival_who_replaces_the_expected_count_meanwhile_is_not_overwritten": {},
    "test_a_rival_who_creates_the_level_meanwhile_is_not_overwritten": {},
    "test_a_rival_who_reserves_meanwhile_keeps_what_he_was_promised": {},
    "test_a_rival_who_creates_the_product_meanwhile_does_not_collide": {},
    "test_a_rival_who_settles_the_same_orders_meanwhile_places_none_of_them_again": {},
    "test_a_rival_who_settles_others_meanwhile_is_not_sold_the_same_units": {},
    "test_a_rival_who_buys_the_last_units_meanwhile_leaves_none_to_settle": {},
    "test_a_rival_who_is_settling_meanwhile_leaves_none_to_buy": {},
    "test_who_cancels_while_an_order_is_being_settled_waits_and_gives_back_what_it_took": {},
    "test_what_is_being_cancelled_is_not_settled": {},
    "test_who_sweeps_while_an_order_is_being_confirmed_leaves_it": {},
}


class Races(
    OrderRacePromises,
    StockRacePromises,
    QueueRacePromises,
    KeyedChangeRacePromises,
    HoldRacePromises,
    BulkMoveRacePromises,
    ShipmentRacePromises,
    ReturnRacePromises,
    ChangeRacePromises,
    TransferRacePromises,
    LocationRacePromises,
    ApiKeyRacePromises,
    InjectedRacePromises,
):
    """All races of the contract, to be run by hand."""


def two_hands(storage: MemoryStorage) -> tuple[Shop, Shop]:
    return new_shop(storage), new_shop(storage, seed=1)


def test_every_race_of_the_contract_has_a_control() -> None:
    races = {name for name in dir(Races) if name.startswith("test_")}
    assert races == {*MEETINGS, *INJECTED, DEADLOCK}


@pytest.mark.parametrize("race", MEETINGS)
def test_a_race_is_lost_when_two_threads_read_before_either_writes(race: str) -> None:
    meeting_point, matters = MEETINGS[race]
    meeting, preparing = Meeting(), threading.get_ident()

    def meeting_at(point: str, moved: Collection[Product]) -> Meeting | None:
        racing = threading.get_ident() != preparing
        return meeting if racing and point == meeting_point and matters(moved) else None

    shops = two_hands(interleaved_storage(meeting_at))
    with pytest.raises(AssertionError):
        getattr(Races(), race)(*shops)


@pytest.mark.parametrize("race", INJECTED)
def test_a_race_is_lost_when_a_rival_is_let_in_and_nothing_keeps_him_out(
    race: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(concurrency, "GIVE_WAY_SECONDS", 60.0)  # He is never kept out, but may be slow to start.
    with pytest.raises(AssertionError):
        getattr(Races(), race)(*two_hands(unlocked_storage()), **INJECTED[race])


def test_unsorted_locks_block_each_other() -> None:
    storage = MemoryStorage()
    storage.orders = UnsortedLocks(storage.tables)
    with pytest.raises(OmsError, match="two orders block each other"):
        getattr(Races(), DEADLOCK)(*two_hands(storage))


def test_one_buyer_alone_is_served_rightly_without_a_lock() -> None:
    shop, _ = two_hands(unlocked_storage())
    shop.set("WIDGET", 1)
    shop.buy(("WIDGET", 1))
    assert shop.levels("WIDGET") == {"main": (1, 1)}
    assert not shop.audit().discrepancies
