"""What `OrderStorage.act` promises: under a key an order is changed once, whatever became of it since."""

from __future__ import annotations

from functools import partial

import pytest

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.failing import rejected
from oms_contracts.storage_contract.order_races import THREADS, buyers
from oms_contracts.storage_contract.shop import Shop, refused
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.queueing import decide_retry
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.errors import OmsError


def retry_once(shop: Shop, order: Order, key: str = "K", *, fingerprint: bytes = b"f" * 32) -> tuple[Order, bool]:
    """Queue an order again under a key."""
    changed = shop.storage.orders.act(
        order.id,
        key=IdempotencyKey(actor=shop.caller.name, key=key, act="retry", fingerprint=fingerprint),
        owner=shop.caller.customer_id,
        caller=shop.caller,
        now=shop.clock.now(),
        decide=lambda found, _: decide_retry(found, None),
    )
    return changed.order, changed.replayed


def refusal(shop: Shop, order: Order, key: str = "K", *, fingerprint: bytes = b"f" * 32) -> str:
    """Return the code of a retry that must be refused."""
    with pytest.raises(OmsError) as caught:
        retry_once(shop, order, key, fingerprint=fingerprint)
    return caught.value.code


class KeyedChangePromises:
    """Changes of an order under a key."""

    def test_a_change_under_a_key_is_made_once_and_shown_as_it_is_now(self, shop: Shop) -> None:
        order = rejected(shop)
        retried, replayed = retry_once(shop, order)
        assert (retried, replayed) == (shop.get(order.id), False)
        assert retried.status is OrderStatus.QUEUED
        shop.settle(order.id)
        before = shop.everything()
        assert retry_once(shop, order) == (shop.get(order.id), True)
        assert shop.everything() == before
        assert retry_once(shop, order, "another")[1] is False
        assert shop.get(order.id).status is OrderStatus.QUEUED

    def test_a_key_of_another_change_is_refused_and_nothing_is_changed(self, shop: Shop) -> None:
        order, other = rejected(shop), rejected(shop)
        retry_once(shop, order)
        shop.settle(order.id)
        before = shop.everything()
        assert refusal(shop, order, fingerprint=b"g" * 32) == "idempotency_key_reused"
        assert refusal(shop, other, fingerprint=b"g" * 32) == "idempotency_key_reused"
        assert shop.everything() == before

    def test_all_acts_on_orders_share_the_keys_of_a_caller(self, shop: Shop) -> None:
        shop.set("GADGET", 5)
        order = rejected(shop)
        shop.buy(("GADGET", 1), idempotency_key="placed")
        assert refusal(shop, order, "placed") == "idempotency_key_reused"
        retry_once(shop, order, "retried")
        before = shop.everything()
        again = shop.order(("GADGET", 1), idempotency_key="retried")
        assert [refused(take(again)[0]).code for take in (shop.place, shop.accept)] == ["idempotency_key_reused"] * 2
        assert shop.everything() == before

    def test_each_caller_has_keys_of_its_own(self, shop: Shop) -> None:
        order = rejected(shop)
        retry_once(shop, order)
        shop.settle(order.id)
        other = shop.of(Caller(name="other", scopes=ALL_SCOPES))
        assert retry_once(other, order)[1] is False

    def test_a_refused_change_does_not_burn_its_key(self, shop: Shop) -> None:
        shop.set("GADGET", 1)
        order = shop.buy(("GADGET", 1))
        assert refusal(shop, order) == "invalid_transition"
        other = rejected(shop)
        assert retry_once(shop, other, fingerprint=b"g" * 32)[1] is False

    def test_a_key_is_kept_also_where_there_was_nothing_to_change(self, shop: Shop) -> None:
        order = rejected(shop)
        shop.retry(order.id)
        assert retry_once(shop, order) == (shop.get(order.id), False)
        shop.settle(order.id)
        assert retry_once(shop, order) == (shop.get(order.id), True)
        assert shop.get(order.id).status is OrderStatus.REJECTED

    def test_anothers_order_is_not_found_under_a_key_either(self, shop: Shop) -> None:
        order = rejected(shop)
        retry_once(shop, order)
        stranger = shop.of(Caller(name=shop.caller.name, scopes=ALL_SCOPES, customer_id="another"))
        assert refusal(stranger, order) == "order_not_found"


class KeyedChangeRacePromises:
    """Changes under one key at the same time."""

    def test_one_key_on_sixteen_threads_changes_once(self, shop: Shop, rival_shop: Shop) -> None:
        order = rejected(shop)
        made = run_together([partial(retry_once, hand, order) for hand in buyers(shop, rival_shop)])
        assert sorted(replayed for _, replayed in made) == [False] + [True] * (THREADS - 1)
        assert len(shop.events(order.id)) == 3

    def test_one_key_for_two_orders_at_once_changes_one(self, shop: Shop, rival_shop: Shop) -> None:
        orders = [rejected(shop), rejected(shop)]

        def attempt(hand: Shop, order: Order, fingerprint: bytes) -> str:
            try:
                retry_once(hand, order, fingerprint=fingerprint)
            except OmsError as error:
                return error.code
            return "done"

        works = [
            partial(attempt, hand, order, fingerprint)
            for hand, order, fingerprint in zip((shop, rival_shop), orders, (b"f" * 32, b"g" * 32), strict=True)
        ]
        assert sorted(run_together(works)) == ["done", "idempotency_key_reused"]
        assert sorted(shop.get(order.id).status.value for order in orders) == ["queued", "rejected"]
