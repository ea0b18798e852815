"""What `StockStorage.change` promises: creating, setting, adjusting and receiving, each at most once per key."""

from __future__ import annotations

from functools import partial

import pytest

from oms_contracts.storage_contract.shop import CLERK, Shop
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.stock.changes import ProductChange
from oms_core.domain.stock.products import MovementKind, NewMovement, Product, StockLevel
from oms_core.errors import OmsError


def change(shop: Shop, sku: str, key: str, made: ProductChange | None) -> tuple[Product, bool]:
    """Make a change as decided, under a key."""
    stock_key = IdempotencyKey(actor=CLERK.name, key=key, act="set", fingerprint=b"\x00" * 32)
    return shop.storage.stock.change(sku, key=stock_key, caller=CLERK, now=shop.clock.now(), decide=lambda _: made)


class StockChangePromises:
    """Changes of one product, where nobody interferes."""

    def test_a_set_creates_a_product_with_its_count(self, shop: Shop) -> None:
        changed = shop.set("WIDGET", 5, name="A widget", low_stock_threshold=2, reason="opening", reference="INV-1")
        product = shop.product("WIDGET")
        (entry,) = shop.movements("WIDGET")
        assert (changed.before, changed.replayed, changed.product) == (None, False, product)
        assert (product.sku, product.name, product.low_stock_threshold) == ("WIDGET", "A widget", 2)
        assert product.levels == (StockLevel(location="main", on_hand=5, reserved=0, version=1),)
        assert (entry.actor, entry.created_at) == (CLERK.name, product.updated_at)
        assert entry.movement == NewMovement(
            sku="WIDGET",
            location="main",
            kind=MovementKind.COUNT,
            on_hand_delta=5,
            reserved_delta=0,
            reason="opening",
            reference="INV-1",
        )

    def test_a_set_of_nothing_else_creates_a_product_without_levels(self, shop: Shop) -> None:
        product = shop.set("WIDGET").product
        assert (product.name, product.low_stock_threshold, product.levels, product.version) == ("", None, (), 0)
        assert shop.movements("WIDGET") == []

    def test_a_count_of_zero_creates_a_level_without_a_movement(self, shop: Shop) -> None:
        product = shop.set("WIDGET", 0).product
        assert product.levels == (StockLevel(location="main", on_hand=0, reserved=0, version=1),)
        assert shop.movements("WIDGET") == []

    def test_every_change_of_a_count_is_a_row_of_the_ledger_and_a_version(self, shop: Shop) -> None:
        shop.set("WIDGET", 10)
        shop.adjust("WIDGET", -3, reason="damaged", reference="D-1")
        shop.receive("WIDGET", 5)
        changed = shop.set("WIDGET", 11)
        assert shop.ledger("WIDGET") == [
            ("count", "main", 10, 0),
            ("adjust", "main", -3, 0),
            ("receive", "main", 5, 0),
            ("count", "main", -1, 0),
        ]
        assert shop.levels("WIDGET") == {"main": (11, 0)}
        assert changed.product.version == 4
        assert changed.before is not None
        assert changed.before.on_hand == 12
        damaged = shop.movements("WIDGET")[1].movement
        assert (damaged.reason, damaged.reference) == ("damaged", "D-1")

    def test_every_location_is_a_level_of_its_own(self, shop: Shop) -> None:
        for location, on_hand in (("main", 1), ("b", 2), ("C", 3), ("ä", 4), ("😀", 5)):
            shop.set("WIDGET", on_hand, location=location)
        shop.adjust("WIDGET", 10, location="new")
        shop.receive("WIDGET", 1, location="b")
        product = shop.product("WIDGET")
        figures = [(level.location, level.on_hand, level.version) for level in product.levels]
        assert figures == [("C", 3, 1), ("b", 3, 2), ("main", 1, 1), ("new", 10, 1), ("ä", 4, 1), ("😀", 5, 1)]
        assert (product.on_hand, product.version) == (26, 7)

    def test_what_is_not_given_stays(self, shop: Shop) -> None:
        shop.set("WIDGET", 5, name="A widget", low_stock_threshold=2)
        shop.set("WIDGET", 6)
        shop.set("WIDGET", name="The widget")
        assert shop.product("WIDGET").low_stock_threshold == 2
        shop.set("WIDGET", low_stock_threshold=None)
        product = shop.set("WIDGET", low_stock_threshold=0).product
        assert (product.name, product.low_stock_threshold, product.on_hand) == ("The widget", 0, 6)
        assert shop.set("WIDGET", low_stock_threshold=None, name="").product.low_stock_threshold is None
        assert shop.product("WIDGET").name == ""

    def test_a_new_name_is_no_change_of_stock(self, shop: Shop) -> None:
        before = shop.set("WIDGET", 5).product
        after = shop.set("WIDGET", name="The widget").product
        assert (after.levels, after.version) == (before.levels, before.version)
        assert after.updated_at > before.updated_at
        assert shop.product("WIDGET") == after
        assert len(shop.movements("WIDGET")) == 1

    def test_a_change_of_nothing_writes_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 5, name="A widget", low_stock_threshold=2)
        before = shop.everything()
        assert shop.set("WIDGET", 5, name="A widget", low_stock_threshold=2).product == shop.product("WIDGET")
        assert change(shop, "WIDGET", "K", None) == (shop.product("WIDGET"), False)
        assert shop.everything() == before

    def test_no_change_of_an_unknown_product_is_sku_not_found(self, shop: Shop) -> None:
        with pytest.raises(OmsError) as caught:
            change(shop, "WIDGET", "K", None)
        assert caught.value.code == "sku_not_found"
        assert shop.everything()["products"] == []

    @pytest.mark.parametrize("verb", ["adjust", "receive"])
    def test_only_a_set_creates_a_product(self, shop: Shop, verb: str) -> None:
        with pytest.raises(OmsError) as caught:
            getattr(shop, verb)("WIDGET", 1)
        assert caught.value.code == "sku_not_found"
        assert shop.everything()["products"] == []

    def test_what_the_decision_raises_passes_through_and_writes_nothing(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        shop.buy(("WIDGET", 3))
        before = shop.everything()
        for attempt, code in (
            (partial(shop.set, "WIDGET", 2), "stock_below_reserved"),
            (partial(shop.set, "WIDGET", 9, expected_on_hand=4), "stock_count_mismatch"),
            (partial(shop.adjust, "WIDGET", -3), "stock_below_reserved"),
            (partial(shop.set, "NEW", 9, expected_on_hand=1), "stock_count_mismatch"),
        ):
            with pytest.raises(OmsError) as caught:
                attempt()
            assert caught.value.code == code
        assert shop.everything() == before

    def test_an_expected_count_is_replaced(self, shop: Shop) -> None:
        shop.set("WIDGET", 5, expected_on_hand=0)
        assert shop.set("WIDGET", 9, expected_on_hand=5).product.on_hand == 9

    @pytest.mark.parametrize("on_hand_delta", [-3, -6])
    def test_a_change_that_would_break_the_bounds_is_not_written(self, shop: Shop, on_hand_delta: int) -> None:
        shop.set("WIDGET", 5)
        shop.buy(("WIDGET", 3))
        before = shop.everything()
        row = NewMovement(
            sku="WIDGET", location="main", kind=MovementKind.ADJUST, on_hand_delta=on_hand_delta, reserved_delta=0
        )
        with pytest.raises(OmsError) as caught:
            change(shop, "WIDGET", "K", ProductChange(name="changed", location="main", movements=(row,)))
        assert caught.value.code == "internal_error"
        assert shop.everything() == before

    @pytest.mark.parametrize("verb", ["adjust", "receive"])
    def test_the_same_change_with_the_same_key_is_made_once(self, shop: Shop, verb: str) -> None:
        shop.set("WIDGET", 5)
        make = getattr(shop, verb)
        first = make("WIDGET", 2, idempotency_key="K")
        shop.buy(("WIDGET", 1))
        before = shop.everything()
        again = make("WIDGET", 2, idempotency_key="K")
        assert (first.replayed, again.replayed) == (False, True)
        assert again.product == shop.product("WIDGET")
        assert shop.everything() == before

    def test_a_replay_is_not_decided_again(self, shop: Shop) -> None:
        shop.set("WIDGET", 3)
        shop.adjust("WIDGET", -3, idempotency_key="K")
        assert shop.adjust("WIDGET", -3, idempotency_key="K").replayed

    def test_another_change_under_a_key_is_refused(self, shop: Shop) -> None:
        for sku in ("WIDGET", "OTHER"):
            shop.set(sku, 5)
        shop.adjust("WIDGET", 2, idempotency_key="K")
        before = shop.everything()
        for attempt in (
            partial(shop.adjust, "WIDGET", 3, idempotency_key="K"),
            partial(shop.adjust, "OTHER", 2, idempotency_key="K"),
            partial(shop.adjust, "WIDGET", 2, idempotency_key="K", location="north"),
            partial(shop.receive, "WIDGET", 2, idempotency_key="K"),
            partial(shop.adjust, "UNKNOWN", 2, idempotency_key="K"),
        ):
            with pytest.raises(OmsError) as caught:
                attempt()
            assert caught.value.code == "idempotency_key_reused"
        assert shop.everything() == before

    def test_callers_and_orders_do_not_share_the_keys_of_stock(self, shop: Shop) -> None:
        shop.set("WIDGET", 5)
        shop.adjust("WIDGET", 2, idempotency_key="K")
        assert not shop.of(Caller(name="other", scopes=ALL_SCOPES)).adjust("WIDGET", 2, idempotency_key="K").replayed
        assert not shop.adjust("WIDGET", 2, idempotency_key="k").replayed
        shop.buy(("WIDGET", 1), idempotency_key="K")
        assert shop.levels("WIDGET") == {"main": (11, 1)}

    def test_a_refused_change_does_not_use_its_key_up(self, shop: Shop) -> None:
        shop.set("WIDGET", 1)
        with pytest.raises(OmsError):
            shop.adjust("WIDGET", -2, idempotency_key="K")
        shop.set("WIDGET", 2)
        assert not shop.adjust("WIDGET", -2, idempotency_key="K").replayed
