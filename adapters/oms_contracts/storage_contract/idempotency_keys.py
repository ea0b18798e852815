"""Idempotency keys of orders: the same command twice is one order, and another command under the key is refused."""

from __future__ import annotations

import pytest

from oms_contracts.storage_contract.shop import Shop, placed, refused
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.orders.placement import EnteredAs
from oms_core.domain.orders.statuses import OrderStatus


class OrderKeyPromises:
    """Replays, repeats and reuse."""

    def test_the_same_command_with_the_same_key_is_the_same_order(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        first = placed(shop.place(shop.order(("WIDGET", 3), idempotency_key="K"))[0])
        before = shop.everything()
        again = placed(shop.place(shop.order(("WIDGET", 3), idempotency_key="K"))[0])
        assert (first.replayed, again.replayed, again.entered_as) == (False, True, EnteredAs.PLACED)
        assert again.order == first.order
        assert shop.everything() == before

    def test_a_replay_gives_the_order_as_it_is_now(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        order = shop.buy(("WIDGET", 1), idempotency_key="K")
        shipped = shop.move(order.id, OrderStatus.SHIPPED)
        again = placed(shop.place(shop.order(("WIDGET", 1), idempotency_key="K"))[0])
        assert again.replayed
        assert again.order == shipped

    def test_a_replay_needs_no_stock(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        order = shop.buy(("WIDGET", 3), idempotency_key="K")
        assert placed(shop.place(shop.order(("WIDGET", 3), idempotency_key="K"))[0]).order.id == order.id

    def test_the_same_command_twice_in_one_call_is_one_order(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        outcomes = shop.place(
            shop.order(("WIDGET", 1)),
            shop.order(("WIDGET", 3), idempotency_key="K"),
            shop.order(("WIDGET", 3), idempotency_key="K"),
        )
        assert [placed(outcome).replayed for outcome in outcomes] == [False, False, True]
        assert placed(outcomes[2]).order == placed(outcomes[1]).order
        assert shop.levels("WIDGET") == {"main": (10, 4)}

    def test_another_command_under_a_key_is_refused(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        shop.buy(("WIDGET", 3), idempotency_key="K")
        before = shop.everything()
        for other in (
            shop.order(("WIDGET", 4), idempotency_key="K"),
            shop.order(("WIDGET", 3), idempotency_key="K", customer_id="C2"),
            shop.order(("UNKNOWN", 3), idempotency_key="K"),
        ):
            assert refused(shop.place(other)[0]).code == "idempotency_key_reused"
        assert shop.everything() == before

    def test_another_command_under_a_key_of_the_same_call_is_refused(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        first, other = shop.place(
            shop.order(("WIDGET", 3), idempotency_key="K"), shop.order(("WIDGET", 4), idempotency_key="K")
        )
        assert placed(first).order.lines[0].quantity == 3
        assert refused(other).code == "idempotency_key_reused"
        assert shop.levels("WIDGET") == {"main": (10, 3)}

    def test_replays_and_new_orders_go_together(self, shop: Shop) -> None:
        shop.set("WIDGET", 4)
        known = shop.buy(("WIDGET", 1), idempotency_key="known")
        outcomes = shop.place(
            shop.order(("WIDGET", 1), idempotency_key="new"),
            shop.order(("WIDGET", 1), idempotency_key="known"),
            shop.order(("WIDGET", 3)),
            shop.order(("WIDGET", 2)),
        )
        assert [placed(outcomes[index]).replayed for index in (0, 1, 3)] == [False, True, False]
        assert placed(outcomes[1]).order == known
        assert refused(outcomes[2]).code == "insufficient_inventory"
        assert shop.levels("WIDGET") == {"main": (4, 4)}

    def test_callers_do_not_share_keys(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        ours = shop.buy(("WIDGET", 1), idempotency_key="K")
        theirs = shop.of(Caller(name="other", scopes=ALL_SCOPES)).buy(("WIDGET", 1), idempotency_key="K")
        assert ours.id != theirs.id
        assert shop.levels("WIDGET") == {"main": (10, 2)}

    def test_a_refused_order_does_not_use_its_key_up(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        refused(shop.place(shop.order(("WIDGET", 2), idempotency_key="K"))[0])
        shop.set("WIDGET", 2)
        assert not placed(shop.place(shop.order(("WIDGET", 2), idempotency_key="K"))[0]).replayed

    def test_a_key_whose_first_use_in_the_call_is_refused_is_free_for_the_second(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        first, second = shop.place(
            shop.order(("WIDGET", 2), idempotency_key="K"), shop.order(("WIDGET", 1), idempotency_key="K")
        )
        assert refused(first).code == "insufficient_inventory"
        assert not placed(second).replayed

    @pytest.mark.parametrize("keys", [("K", "k"), ("K", "K."), ("ß", "ss"), ("é", "e\u0301"), ("k" * 254, "k" * 255)])
    def test_keys_are_compared_exactly(self, shop: Shop, keys: tuple[str, str]) -> None:
        shop.set("WIDGET", 10)
        one, other = (shop.buy(("WIDGET", 1), idempotency_key=key) for key in keys)
        assert one.id != other.id
        assert [placed(shop.place(shop.order(("WIDGET", 1), idempotency_key=key))[0]).order for key in keys] == [
            one,
            other,
        ]
