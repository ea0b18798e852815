"""Races over returns, and returns whose COMMIT was lost: what went out once comes back once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from oms_contracts.concurrency import run_together
from oms_contracts.storage_contract.lossy_shop import LossyShop
from oms_contracts.storage_contract.order_races import ROUNDS, THREADS, attempt, buy_until_refused, buyers
from oms_contracts.storage_contract.returning import (
    DISCARD,
    back,
    content,
    returned,
    returns,
    shipped_order,
    take_in,
)
from oms_contracts.storage_contract.shipping import standing, take_back
from oms_contracts.storage_contract.shop import Shop
from oms_core.domain.orders.statuses import OrderStatus
from oms_core.domain.return_commands import CreateReturn


class ReturnRacePromises:
    """Races over returns."""

    def test_the_last_unit_comes_back_by_one_of_sixteen(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 5)
        order = shipped_order(shop, ("A", 3))
        take_in(shop, order.id, lines=back((1, 2), disposition=DISCARD))
        works = [
            partial(attempt, partial(take_in, hand, order.id, lines=back((1, 1)))) for hand in buyers(shop, rival_shop)
        ]
        assert sorted(run_together(works)) == ["done"] + ["invalid_transition"] * (THREADS - 1)
        assert (standing(shop.get(order.id)), shop.levels("A")) == (("returned", 4), {"main": (3, 0)})
        assert not shop.audit().discrepancies

    def test_returns_of_parts_at_once_take_different_numbers(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 2 * THREADS)
        order = shipped_order(shop, ("A", 2 * THREADS))
        works = [partial(take_in, hand, order.id, lines=back((1, 2))) for hand in buyers(shop, rival_shop)]
        numbers = sorted(each.made.return_no for each in run_together(works))
        assert numbers == list(range(1, THREADS + 1))
        assert (standing(shop.get(order.id)), shop.levels("A")) == (("returned", THREADS + 2), {"main": (32, 0)})
        assert not shop.audit().discrepancies

    def test_of_returning_and_taking_the_shipment_back_one_happens(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 1_000)
        for _ in range(ROUNDS):
            order = shipped_order(shop, ("A", 2))
            ended = run_together(
                [
                    partial(attempt, partial(take_in, shop, order.id, lines=back((1, 1)))),
                    partial(attempt, partial(take_back, rival_shop, order.id)),
                ]
            )
            assert ended in (["done", "shipment_returned"], ["invalid_transition", "done"])
            assert shop.get(order.id).version == 3
        assert not shop.audit().discrepancies

    def test_what_comes_back_is_sold_once(self, shop: Shop, rival_shop: Shop) -> None:
        for number in range(ROUNDS):
            sku = f"SKU-{number}"
            shop.set(sku, 8)
            order = shipped_order(shop, (sku, 4))
            take = partial(take_in, rival_shop, order.id, lines=back((1, 3)))
            works: list[Callable[[], object]] = [partial(buy_until_refused, shop, sku), take]
            bought = run_together(works)[0]
            assert shop.levels(sku)["main"] == (7, len(bought) - 1)  # type: ignore[arg-type]
        assert not shop.audit().discrepancies

    def test_orders_come_back_at_once_to_a_place_that_had_none(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("B", 1, location="yard")
        shop.set("A", 100)
        orders = [shipped_order(shop, ("A", 2)) for _ in range(THREADS)]
        works = [
            partial(take_in, hand, order.id, lines=back((1, 1), location="yard"))
            for hand, order in zip(buyers(shop, rival_shop), orders, strict=True)
        ]
        run_together(works)
        assert shop.levels("A") == {"main": (100 - 2 * THREADS, 0), "yard": (THREADS, 0)}
        assert not shop.audit().discrepancies

    def test_one_key_on_sixteen_threads_is_one_return(self, shop: Shop, rival_shop: Shop) -> None:
        shop.set("A", 50)
        order = shipped_order(shop, ("A", 40))
        works = [
            partial(take_in, hand, order.id, lines=back((1, 1)), idempotency_key="K")
            for hand in buyers(shop, rival_shop)
        ]
        made = run_together(works)
        assert sorted(each.replayed for each in made) == [False] + [True] * (THREADS - 1)
        assert {each.made.return_no for each in made} == {1}
        assert shop.levels("A") == {"main": (11, 0)}
        assert not shop.audit().discrepancies


class LostReturnCommitPromises:
    """Returns, with the answer to the COMMIT lost and a rival who acts before it is looked for."""

    @pytest.mark.parametrize("key", [None, "K"])
    def test_a_return_that_a_rival_has_followed_was_made_once(self, lossy_shop: LossyShop, key: str | None) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 5)
        order = shipped_order(ours, ("A", 3))
        made, theirs = lossy_shop.losing(
            lambda: take_in(ours, order.id, lines=back((1, 1)), idempotency_key=key), lambda: take_in(rival, order.id)
        )
        assert (made.made.return_no, made.replayed, theirs.made.return_no) == (1, False, 2)
        assert standing(made.order) == standing(theirs.order) == ("returned", 4)
        assert [content(each)[0][2] for each in returned(ours, order)] == [1, 2]
        assert ours.levels("A") == {"main": (5, 0)}
        assert not ours.audit().discrepancies

    def test_a_rival_who_returns_the_rest_too_finds_nothing_out(self, lossy_shop: LossyShop) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 5)
        order = shipped_order(ours, ("A", 3))
        made, refused = lossy_shop.losing(
            lambda: take_in(ours, order.id), lambda: attempt(lambda: rival.move(order.id, OrderStatus.RETURNED))
        )
        assert (standing(made.order), refused) == (("returned", 3), "done")
        assert ours.levels("A") == {"main": (5, 0)}
        assert len(returned(ours, order)) == 1

    @pytest.mark.parametrize("keys", [(None, None), ("K-1", "K-2")])
    def test_many_returns_that_a_rival_has_gone_on_with_were_made_once(
        self, lossy_shop: LossyShop, keys: tuple[str | None, str | None]
    ) -> None:
        ours, rival = lossy_shop.ours, lossy_shop.rival
        ours.set("A", 9)
        orders = [shipped_order(ours, ("A", 3)) for _ in keys]
        commands = [
            CreateReturn(order_id=order.id, lines=back((1, 1)), idempotency_key=key)
            for order, key in zip(orders, keys, strict=True)
        ]
        outcomes, _ = lossy_shop.losing(
            lambda: returns(ours).create_many(commands, caller=ours.caller), lambda: take_in(rival, orders[0].id)
        )
        assert [(each.act_no, each.replayed) for each in outcomes] == [(1, False)] * 2  # type: ignore[union-attr]
        assert [standing(ours.get(order.id)) for order in orders] == [("returned", 4), ("partly_returned", 3)]
        assert ours.levels("A") == {"main": (7, 0)}
        assert not ours.audit().discrepancies
